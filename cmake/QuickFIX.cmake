# QuickFIX's C++ from its PyPI source distribution: the session rules, without its sockets, threads,
# file stores, database drivers or SWIG wrapper. Fetched by pip with its hash pinned.

set(PITWIRE_QUICKFIX_ROOT ${CMAKE_SOURCE_DIR}/build/quickfix CACHE PATH "where QuickFIX is unpacked")
set(QUICKFIX_VERSION 1.16.0)
set(QUICKFIX_SOURCES ${PITWIRE_QUICKFIX_ROOT}/quickfix-${QUICKFIX_VERSION}/C++)

if(NOT EXISTS ${QUICKFIX_SOURCES}/Session.cpp)
  message(STATUS "fetching QuickFIX ${QUICKFIX_VERSION}")
  file(MAKE_DIRECTORY ${PITWIRE_QUICKFIX_ROOT})
  file(WRITE ${PITWIRE_QUICKFIX_ROOT}/requirement.txt
    "quickfix==${QUICKFIX_VERSION} --hash=sha256:825aceb72cfd69c30fbbf5b380b66f464abe1fe3188374f13d8c9987dd8eb4e9\n")
  execute_process(
    COMMAND ${Python_EXECUTABLE} -m pip download --quiet --no-deps --no-binary :all: --require-hashes
            --dest ${PITWIRE_QUICKFIX_ROOT} -r ${PITWIRE_QUICKFIX_ROOT}/requirement.txt
    COMMAND_ERROR_IS_FATAL ANY)
  file(ARCHIVE_EXTRACT INPUT ${PITWIRE_QUICKFIX_ROOT}/quickfix-${QUICKFIX_VERSION}.tar.gz
       DESTINATION ${PITWIRE_QUICKFIX_ROOT})
endif()

set(quickfix_units
  DataDictionary DataDictionaryProvider Dictionary FieldConvertors FieldMap FieldTypes Group Log Message
  MessageSorters MessageStore Parser PUGIXML_DOMDocument Session SessionSettings Settings
  SessionFactory TimeRange Utility pugixml)
list(TRANSFORM quickfix_units PREPEND ${QUICKFIX_SOURCES}/)
list(TRANSFORM quickfix_units APPEND .cpp)
file(GLOB double_conversion ${QUICKFIX_SOURCES}/double-conversion/*.cc)

# Its warnings are its own; its headers are included as system headers for the same reason.
add_library(quickfix STATIC ${quickfix_units} ${double_conversion})
set_target_properties(quickfix PROPERTIES CXX_STANDARD 17 UNITY_BUILD OFF)
target_compile_options(quickfix PRIVATE -w)
target_include_directories(quickfix SYSTEM PUBLIC ${QUICKFIX_SOURCES})
target_link_libraries(quickfix PUBLIC Threads::Threads)
