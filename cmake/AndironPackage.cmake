# libandiron.so, its headers and andironConfig.cmake, for programs outside the tree:
#   find_package(andiron) + target_link_libraries(program PRIVATE andiron::andiron)
include(CMakePackageConfigHelpers)

get_property(_andiron_folders GLOBAL PROPERTY ANDIRON_FOLDERS)
if(TARGET andiron_fmt)
  get_target_property(_andiron_fmt_type andiron_fmt TYPE)
  if(_andiron_fmt_type STREQUAL "STATIC_LIBRARY")
    list(APPEND _andiron_folders andiron_fmt)
  endif()
endif()

# Whole archives: the library has every op, also those that only the catalog names.
list(TRANSFORM _andiron_folders REPLACE "(.+)" "$<TARGET_FILE:\\1>" OUTPUT_VARIABLE _archives)
list(JOIN _archives "," _archives_joined)
file(WRITE "${PROJECT_BINARY_DIR}/andiron_shared.cpp" "")
add_library(andiron_shared SHARED "${PROJECT_BINARY_DIR}/andiron_shared.cpp")
add_dependencies(andiron_shared ${_andiron_folders})
target_link_libraries(andiron_shared PRIVATE
  "-Wl,--whole-archive,${_archives_joined},--no-whole-archive"
  oneDNN::dnnl OpenMP::OpenMP_CXX andiron_network andiron_codecs)
# OpenSSL and the image codecs are ours alone: no other copy in the process may meet their symbols.
target_link_options(andiron_shared PRIVATE
  "-Wl,--exclude-libs,libssl.a:libcrypto.a:${ANDIRON_IMAGE_ARCHIVE_NAMES}")
target_compile_features(andiron_shared INTERFACE cxx_std_20)
target_include_directories(andiron_shared INTERFACE
  "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
set_target_properties(andiron_shared PROPERTIES
  OUTPUT_NAME andiron EXPORT_NAME andiron LINK_DEPENDS "${_archives}"
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  INSTALL_RPATH "$ORIGIN")

set(_andiron_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/andiron")
install(TARGETS andiron_shared EXPORT andironTargets COMPONENT cpp
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(PROGRAMS "${ANDIRON_ONEDNN_LIBRARY}" DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        RENAME libdnnl.so.3 COMPONENT cpp)
install(EXPORT andironTargets NAMESPACE andiron:: DESTINATION "${_andiron_cmake_dir}"
        COMPONENT cpp)
configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/andironConfig.cmake.in" "${PROJECT_BINARY_DIR}/andironConfig.cmake"
  INSTALL_DESTINATION "${_andiron_cmake_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/andironConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/andironConfig.cmake"
              "${PROJECT_BINARY_DIR}/andironConfigVersion.cmake"
        DESTINATION "${_andiron_cmake_dir}" COMPONENT cpp)

# andiron.hpp and what it includes, at any depth; the other headers are internal.
install(CODE "
  set(ANDIRON_SOURCE_DIR \"${PROJECT_SOURCE_DIR}\")
  set(ANDIRON_INCLUDE_DIR \"${CMAKE_INSTALL_INCLUDEDIR}\")
  include(\"${CMAKE_CURRENT_LIST_DIR}/install_headers.cmake\")" COMPONENT cpp)
