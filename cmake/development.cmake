# What plugins of other repositories are compiled and tested against: `cmake --install BUILD --component dev` has the
# contract's headers with all that they include, the libraries of core and the test harness, and a CMake package. In no
# other component, so neither in the Debian package swage.
set(SWAGE_DEV_LIBRARIES basics core_dns core_zone core_zonefile core_config core_regex core_async core_shm core_metrics
    core_forge core_denylist core_crypto core_tsig core_cookie core_rates core_http core_doh core_libp2p core_plugin core_control core_server tests_harness catch_main)

# swage_closure(RESULT HEADERS...): these and all of the repository's that they include.
function(swage_closure result)
  set(open ${ARGN})
  set(closed "")
  while(open)
    list(POP_FRONT open header)
    if(header IN_LIST closed)
      continue()
    endif()
    list(APPEND closed ${header})
    file(STRINGS ${CMAKE_SOURCE_DIR}/${header} includes REGEX "^#include \"(core|tests)/")
    foreach(include IN LISTS includes)
      string(REGEX REPLACE "^#include \"([^\"]+)\".*" "\\1" included "${include}")
      list(APPEND open ${included})
    endforeach()
  endwhile()
  set(${result} ${closed} PARENT_SCOPE)
endfunction()

function(swage_install_development)
  # What docs/plugins.md names, and the harness.
  swage_closure(headers core/plugin/plugin.h core/plugin/follow.h core/plugin/http_endpoint.h core/plugin/loaded.h core/plugin/report.h core/whole_file.h
                core/async/tasks.h core/async/work.h core/http/fetcher.h core/shm/flat_map.h core/shm/table.h core/regex/regex.h
                core/zone/view.h core/zone/builder.h core/zonefile/reader.h core/zonefile/record_parser.h core/plugin/fetched_answers.h core/plugin/cache_rules.h core/plugin/relay.h
                core/dns/client_subnet.h core/forge/challenge_store.h core/denylist/denylist.h core/denylist/builder.h
                core/libp2p/peer_id.h
                tests/support/plugin_harness.h tests/support/service_run.h tests/support/loopback.h tests/support/web.h)
  foreach(header IN LISTS headers)
    get_filename_component(folder ${header} DIRECTORY)
    install(FILES ${CMAKE_SOURCE_DIR}/${header} DESTINATION include/swage/${folder} COMPONENT dev EXCLUDE_FROM_ALL)
  endforeach()

  target_include_directories(basics INTERFACE $<INSTALL_INTERFACE:include/swage>)
  target_compile_features(basics INTERFACE $<INSTALL_INTERFACE:cxx_std_23>)
  if(SWAGE_SANITIZE)
    target_compile_options(basics INTERFACE $<INSTALL_INTERFACE:-fsanitize=address,undefined>)
    target_link_options(basics INTERFACE $<INSTALL_INTERFACE:-fsanitize=address,undefined>)
  endif()
  add_custom_target(swage_dev DEPENDS ${SWAGE_DEV_LIBRARIES} swage_check_coroutines)
  install(TARGETS swage_check_coroutines RUNTIME DESTINATION bin COMPONENT dev EXCLUDE_FROM_ALL)
  install(TARGETS ${SWAGE_DEV_LIBRARIES} EXPORT swage ARCHIVE DESTINATION lib/swage COMPONENT dev EXCLUDE_FROM_ALL)
  install(EXPORT swage NAMESPACE swage:: FILE swage-targets.cmake DESTINATION lib/cmake/swage COMPONENT dev EXCLUDE_FROM_ALL)
  # For other builds than CMake's: what the library of a plugin is compiled with, beside -shared -fPIC.
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/swage.pc @ONLY CONTENT [[
prefix=${pcfiledir}/../..
Name: swage
Description: the contract of swage with its plugins
Version: @PROJECT_VERSION@
Cflags: -std=c++23 -I${prefix}/include/swage
]])
  install(FILES ${CMAKE_BINARY_DIR}/generated/swage.pc DESTINATION share/pkgconfig COMPONENT dev EXCLUDE_FROM_ALL)
  include(CMakePackageConfigHelpers)
  write_basic_package_version_file(${CMAKE_BINARY_DIR}/generated/swage-config-version.cmake VERSION ${PROJECT_VERSION}
                                   COMPATIBILITY SameMinorVersion)
  install(FILES cmake/swage-config.cmake ${CMAKE_BINARY_DIR}/generated/swage-config-version.cmake
          DESTINATION lib/cmake/swage COMPONENT dev EXCLUDE_FROM_ALL)
endfunction()
