# andiron_fuzzers(): <name>_fuzz and <name>_seeds of each tests/fuzz/<name>_fuzz.cpp, and the target
# `fuzzers` of them all (tests/fuzz/README.md).
#
# A target links all of Andiron, or the libraries in ANDIRON_FUZZ_LIBRARIES_<name>: less to compile.
# ANDIRON_FUZZ_SHARED_<name>: what it shares with tests (*_testing.cpp).
set(ANDIRON_FUZZ_LIBRARIES_images andiron_images)
set(ANDIRON_FUZZ_LIBRARIES_graph andiron_io)
set(ANDIRON_FUZZ_LIBRARIES_onnx andiron_io)
set(ANDIRON_FUZZ_LIBRARIES_ops andiron_eager)
set(ANDIRON_FUZZ_LIBRARIES_safetensors andiron_io)
set(ANDIRON_FUZZ_LIBRARIES_torch andiron_io)
set(ANDIRON_FUZZ_SHARED_arrow io/arrow/arrow_testing.cpp)
set(ANDIRON_FUZZ_SHARED_graph ops/case_testing.cpp)
set(ANDIRON_FUZZ_SHARED_images images/images_testing.cpp)
set(ANDIRON_FUZZ_SHARED_ops ops/case_testing.cpp)

function(andiron_fuzzers)
  file(GLOB runtimes "/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-x86_64.a")
  if(NOT runtimes)
    message(STATUS "No fuzzers: libFuzzer's runtime was not found (scripts/setup fuzz)")
    return()
  endif()
  list(GET runtimes 0 runtime)
  find_package(GTest REQUIRED)  # what is shared with tests may use it
  set(folder "${PROJECT_SOURCE_DIR}/tests/fuzz")
  file(GLOB targets CONFIGURE_DEPENDS "${folder}/*_fuzz.cpp")
  add_custom_target(fuzzers)
  foreach(source IN LISTS targets)
    get_filename_component(name "${source}" NAME_WE)
    string(REGEX REPLACE "_fuzz$" "" name "${name}")
    set(libraries andiron)
    if(DEFINED ANDIRON_FUZZ_LIBRARIES_${name})
      set(libraries ${ANDIRON_FUZZ_LIBRARIES_${name}})
    endif()
    set(shared "")
    if(DEFINED ANDIRON_FUZZ_SHARED_${name})
      # Once for both programs.
      add_library(${name}_fuzz_shared OBJECT EXCLUDE_FROM_ALL
                  "${PROJECT_SOURCE_DIR}/andiron/${ANDIRON_FUZZ_SHARED_${name}}")
      target_compile_options(${name}_fuzz_shared PRIVATE ${ANDIRON_BASELINE_FLAGS})
      target_link_libraries(${name}_fuzz_shared PRIVATE ${libraries} GTest::gtest)
      set(shared $<TARGET_OBJECTS:${name}_fuzz_shared>)
    endif()
    add_executable(${name}_fuzz EXCLUDE_FROM_ALL "${source}" "${folder}/coverage.cpp" ${shared})
    target_link_libraries(${name}_fuzz PRIVATE ${libraries} GTest::gtest "${runtime}")
    target_link_options(${name}_fuzz PRIVATE -Wl,--allow-multiple-definition)  # coverage.cpp
    add_executable(${name}_seeds EXCLUDE_FROM_ALL "${folder}/${name}_seeds.cpp"
                   "${folder}/no_fuzzer.cpp" ${shared})
    target_link_libraries(${name}_seeds PRIVATE ${libraries} GTest::gtest)
    foreach(target IN ITEMS ${name}_fuzz ${name}_seeds)
      target_compile_options(${target} PRIVATE ${ANDIRON_BASELINE_FLAGS})
      set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
      add_dependencies(fuzzers ${target})
    endforeach()
  endforeach()
endfunction()
