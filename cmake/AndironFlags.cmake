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
  target_link_options(andiron_flags INTERFACE -fsanitize=${_andiron_sanitizers})
endif()

# Standard headers, precompiled once for every folder of the core: a third of the time of a small
# file. Headers of the tree stay out, so that each file still names what it uses.
set(ANDIRON_PRECOMPILED
    <algorithm> <array> <cmath> <cstdint> <cstring> <functional> <limits> <map> <memory> <numeric>
    <optional> <span> <string> <string_view> <unordered_map> <utility> <variant> <vector>)

# andiron_precompile(<target>): for targets compiled with andiron_flags and ANDIRON_BASELINE_FLAGS.
function(andiron_precompile target)
  if(NOT TARGET andiron_precompiled)
    file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/andiron_precompiled.cpp" CONTENT "")
    add_library(andiron_precompiled OBJECT "${PROJECT_BINARY_DIR}/andiron_precompiled.cpp")
    target_link_libraries(andiron_precompiled PRIVATE andiron_flags)
    target_compile_options(andiron_precompiled PRIVATE ${ANDIRON_BASELINE_FLAGS} -fpch-preprocess)
    target_precompile_headers(andiron_precompiled PRIVATE ${ANDIRON_PRECOMPILED})
  endif()
  target_compile_options(${target} PRIVATE -fpch-preprocess)
  target_precompile_headers(${target} REUSE_FROM andiron_precompiled)
endfunction()
