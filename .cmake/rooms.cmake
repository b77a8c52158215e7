# A room is a directory with one question to answer. muster_room() makes a static library of its sources and
# a unit test binary of its *_test.cc files, so that adding a file needs no change to the build.

set(MUSTER_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Woverloaded-virtual
                    -Wno-missing-field-initializers)

# The flags that all of our code is compiled with, and nobody else's.
add_library(muster_flags INTERFACE)
target_compile_options(muster_flags INTERFACE "$<BUILD_INTERFACE:${MUSTER_WARNINGS}>"
  "$<BUILD_INTERFACE:$<$<BOOL:${MUSTER_WERROR}>:-Werror>>"
  "$<BUILD_INTERFACE:$<$<CONFIG:Debug>:-Og;-g1;-D_GLIBCXX_ASSERTIONS>>")
target_include_directories(muster_flags SYSTEM INTERFACE $<BUILD_INTERFACE:${CAPNP_INCLUDE_DIR}>)
target_include_directories(muster_flags INTERFACE
  $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}> $<BUILD_INTERFACE:${CMAKE_BINARY_DIR}>
  $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/harness/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
if(MUSTER_SANITIZE)
  target_compile_options(muster_flags INTERFACE
    "$<BUILD_INTERFACE:-fsanitize=${MUSTER_SANITIZE};-fno-omit-frame-pointer;-fno-sanitize-recover=all>")
  # kj's class hierarchies cross the border of uninstrumented archives, where type information is not merged.
  if(MUSTER_SANITIZE MATCHES undefined)
    target_compile_options(muster_flags INTERFACE $<BUILD_INTERFACE:-fno-sanitize=vptr>)
  endif()
  target_link_options(muster_flags INTERFACE $<BUILD_INTERFACE:-fsanitize=${MUSTER_SANITIZE}>)
  if(MUSTER_SANITIZE MATCHES thread)
    # No library: the sanitizer's own, which is shared, would be found first.
    target_sources(muster_flags INTERFACE
      $<BUILD_INTERFACE:$<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:${CMAKE_SOURCE_DIR}/.cmake/tsan.cc>>)
  endif()
endif()

# gtest and gmock cost three seconds a file; every test reuses one precompiled header.
add_library(muster_gtest STATIC ${CMAKE_SOURCE_DIR}/.cmake/precompiled.cc)
target_precompile_headers(muster_gtest PRIVATE <gmock/gmock.h> <gtest/gtest.h>)
target_link_libraries(muster_gtest PUBLIC muster_flags GTest::gmock GTest::gtest)

# The public headers cost a component's file another second, and those of JSON and the library a file of the command two.
# Where files are not batched, each must bring its own includes.
add_library(muster_component_header STATIC ${CMAKE_SOURCE_DIR}/.cmake/precompiled.cc)
target_precompile_headers(muster_component_header PRIVATE <gmock/gmock.h> <gtest/gtest.h> <muster/muster.h>)
target_link_libraries(muster_component_header PUBLIC muster_flags GTest::gmock GTest::gtest)
add_library(muster_json_header STATIC ${CMAKE_SOURCE_DIR}/.cmake/precompiled.cc)
target_precompile_headers(muster_json_header PRIVATE <nlohmann/json.hpp> <chrono> <functional> <iostream> <map> <optional>
                          <string> <vector>)
target_link_libraries(muster_json_header PUBLIC muster_flags)

