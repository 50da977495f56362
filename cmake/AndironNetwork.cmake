# What andiron/collective needs: standalone Asio, as headers, and OpenSSL 3, linked statically so
# that the wheel asks for no library of the system's (and meets no other version in the process).
find_package(Threads REQUIRED)
find_path(ANDIRON_ASIO_INCLUDE asio.hpp)
mark_as_advanced(ANDIRON_ASIO_INCLUDE)
if(NOT ANDIRON_ASIO_INCLUDE)
  message(FATAL_ERROR "Asio was not found: apt-get install libasio-dev, or run `make setup`")
endif()
set(OPENSSL_USE_STATIC_LIBS TRUE)
find_package(OpenSSL 3.0 REQUIRED)

add_library(andiron_network INTERFACE)
target_include_directories(andiron_network SYSTEM INTERFACE "${ANDIRON_ASIO_INCLUDE}")
target_link_libraries(andiron_network INTERFACE OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
if("thread" IN_LIST ANDIRON_SANITIZE)
  # ThreadSanitizer does not know fences; Asio's queues are locked besides.
  target_compile_definitions(andiron_network INTERFACE ASIO_DISABLE_FENCED_BLOCK)
endif()
