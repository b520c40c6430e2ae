# The rooms of the native core: native/{include/pitwire,src,tests,bench}/NAME.

set(PITWIRE_GENERATED ${CMAKE_BINARY_DIR}/generated)
add_custom_command(
  OUTPUT ${PITWIRE_GENERATED}/pitwire/records.hpp ${PITWIRE_GENERATED}/pitwire/reflection.hpp
  COMMAND ${Python_EXECUTABLE} ${CMAKE_SOURCE_DIR}/native/schema/generate.py
          ${CMAKE_SOURCE_DIR}/native/schema/records.toml ${PITWIRE_GENERATED}
  DEPENDS ${CMAKE_SOURCE_DIR}/native/schema/generate.py ${CMAKE_SOURCE_DIR}/native/schema/records.toml
  COMMENT "records from the schema")
add_custom_target(pitwire_schema DEPENDS ${PITWIRE_GENERATED}/pitwire/records.hpp)

set(PITWIRE_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 sees overlaps that are not there in string operations (GCC bug 105651).
  list(APPEND PITWIRE_WARNINGS -Wno-restrict)
else()
  list(APPEND PITWIRE_WARNINGS -Wno-unused-private-field)  # padding between what threads write
endif()

# pitwire_component(NAME LINK libs...): a static library from native/src/NAME, and the test
# executable pitwire_NAME_tests from native/tests/NAME.
function(pitwire_component name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  set(native ${CMAKE_SOURCE_DIR}/native)
  file(GLOB sources CONFIGURE_DEPENDS ${native}/src/${name}/*.cpp)
  file(GLOB tests CONFIGURE_DEPENDS ${native}/tests/${name}/*.cpp)
  file(GLOB benches CONFIGURE_DEPENDS ${native}/bench/${name}/*.cpp)
  if(sources)
    add_library(pitwire_${name} STATIC ${sources})
    set(visibility PUBLIC)
    target_compile_options(pitwire_${name} PRIVATE ${PITWIRE_WARNINGS})
  else()
    add_library(pitwire_${name} INTERFACE)
    set(visibility INTERFACE)
  endif()
  target_include_directories(pitwire_${name} ${visibility} ${native}/include ${PITWIRE_GENERATED})
  target_link_libraries(pitwire_${name} ${visibility} ${ARG_LINK})
  add_dependencies(pitwire_${name} pitwire_schema)
  if(PITWIRE_TESTS AND tests)
    add_executable(pitwire_${name}_tests ${tests})
    target_compile_options(pitwire_${name}_tests PRIVATE ${PITWIRE_WARNINGS})
    target_link_libraries(pitwire_${name}_tests PRIVATE pitwire_${name} GTest::gtest_main)
    add_test(NAME ${name} COMMAND pitwire_${name}_tests)
  endif()
  if(PITWIRE_BENCH AND benches)
    find_package(benchmark REQUIRED)
    add_executable(pitwire_${name}_bench ${benches})
    target_compile_options(pitwire_${name}_bench PRIVATE ${PITWIRE_WARNINGS})
    target_include_directories(pitwire_${name}_bench PRIVATE ${native}/bench)
    target_link_libraries(pitwire_${name}_bench PRIVATE pitwire_${name} benchmark::benchmark_main)
  endif()
endfunction()

# pitwire_tests_across(NAME LINK libs...): tests of what several rooms promise together.
function(pitwire_tests_across name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  if(NOT PITWIRE_TESTS)
    return()
  endif()
  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/native/tests/${name}/*.cpp)
  add_executable(pitwire_${name}_tests ${tests})
  target_compile_options(pitwire_${name}_tests PRIVATE ${PITWIRE_WARNINGS})
  target_link_libraries(pitwire_${name}_tests PRIVATE ${ARG_LINK} GTest::gtest_main)
  add_test(NAME ${name} COMMAND pitwire_${name}_tests)
endfunction()

# daemon.core, placed beside the Python sources so that a checkout runs as it stands.
function(pitwire_python_module)
  execute_process(
    COMMAND ${Python_EXECUTABLE} -m pybind11 --cmakedir
    OUTPUT_VARIABLE pybind11_DIR OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  find_package(pybind11 CONFIG REQUIRED)
  file(GLOB bindings CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/native/bindings/*.cpp)
  # Without the LTO that pybind11 adds: the rooms are compiled without it, and it doubles the build.
  pybind11_add_module(core NO_EXTRAS ${bindings})
  target_compile_options(core PRIVATE -Wall -Wextra -Werror)
  # Each count of a reference would ask whether we hold the interpreter's lock.
  target_compile_definitions(core PRIVATE PYBIND11_NO_ASSERT_GIL_HELD_INCREF_DECREF)
  target_link_libraries(core PRIVATE pitwire_engine pitwire_exchange pitwire_definitions)
  if(PITWIRE_SANITIZE)
    # Beside it tools/sanitized.py puts the rest of the tree.
    set_target_properties(core PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/checkout/daemon)
  elseif(NOT SKBUILD)
    set_target_properties(core PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_SOURCE_DIR}/daemon)
  endif()
  install(TARGETS core LIBRARY DESTINATION daemon)
endfunction()
