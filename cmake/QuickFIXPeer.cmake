# QuickFIX as others use it, with its own sockets and threads: the venue and the peer of P13.
set(quickfix_socket_units
  Acceptor HostDetailsProvider HttpConnection HttpMessage HttpParser HttpServer Initiator
  SocketAcceptor SocketConnection
  SocketConnector SocketInitiator SocketMonitor_UNIX SocketServer)
list(TRANSFORM quickfix_socket_units PREPEND ${QUICKFIX_SOURCES}/)
list(TRANSFORM quickfix_socket_units APPEND .cpp)
add_library(quickfix_sockets STATIC ${quickfix_socket_units})
set_target_properties(quickfix_sockets PROPERTIES CXX_STANDARD 17)
target_compile_options(quickfix_sockets PRIVATE -w)
target_link_libraries(quickfix_sockets PUBLIC quickfix)

foreach(peer quickfix_acceptor quickfix_initiator)
  add_executable(${peer} native/bench/load/${peer}.cpp)
  set_target_properties(${peer} PROPERTIES CXX_STANDARD 17)  # its headers are of that time
  target_compile_options(${peer} PRIVATE ${PITWIRE_WARNINGS})
  target_compile_definitions(${peer} PRIVATE PITWIRE_FIX_SPEC="${PITWIRE_FIX_SPEC}")
  target_include_directories(${peer} PRIVATE ${CMAKE_SOURCE_DIR}/native/bench)
  target_link_libraries(${peer} PRIVATE quickfix_sockets)
endforeach()
