# muster_component(<name> [DEPENDS <target>...] [TIMEOUT <seconds>]): the tests of this directory as one gtest binary,
# <name>_tests, with the ctest label <name>. test_*.cc are tests; other *.cc files, but for unit tests (*_test.cc), are
# their support. It is for the tree of Muster and for projects that call find_package(muster CONFIG) alike.
#   DEPENDS   what the tests link besides Muster.
#   TIMEOUT   seconds until ctest ends a test; 600 by default.
include(GoogleTest)

function(muster_component name)
  cmake_parse_arguments(COMPONENT "" "TIMEOUT" "DEPENDS" ${ARGN})
  if(COMPONENT_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "muster_component(${name}): unknown arguments: ${COMPONENT_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT COMPONENT_TIMEOUT)
    set(COMPONENT_TIMEOUT 600)
  endif()
  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/test_*.cc)
  file(GLOB support CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  list(FILTER support EXCLUDE REGEX "(_test|/test_[^/]*)\\.cc$")
  if(NOT tests)
    message(FATAL_ERROR "muster_component(${name}): there is no test_*.cc in ${CMAKE_CURRENT_SOURCE_DIR}")
  endif()
  if(support)
    add_library(${name}_component STATIC ${support})
    target_link_libraries(${name}_component PUBLIC muster::harness ${COMPONENT_DEPENDS})
    set(COMPONENT_DEPENDS ${name}_component ${COMPONENT_DEPENDS})
  endif()
  add_executable(${name}_tests ${tests})
  target_link_libraries(${name}_tests PRIVATE ${COMPONENT_DEPENDS} muster::main)
  # All nodes of a machine share its cores and its network names: one node test at a time.
  gtest_discover_tests(${name}_tests DISCOVERY_MODE PRE_TEST NO_PRETTY_VALUES TEST_PREFIX "${name}."
                       PROPERTIES LABELS ${name} TIMEOUT ${COMPONENT_TIMEOUT} RESOURCE_LOCK nodes)
  if(COMMAND muster_adopt_component)
    muster_adopt_component(${name})
  endif()
endfunction()
