# Gives the target oneDNN::dnnl. Looked for in this order:
#   1. ANDIRON_ONEDNN_ROOT, the prefix of any oneDNN 3.x;
#   2. the wheels onednn-devel-cpu-gomp and onednn-cpu-gomp in the active Python environment;
#   3. the system.
# Sets ANDIRON_ONEDNN_LIBRARY to the file that is loaded at run time (libdnnl.so.3).
set(_andiron_onednn_hints "${ANDIRON_ONEDNN_ROOT}")
if(NOT ANDIRON_ONEDNN_ROOT AND Python_EXECUTABLE)
  # The wheels' data files land in the environment's prefix; under pip's build isolation that is
  # an overlay directory, so the place is asked of the installed distribution itself.
  execute_process(
    COMMAND "${Python_EXECUTABLE}" "${CMAKE_CURRENT_LIST_DIR}/find_onednn.py"
    OUTPUT_VARIABLE _andiron_onednn_prefix OUTPUT_STRIP_TRAILING_WHITESPACE
    ERROR_QUIET)
  list(APPEND _andiron_onednn_hints "${_andiron_onednn_prefix}")
endif()

set(_andiron_default_path "")
if(ANDIRON_ONEDNN_ROOT)
  set(_andiron_default_path NO_DEFAULT_PATH)
endif()
find_path(ANDIRON_ONEDNN_INCLUDE oneapi/dnnl/dnnl.hpp
          HINTS ${_andiron_onednn_hints} PATH_SUFFIXES include ${_andiron_default_path})
find_library(ANDIRON_ONEDNN_LINK NAMES dnnl libdnnl.so.3
             HINTS ${_andiron_onednn_hints} PATH_SUFFIXES lib lib64 ${_andiron_default_path})
mark_as_advanced(ANDIRON_ONEDNN_INCLUDE ANDIRON_ONEDNN_LINK)
if(NOT ANDIRON_ONEDNN_INCLUDE OR NOT ANDIRON_ONEDNN_LINK)
  message(FATAL_ERROR
          "oneDNN 3.x was not found. Run `make setup` (it installs onednn-devel-cpu-gomp into "
          ".venv), or give its prefix: -DANDIRON_ONEDNN_ROOT=/path/to/onednn")
endif()

file(STRINGS "${ANDIRON_ONEDNN_INCLUDE}/oneapi/dnnl/dnnl_version.h" _andiron_lines
     REGEX "#define DNNL_VERSION_(MAJOR|MINOR|PATCH)")
string(REGEX REPLACE ".*MAJOR +([0-9]+).*MINOR +([0-9]+).*PATCH +([0-9]+).*" "\\1.\\2.\\3"
       ANDIRON_ONEDNN_VERSION "${_andiron_lines}")
if(NOT ANDIRON_ONEDNN_VERSION MATCHES "^3\\.")
  message(FATAL_ERROR "oneDNN 3.x is needed; ${ANDIRON_ONEDNN_INCLUDE} has "
                      "${ANDIRON_ONEDNN_VERSION}")
endif()

get_filename_component(_andiron_onednn_dir "${ANDIRON_ONEDNN_LINK}" DIRECTORY)
set(ANDIRON_ONEDNN_LIBRARY "${_andiron_onednn_dir}/libdnnl.so.3")
add_library(oneDNN::dnnl SHARED IMPORTED GLOBAL)
set_target_properties(oneDNN::dnnl PROPERTIES
  IMPORTED_LOCATION "${ANDIRON_ONEDNN_LIBRARY}"
  IMPORTED_SONAME libdnnl.so.3
  INTERFACE_INCLUDE_DIRECTORIES "${ANDIRON_ONEDNN_INCLUDE}")
message(STATUS "oneDNN ${ANDIRON_ONEDNN_VERSION}: ${ANDIRON_ONEDNN_LIBRARY}")