# muster_batches(<variable> <name> SOURCES <file>... [SEPARATE ALL|<file>...]): sets <variable> to what to compile instead of
# the sources of a target. A file costs two seconds of headers, whatever is in it, so that neighbours are included by one that
# is written here. Its paths begin at the root of the tree: a copy of the tree then has the same batches, and a cache of the
# compiler knows them. The name of a file decides whether a batch ends behind it, as an eighth of them do, since a new file
# then changes no batch but its own: only its author meets names that stand in two files of a batch.
#   SEPARATE   files that are compiled on their own, since their names or headers are at odds with those of others; ALL: each.
function(muster_batches variable name)
  cmake_parse_arguments(BATCH "" "" "SOURCES;SEPARATE" ${ARGN})
  set(compiled "")
  if(NOT MUSTER_BATCHES OR "ALL" IN_LIST BATCH_SEPARATE)
    set(compiled ${BATCH_SOURCES})
    set(BATCH_SOURCES "")
  endif()
  foreach(file ${BATCH_SEPARATE})
    if(${CMAKE_CURRENT_SOURCE_DIR}/${file} IN_LIST BATCH_SOURCES)
      list(REMOVE_ITEM BATCH_SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/${file})
      list(APPEND compiled ${CMAKE_CURRENT_SOURCE_DIR}/${file})
    endif()
  endforeach()
  set(text "")
  set(count 0)
  list(LENGTH BATCH_SOURCES left)
  foreach(file ${BATCH_SOURCES})
    cmake_path(GET file STEM stem)
    cmake_path(ABSOLUTE_PATH file)
    cmake_path(RELATIVE_PATH file BASE_DIRECTORY ${CMAKE_SOURCE_DIR})
    string(APPEND text "#include \"${file}\"\n")
    math(EXPR count "${count} + 1")
    math(EXPR left "${left} - 1")
    string(MD5 digest ${stem})
    if(digest MATCHES "^[01]" OR count EQUAL 12 OR left EQUAL 0)
      set(batch ${CMAKE_CURRENT_BINARY_DIR}/${name}_to_${stem}.cc)
      file(CONFIGURE OUTPUT ${batch} CONTENT "${text}" @ONLY)
      list(APPEND compiled ${batch})
      set(text "")
      set(count 0)
    endif()
  endforeach()
  set(${variable} ${compiled} PARENT_SCOPE)
endfunction()

# muster_room(<name> [SEPARATE ALL|<file>...] [DEPENDS <target>...] [TEST_DEPENDS <target>...] [TEST_LOCK <name>]
#             [TEST_PLAIN <when>] [SUBROOMS <directory>...])
#   <name>        library target; its sources are *.cc here, without *_test.cc, *_main.cc and main.cc.
#   SEPARATE      that of muster_batches(), for the sources and the unit tests.
#   DEPENDS       what the library links, publicly.
#   SUBROOMS      directories here whose files belong to the same library.
#   TEST_DEPENDS  what the unit tests link besides.
#   TEST_LOCK     a lock of muster_unit_test().
#   TEST_PLAIN    PLAIN of muster_unit_test().
function(muster_room name)
  cmake_parse_arguments(ROOM "" "TEST_LOCK;TEST_PLAIN" "DEPENDS;TEST_DEPENDS;SUBROOMS;SEPARATE" ${ARGN})
  list(TRANSFORM ROOM_SUBROOMS REPLACE "(.+)" "${CMAKE_CURRENT_SOURCE_DIR}/\\1/*.cc")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc ${ROOM_SUBROOMS})
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "(_test|_main|/main)\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  if(sources)
    muster_batches(compiled ${name} SOURCES ${sources} SEPARATE ${ROOM_SEPARATE})
    add_library(${name} STATIC ${compiled})
    target_link_libraries(${name} PUBLIC muster_flags ${ROOM_DEPENDS})
    if(MUSTER_BATCHES AND "ALL" IN_LIST ROOM_SEPARATE)
      target_precompile_headers(${name} REUSE_FROM muster_json_header)
    endif()
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE muster_flags ${ROOM_DEPENDS})
  endif()
  set_property(GLOBAL APPEND PROPERTY MUSTER_ROOMS ${name})
  if(tests AND BUILD_TESTING)
    muster_unit_test(${name}_test SOURCES ${tests} DEPENDS ${name} ${ROOM_TEST_DEPENDS} LOCK ${ROOM_TEST_LOCK}
                     PLAIN ${ROOM_TEST_PLAIN} SEPARATE ${ROOM_SEPARATE})
  endif()
endfunction()

