# The libraries that Muster uses, all from Debian 12. Archives are preferred to shared objects: the agent is
# static, and a program that links the harness then needs nothing installed where it runs.
include(GoogleTest)
find_package(Threads REQUIRED)
set(OPENSSL_USE_STATIC_LIBS ON)
find_package(OpenSSL REQUIRED)
find_package(GTest REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)

find_program(CAPNP_EXECUTABLE capnp REQUIRED)
find_program(CAPNPC_CXX_EXECUTABLE capnpc-c++ REQUIRED)
find_path(CAPNP_INCLUDE_DIR capnp/common.h REQUIRED)

# muster_archive(<target> <archive name>...): an imported interface of static archives, in link order. A project may find
# Muster several times, and has the target from the first one.
function(muster_archive target)
  if(TARGET ${target})
    return()
  endif()
  add_library(${target} INTERFACE IMPORTED GLOBAL)
  foreach(name ${ARGN})
    find_library(${name}_ARCHIVE NAMES lib${name}.a REQUIRED)
    target_link_libraries(${target} INTERFACE ${${name}_ARCHIVE})
  endforeach()
endfunction()

muster_archive(muster_capnp capnp-rpc capnp kj-async kj)
target_link_libraries(muster_capnp INTERFACE Threads::Threads)
# Reads schemas when a program runs, for tests.
muster_archive(muster_capnpc capnpc capnp kj)
muster_archive(muster_kj_tls kj-tls)
target_link_libraries(muster_kj_tls INTERFACE muster_capnp OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
muster_archive(muster_yaml yaml-cpp)
muster_archive(muster_pugixml pugixml)
muster_archive(muster_zlib z)
muster_archive(muster_fuse fuse3)
target_link_libraries(muster_fuse INTERFACE Threads::Threads)
muster_archive(muster_re2 re2)
target_link_libraries(muster_re2 INTERFACE Threads::Threads)
muster_archive(muster_sqlite sqlite3)
target_link_libraries(muster_sqlite INTERFACE Threads::Threads m ${CMAKE_DL_LIBS})
# Its list of all formats, which no caller needs, would ask for the libraries of each of them.
muster_archive(muster_libarchive archive z)
target_link_options(muster_libarchive INTERFACE -Wl,--gc-sections)
