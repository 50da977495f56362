# The target andiron_flags carries what every C++ target of the tree is compiled with.
find_package(OpenMP REQUIRED COMPONENTS CXX)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1 -fno-omit-frame-pointer")
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(ANDIRON_CCACHE ccache)
mark_as_advanced(ANDIRON_CCACHE)
if(ANDIRON_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Relative paths in the cache's keys: clones of the tree share their objects. The sloppiness is what
  # ccache asks for with precompiled headers.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros "${ANDIRON_CCACHE}")
endif()

add_library(andiron_flags INTERFACE)
target_compile_features(andiron_flags INTERFACE cxx_std_20)
# NaN must propagate, so never -ffast-math. The two warnings off are g++ 12 wrong about schemas that
# are written with designated initializers.
target_compile_options(andiron_flags INTERFACE
  -Wall -Wextra -Wno-maybe-uninitialized -Wno-missing-field-initializers
  -fno-math-errno -fno-trapping-math $<$<BOOL:${ANDIRON_WERROR}>:-Werror>)
target_include_directories(andiron_flags INTERFACE "${PROJECT_SOURCE_DIR}")
target_link_libraries(andiron_flags INTERFACE OpenMP::OpenMP_CXX)

# The oldest CPU that Andiron runs on; *_isa.cpp files say otherwise (AndironLibrary.cmake).
set(ANDIRON_BASELINE_FLAGS -mavx2 -mfma)

if(ANDIRON_SANITIZE)
  list(JOIN ANDIRON_SANITIZE "," _andiron_sanitizers)
  target_compile_options(andiron_flags INTERFACE
    -fsanitize=${_andiron_sanitizers} -fno-sanitize-recover=all)
  # Null pointers end in AddressSanitizer's report anyway; with the other two they are a quarter of
  # the time of a file.
  if("undefined" IN_LIST ANDIRON_SANITIZE)
    target_compile_options(andiron_flags INTERFACE -fno-sanitize=null,object-size,vptr)
  endif()
  target_link_options(andiron_flags INTERFACE -fsanitize=${_andiron_sanitizers})
endif()

# Headers of others, precompiled once for all folders of the core: half of the time of a small file.
# Headers of the tree stay out, so that each file still names what it uses.
set(ANDIRON_PRECOMPILED
    <algorithm> <array> <atomic> <bit> <cmath> <condition_variable> <cstdint> <cstring> <functional>
    <limits> <list> <map> <memory> <mutex> <numeric> <optional> <source_location> <span> <stdexcept>
    <string> <string_view> <unordered_map> <utility> <variant> <vector> <fmt/format.h>)
# Costs each file a second, and those that use it save three: for folders where most do.
set(ANDIRON_PRECOMPILED_JSON <nlohmann/json.hpp>)

# andiron_precompile(<target> [JSON]): for targets compiled with andiron_flags and
# ANDIRON_BASELINE_FLAGS.
function(andiron_precompile target)
  set(precompiled andiron_precompiled)
  set(headers ${ANDIRON_PRECOMPILED})
  if("JSON" IN_LIST ARGN)
    string(APPEND precompiled _json)
    list(APPEND headers ${ANDIRON_PRECOMPILED_JSON})
  endif()
  if(NOT TARGET ${precompiled})
    file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/${precompiled}.cpp" CONTENT "")
    add_library(${precompiled} OBJECT "${PROJECT_BINARY_DIR}/${precompiled}.cpp")
    target_link_libraries(${precompiled} PRIVATE
      andiron_flags andiron_fmt nlohmann_json::nlohmann_json)
    target_compile_options(${precompiled} PRIVATE ${ANDIRON_BASELINE_FLAGS} -fpch-preprocess)
    target_precompile_headers(${precompiled} PRIVATE ${headers})
  endif()
  target_compile_options(${target} PRIVATE -fpch-preprocess)
  target_precompile_headers(${target} REUSE_FROM ${precompiled})
endfunction()