# muster_agent_service(<name> [DEPENDS ...] ...): a room of the agent that serves one part of the schema, as muster_room();
# it stands on the session, and the keeper links it.
function(muster_agent_service name)
  muster_room(${name} ${ARGN} DEPENDS nodeagent_session nodeagent_os support_rpc)
  target_link_libraries(nodeagent_services INTERFACE ${name})
endfunction()

# muster_unit_test(<name> SOURCES <file>... DEPENDS <target>... [PLAIN also|first|only] [LOCK <name>...]
#                  [TIMEOUT <seconds>] [SEPARATE ALL|<file>...]):
# a gtest binary with the ctest label "unit", "unit-plain" or "unit-rest". It needs no node that somebody else made, and
# no network beyond loopback. Tests that share a LOCK do not run at the same time.
#   PLAIN    The gate runs unit tests in the sanitizer's build. "also": in the plain build too (unit-plain), since the
#            test is about the agent as it is shipped, its memory or its time. "first": in the plain build alone, and in
#            the sanitizer's by `./dev sanitize` (unit-rest): it is about files and words of the management side, which
#            no node sends. "only": never in the sanitizer's build, which sees nothing in it: it reads files, or runs
#            programs.
function(muster_unit_test name)
  cmake_parse_arguments(UNIT "" "PLAIN;TIMEOUT" "SOURCES;DEPENDS;LOCK;SEPARATE" ${ARGN})
  # One label a test: gtest_discover_tests() takes a list of them apart, and what follows goes to the wrong property.
  set(label unit)
  set(part sanitized_tests)
  if(UNIT_PLAIN STREQUAL only AND MUSTER_SANITIZE)
    return()
  elseif(UNIT_PLAIN STREQUAL first AND MUSTER_SANITIZE)
    set(label unit-rest)
    set(part unit_tests)
  elseif(UNIT_PLAIN AND NOT MUSTER_SANITIZE)
    set(label unit-plain)
    set(part plain_tests)
  endif()
  if(NOT UNIT_TIMEOUT)
    set(UNIT_TIMEOUT 300)
  endif()
  add_dependencies(unit_tests ${name})
  add_dependencies(${part} ${name})
  muster_batches(compiled ${name} SOURCES ${UNIT_SOURCES} SEPARATE ${UNIT_SEPARATE})
  add_executable(${name} ${compiled})
  target_precompile_headers(${name} REUSE_FROM muster_gtest)
  target_link_libraries(${name} PRIVATE ${UNIT_DEPENDS} muster_gtest GTest::gmock_main)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST NO_PRETTY_VALUES TEST_PREFIX "${name}."
                       PROPERTIES LABELS ${label} TIMEOUT ${UNIT_TIMEOUT} RESOURCE_LOCK "${UNIT_LOCK}")
endfunction()

# muster_adopt_component(<name>): what a component of this tree has besides. Its tests use the precompiled header and are
# built together with what runs on nodes; unit tests beside it (*_test.cc) become <name>_unit_test.
function(muster_adopt_component name)
  foreach(target ${name}_component ${name}_tests)
    if(TARGET ${target})
      target_link_libraries(${target} PUBLIC muster_gtest)
      target_precompile_headers(${target} REUSE_FROM muster_component_header)
    endif()
  endforeach()
  add_dependencies(${name}_tests node_programs)
  add_dependencies(node_tests ${name}_tests)
  file(GLOB units CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cc)
  if(units)
    muster_unit_test(${name}_unit_test SOURCES ${units} DEPENDS $<TARGET_NAME_IF_EXISTS:${name}_component>)
  endif()
endfunction()

# What runs on nodes: the agent, and what makes local nodes.
add_custom_target(node_programs)

# All programs that node tests start: the command and test programs of theirs too.
add_custom_target(muster_programs DEPENDS node_programs)

# The tests that the gate runs: see muster_unit_test() and muster_component() of component.cmake.
add_custom_target(unit_tests)
add_custom_target(plain_tests)
add_custom_target(sanitized_tests)
add_custom_target(node_tests DEPENDS muster_programs)
