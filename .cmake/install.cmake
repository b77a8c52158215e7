# What another project gets: find_package(muster CONFIG) with muster::harness, muster::main and muster_component(), the
# programs, the package for Python, the init scripts and the example configuration.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/muster)

# Every static library that muster_harness or muster_main needs, found by walking their links.
function(muster_collect target)
  get_property(seen GLOBAL PROPERTY MUSTER_EXPORTED)
  if(target IN_LIST seen)
    return()
  endif()
  set_property(GLOBAL APPEND PROPERTY MUSTER_EXPORTED ${target})
  get_target_property(links ${target} INTERFACE_LINK_LIBRARIES)
  foreach(link ${links})
    string(REGEX REPLACE "^\\$<LINK_ONLY:(.*)>$" "\\1" link "${link}")
    if(TARGET ${link})
      get_target_property(imported ${link} IMPORTED)
      if(NOT imported)
        muster_collect(${link})
      endif()
    endif()
  endforeach()
endfunction()

if(TARGET muster_harness AND TARGET muster_main)
  muster_collect(muster_harness)
  muster_collect(muster_main)
  muster_collect(muster_helper)
  get_property(exported GLOBAL PROPERTY MUSTER_EXPORTED)
  set_target_properties(muster_harness PROPERTIES EXPORT_NAME harness)
  set_target_properties(muster_main PROPERTIES EXPORT_NAME main)
  set_target_properties(muster_helper PROPERTIES EXPORT_NAME helper)
  install(TARGETS ${exported} EXPORT muster-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/muster)
  install(EXPORT muster-targets NAMESPACE muster:: DESTINATION ${package_dir})
  install(DIRECTORY harness/include/muster DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
  configure_package_config_file(.cmake/muster-config.cmake.in ${CMAKE_BINARY_DIR}/muster-config.cmake
                                INSTALL_DESTINATION ${package_dir} PATH_VARS CMAKE_INSTALL_BINDIR)
  write_basic_package_version_file(${CMAKE_BINARY_DIR}/muster-config-version.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${CMAKE_BINARY_DIR}/muster-config.cmake ${CMAKE_BINARY_DIR}/muster-config-version.cmake
                .cmake/dependencies.cmake .cmake/component.cmake DESTINATION ${package_dir})
endif()

# The programs; the helpers stand where the harness looks for them: beside each other.
get_property(provisioners GLOBAL PROPERTY MUSTER_PROVISIONERS)
foreach(program nodeagent muster muster-hub ${provisioners})
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()
install(DIRECTORY harness/python/muster DESTINATION ${CMAKE_INSTALL_DATADIR}/muster/python
        FILES_MATCHING PATTERN "*.py" PATTERN "py.typed" PATTERN "__pycache__" EXCLUDE)
install(DIRECTORY config/ DESTINATION ${CMAKE_INSTALL_DATADIR}/muster/config USE_SOURCE_PERMISSIONS)
install(DIRECTORY init/ DESTINATION ${CMAKE_INSTALL_DATADIR}/muster/init USE_SOURCE_PERMISSIONS)
install(FILES docs/man/nodeagent.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
