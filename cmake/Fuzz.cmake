# Fuzz targets: native/fuzz/NAME.cpp, each one function over bytes (native/fuzz/target.hpp). With
# PITWIRE_FUZZ (clang only) libFuzzer drives them under ASan and UBSan; otherwise driver.cpp does, and
# the tests run what the seeds and native/fuzz/found/NAME hold, with mutations of it.

# What coverage needs in every object; the rooms are built with it like with any sanitizer.
if(PITWIRE_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "PITWIRE_FUZZ needs clang: -DCMAKE_CXX_COMPILER=clang++-14")
  endif()
  set(PITWIRE_SANITIZE fuzzer-no-link,address,undefined)
  set(PITWIRE_TESTS OFF)
  set(PITWIRE_PYTHON OFF)
endif()

set(PITWIRE_FUZZ_SOURCES ${CMAKE_SOURCE_DIR}/native/fuzz)
set(PITWIRE_FUZZ_SEEDS ${CMAKE_BINARY_DIR}/fuzz-seeds)

function(pitwire_fuzz_executable name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(pitwire_fuzz_${name} ${PITWIRE_FUZZ_SOURCES}/${name}.cpp)
  target_compile_options(pitwire_fuzz_${name} PRIVATE ${PITWIRE_WARNINGS})
  target_include_directories(pitwire_fuzz_${name} PRIVATE ${CMAKE_SOURCE_DIR}/native/src)
  target_link_libraries(pitwire_fuzz_${name} PRIVATE ${ARG_LINK})
endfunction()

# pitwire_fuzz_target(NAME LINK libs...)
function(pitwire_fuzz_target name)
  if(NOT PITWIRE_FUZZ AND NOT PITWIRE_TESTS)
    return()
  endif()
  pitwire_fuzz_executable(${name} ${ARGN})
  if(PITWIRE_FUZZ)
    target_sources(pitwire_fuzz_${name} PRIVATE ${PITWIRE_FUZZ_SOURCES}/libfuzzer.cpp)
    target_link_options(pitwire_fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    if(NOT TARGET pitwire_fuzz_driver)
      add_library(pitwire_fuzz_driver OBJECT ${PITWIRE_FUZZ_SOURCES}/driver.cpp)
      target_compile_options(pitwire_fuzz_driver PRIVATE ${PITWIRE_WARNINGS})
    endif()
    target_link_libraries(pitwire_fuzz_${name} PRIVATE pitwire_fuzz_driver)
    add_test(NAME fuzz_${name}
             COMMAND pitwire_fuzz_${name} ${PITWIRE_FUZZ_SEEDS}/${name}
                     ${PITWIRE_FUZZ_SOURCES}/found/${name})
    set_tests_properties(fuzz_${name} PROPERTIES FIXTURES_REQUIRED fuzz_seeds)
  endif()
endfunction()

# The program that writes the seeds, and the test that runs it before the targets' own.
function(pitwire_fuzz_seeds)
  if(NOT PITWIRE_FUZZ AND NOT PITWIRE_TESTS)
    return()
  endif()
  pitwire_fuzz_executable(seeds ${ARGN})
  if(NOT PITWIRE_FUZZ)
    add_test(NAME fuzz_seeds COMMAND pitwire_fuzz_seeds ${PITWIRE_FUZZ_SEEDS})
    set_tests_properties(fuzz_seeds PROPERTIES FIXTURES_SETUP fuzz_seeds)
  endif()
endfunction()
