# What andiron/images needs: libjpeg (turbo), libpng and libwebp, linked statically so that the
# wheel asks for no library of the system's, and so that Pillow's copies in the same process meet
# other symbols (--exclude-libs hides ours).
#
# Debian compiles the archives of libjpeg and libpng for programs, not for shared libraries: their
# default error handlers, which we replace, read `stderr` in a way that only a program may. In our
# copies of the archives that name is andiron_images_stderr (cmake/codec_stderr.cpp).
find_path(ANDIRON_JPEG_INCLUDE jpeglib.h)
find_path(ANDIRON_PNG_INCLUDE png.h)
find_path(ANDIRON_WEBP_INCLUDE webp/decode.h)
mark_as_advanced(ANDIRON_JPEG_INCLUDE ANDIRON_PNG_INCLUDE ANDIRON_WEBP_INCLUDE)
set(ANDIRON_IMAGE_ARCHIVES "")
foreach(name IN ITEMS jpeg png16 webpdemux webp z)
  find_library(ANDIRON_ARCHIVE_${name} NAMES lib${name}.a)
  mark_as_advanced(ANDIRON_ARCHIVE_${name})
  if(NOT ANDIRON_ARCHIVE_${name})
    message(FATAL_ERROR "lib${name}.a was not found: apt-get install libjpeg62-turbo-dev libpng-dev "
                        "libwebp-dev zlib1g-dev, or run `make setup`")
  endif()
  set(archive "${ANDIRON_ARCHIVE_${name}}")
  if(name STREQUAL "jpeg" OR name STREQUAL "png16")
    set(archive "${PROJECT_BINARY_DIR}/libandiron_${name}.a")
    execute_process(
      COMMAND "${CMAKE_OBJCOPY}" --redefine-sym stderr=andiron_images_stderr
              "${ANDIRON_ARCHIVE_${name}}" "${archive}"
      COMMAND_ERROR_IS_FATAL ANY)
  endif()
  list(APPEND ANDIRON_IMAGE_ARCHIVES "${archive}")
endforeach()
if(NOT ANDIRON_JPEG_INCLUDE OR NOT ANDIRON_PNG_INCLUDE OR NOT ANDIRON_WEBP_INCLUDE)
  message(FATAL_ERROR "jpeglib.h, png.h or webp/decode.h was not found: run `make setup`")
endif()

add_library(andiron_codecs INTERFACE)
target_include_directories(andiron_codecs SYSTEM INTERFACE
  "${ANDIRON_JPEG_INCLUDE}" "${ANDIRON_PNG_INCLUDE}" "${ANDIRON_WEBP_INCLUDE}")
# After the archives: they name what is in it.
add_library(andiron_codec_stderr STATIC "${PROJECT_SOURCE_DIR}/cmake/codec_stderr.cpp")
target_link_libraries(andiron_codecs INTERFACE ${ANDIRON_IMAGE_ARCHIVES} andiron_codec_stderr)
# For --exclude-libs.
set(ANDIRON_IMAGE_ARCHIVE_NAMES "")
foreach(archive IN LISTS ANDIRON_IMAGE_ARCHIVES)
  get_filename_component(archive "${archive}" NAME)
  list(APPEND ANDIRON_IMAGE_ARCHIVE_NAMES "${archive}")
endforeach()
list(JOIN ANDIRON_IMAGE_ARCHIVE_NAMES ":" ANDIRON_IMAGE_ARCHIVE_NAMES)
