# muster_component(<name> [DEPENDS <target>...] [HELPERS <file>...] [TIMEOUT <seconds>]): the tests of this directory as one gtest binary,
# <name>_tests, with the ctest label <name>. test_*.cc are tests; other *.cc files, but for unit tests (*_test.cc), are
# their support. It is for the tree of Muster and for projects that call find_package(muster CONFIG) alike.
#   DEPENDS   what the tests link besides Muster.
#   HELPERS   sources of helpers, which the tests start on nodes: each becomes a program of the file's name without its
#             ending, as by muster_helper(). C++ sources and Python scripts (*.py) are possible.
#   TIMEOUT   seconds until ctest ends a test; 600 by default. The test looks at its nodes before that.
include(GoogleTest)

function(muster_component name)
  cmake_parse_arguments(COMPONENT "" "TIMEOUT" "DEPENDS;HELPERS" ${ARGN})
  if(COMPONENT_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "muster_component(${name}): unknown arguments: ${COMPONENT_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT COMPONENT_TIMEOUT)
    set(COMPONENT_TIMEOUT 600)
  endif()
  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/test_*.cc)
  file(GLOB support CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  list(FILTER support EXCLUDE REGEX "(_test|/test_[^/]*)\\.cc$")
  foreach(helper ${COMPONENT_HELPERS})
    list(REMOVE_ITEM support ${CMAKE_CURRENT_SOURCE_DIR}/${helper})
  endforeach()
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
  foreach(helper ${COMPONENT_HELPERS})
    cmake_path(GET helper STEM program)
    muster_helper(${program} SOURCES ${helper})
    add_dependencies(${name}_tests ${program})
  endforeach()
  # All nodes of a machine share its cores and its network names: one node test at a time.
  gtest_discover_tests(${name}_tests DISCOVERY_MODE PRE_TEST NO_PRETTY_VALUES TEST_PREFIX "${name}."
                       PROPERTIES LABELS ${name} TIMEOUT ${COMPONENT_TIMEOUT} RESOURCE_LOCK nodes
                       ENVIRONMENT MUSTER_PROGRAM_TIME=${COMPONENT_TIMEOUT}s)
  if(COMMAND muster_adopt_component)
    muster_adopt_component(${name})
  endif()
endfunction()

# muster_helper(<name> SOURCES <file>... [STATIC]): a program that tests start on nodes and call (RemoteHelper). The one
# source may also be a Python script (*.py).
#   STATIC   links the C library too, for nodes with an older or another one.
function(muster_helper name)
  cmake_parse_arguments(HELPER "STATIC" "" "SOURCES" ${ARGN})
  if(HELPER_UNPARSED_ARGUMENTS OR NOT HELPER_SOURCES)
    message(FATAL_ERROR "muster_helper(${name}): expected SOURCES and a file, got ${ARGN}")
  endif()
  if(HELPER_SOURCES MATCHES "^[^;]*\\.py$")
    set(directory ${CMAKE_RUNTIME_OUTPUT_DIRECTORY})
    if(NOT directory)
      set(directory ${CMAKE_CURRENT_BINARY_DIR})
    endif()
    cmake_path(ABSOLUTE_PATH HELPER_SOURCES)
    add_custom_command(OUTPUT ${directory}/${name} DEPENDS ${HELPER_SOURCES} VERBATIM
                       COMMAND ${CMAKE_COMMAND} -E copy ${HELPER_SOURCES} ${directory}/${name})
    add_custom_target(${name} DEPENDS ${directory}/${name})
    return()
  endif()
  add_executable(${name} ${HELPER_SOURCES})
  target_link_libraries(${name} PRIVATE muster::helper)
  # The lines of backtraces come from here.
  target_compile_options(${name} PRIVATE -g1)
  if(HELPER_STATIC)
    target_link_options(${name} PRIVATE -static)
  endif()
endfunction()
