# Debian packages, made by `cpack` in the build folder: libgait with the number of its interface in
# its name, libgait-dev, and gait.  Each is a component of the installation that `cmake --install`
# leaves out, with the files of the other components at Debian's places.
find_program(GAIT_DPKG_SHLIBDEPS dpkg-shlibdeps)
find_program(GAIT_FILE file)
find_program(GAIT_GZIP gzip)
if(NOT GAIT_SHARED OR NOT TARGET gait_command OR NOT GAIT_MAN_DIR OR GAIT_CHECK_SLOW)
  return()
elseif(NOT GAIT_DPKG_SHLIBDEPS OR NOT GAIT_FILE OR NOT GAIT_GZIP)
  message(STATUS "No Debian packages: dpkg-dev, file and gzip are wanted")
  return()
endif()
set(GAIT_MAINTAINER "The Gait authors <gait@example.org>" CACHE STRING
  "Name and address in Debian packages")
set(GAIT_DEBIAN_REVISION 1 CACHE STRING "Which Debian package of this version it is")
set(GAIT_DEBIAN_LIBRARY libgait${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set(version ${PROJECT_VERSION}-${GAIT_DEBIAN_REVISION})
set(packages ${GAIT_DEBIAN_LIBRARY} libgait-dev gait)

# The command of Debian's package has the library in itself, since it runs the collector on a
# machine that is only counted (docs/design/virtual.md), and all others from Debian's packages.
add_executable(gait_packaged $<TARGET_OBJECTS:gait_command>)
set_target_properties(gait_packaged PROPERTIES OUTPUT_NAME gait)
target_link_libraries(gait_packaged PRIVATE
  gait gait_bench gait_explain gait_heap_reader gait_records gait_sim gait_trial
  PkgConfig::JANSSON m)
if(ZLIB_FOUND)
  target_link_libraries(gait_packaged PRIVATE PkgConfig::ZLIB)
endif()
if(NCURSES_FOUND)
  target_link_libraries(gait_packaged PRIVATE PkgConfig::NCURSES)
endif()
if(GAIT_HAS_LIBDW)
  target_link_libraries(gait_packaged PRIVATE PkgConfig::LIBDW)
endif()

# ---- Files ----

set(hidden EXCLUDE_FROM_ALL)
set(libdir lib)
if(CMAKE_LIBRARY_ARCHITECTURE)
  set(libdir lib/${CMAKE_LIBRARY_ARCHITECTURE})
endif()
package_library(${GAIT_DEBIAN_LIBRARY} libgait-dev ${libdir} ${hidden})
install(TARGETS gait_packaged RUNTIME DESTINATION bin COMPONENT gait ${hidden})
package_completion(share vendor-completions gait ${hidden})
foreach(folder IN ITEMS man1 man7)
  install(DIRECTORY ${GAIT_MAN_DIR}/compressed/${folder} DESTINATION share/man
    COMPONENT gait ${hidden})
endforeach()
install(DIRECTORY ${GAIT_MAN_DIR}/compressed/man3 DESTINATION share/man
  COMPONENT libgait-dev ${hidden})

# In each package: licence, changes of the package, changes of Gait.
set(generated ${CMAKE_CURRENT_BINARY_DIR}/debian)
string(TIMESTAMP GAIT_DEBIAN_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(changelog.in ${generated}/changelog.Debian @ONLY)
set(changes ${PROJECT_SOURCE_DIR}/docs/CHANGELOG.md)
add_custom_command(OUTPUT ${generated}/changelog.gz ${generated}/changelog.Debian.gz
  COMMAND ${GAIT_GZIP} -9nc ${changes} > changelog.gz
  COMMAND ${GAIT_GZIP} -9nc changelog.Debian > changelog.Debian.gz
  DEPENDS ${changes} ${generated}/changelog.Debian WORKING_DIRECTORY ${generated} VERBATIM)
add_custom_target(gait_changelogs ALL
  DEPENDS ${generated}/changelog.gz ${generated}/changelog.Debian.gz)
foreach(package IN LISTS packages)
  install(FILES copyright ${generated}/changelog.gz ${generated}/changelog.Debian.gz
    DESTINATION share/doc/${package} COMPONENT ${package} ${hidden})
endforeach()
package_documents(share/doc/libgait-dev libgait-dev ${hidden})

# ---- Packages ----

# debian_package(NAME SECTION DEPENDS SUMMARY TEXT): a package that is a component of this name.
function(debian_package name section depends summary text)
  string(TOUPPER ${name} component)
  set(variables PACKAGE_NAME ${name} PACKAGE_SECTION ${section} PACKAGE_DEPENDS "${depends}"
    DESCRIPTION "${summary}\n${text}")
  while(variables)
    list(POP_FRONT variables variable value)
    set(CPACK_DEBIAN_${component}_${variable} "${value}" PARENT_SCOPE)
  endwhile()
endfunction()

set(text "Gait is a garbage collector for C and C++ programs: concurrent, non-moving
mark-sweep, paced like Go's by GOGC and a memory limit. It asks each thread
for small steps and does not stop them all together.
")
debian_package(${GAIT_DEBIAN_LIBRARY} libs "" "concurrent garbage collector for C"
  "${text}.
This package has the shared library.")
debian_package(libgait-dev libdevel "${GAIT_DEBIAN_LIBRARY} (= ${version})"
  "concurrent garbage collector for C - development files"
  "${text}.
This package has headers, the static library, the manual and man pages.")
debian_package(gait devel "${GAIT_DEBIAN_LIBRARY} (>= ${PROJECT_VERSION})"
  "concurrent garbage collector for C - measurements"
  "${text}.
This package has the command, which runs and simulates the collector and
chooses settings from a recording of a program.")
set(CPACK_DEBIAN_LIBGAIT-DEV_PACKAGE_RECOMMENDS gait) # it has gait_options(7)
file(WRITE ${generated}/triggers "activate-noawait ldconfig\n")

# Which version of the library has each symbol, for dpkg-shlibdeps: from the linker's map.
file(STRINGS ${PROJECT_SOURCE_DIR}/runtime/gait.map lines REGEX "^GAIT_[0-9.]+ {|^    gait_[a-z_0-9]+;")
set(symbols "libgait.so.${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR} ${GAIT_DEBIAN_LIBRARY} #MINVER#\n")
foreach(line IN LISTS lines)
  if(line MATCHES "^(GAIT_([0-9.]+)) ")
    set(node ${CMAKE_MATCH_1})
    string(REGEX REPLACE "^([0-9]+\\.[0-9]+)$" "\\1.0" since ${CMAKE_MATCH_2})
    string(APPEND symbols " ${node}@${node} ${since}\n")
  elseif(line MATCHES "(gait_[a-z_0-9]+)")
    string(APPEND symbols " ${CMAKE_MATCH_1}@${node} ${since}\n")
  endif()
endforeach()
file(WRITE ${generated}/symbols "${symbols}")
string(TOUPPER ${GAIT_DEBIAN_LIBRARY} component)
set(CPACK_DEBIAN_${component}_PACKAGE_CONTROL_EXTRA ${generated}/triggers ${generated}/symbols)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME gait)
set(CPACK_PACKAGE_CONTACT "${GAIT_MAINTAINER}")
set(CPACK_DEBIAN_PACKAGE_RELEASE ${GAIT_DEBIAN_REVISION})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_COMPONENTS_ALL ${packages})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/runtime)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_SOURCE_DIR}/strip_archives.cmake)
include(CPack)
