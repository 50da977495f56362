# andiron_fuzzers(): <name>_fuzz and <name>_seeds of each tests/fuzz/<name>_fuzz.cpp, and the target
# `fuzzers` of them all (tests/fuzz/README.md).
#
# A target links all of Andiron, or the libraries in ANDIRON_FUZZ_LIBRARIES_<name>: less to compile.
set(ANDIRON_FUZZ_LIBRARIES_images andiron_images)

function(andiron_fuzzers)
  file(GLOB runtimes "/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-x86_64.a")
  if(NOT runtimes)
    message(FATAL_ERROR "libFuzzer's runtime was not found: run `scripts/setup fuzz`")
  endif()
  list(GET runtimes 0 runtime)
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
    set(shared "${PROJECT_SOURCE_DIR}/andiron/${name}/${name}_testing.cpp")
    if(NOT EXISTS "${shared}")
      set(shared "")
    endif()
    add_executable(${name}_fuzz EXCLUDE_FROM_ALL "${source}" "${folder}/coverage.cpp")
    target_link_libraries(${name}_fuzz PRIVATE ${libraries} "${runtime}")
    target_link_options(${name}_fuzz PRIVATE -Wl,--allow-multiple-definition)  # coverage.cpp
    add_executable(${name}_seeds EXCLUDE_FROM_ALL "${folder}/${name}_seeds.cpp" ${shared}
                   "${folder}/no_fuzzer.cpp")
    target_link_libraries(${name}_seeds PRIVATE ${libraries})
    foreach(target IN ITEMS ${name}_fuzz ${name}_seeds)
      target_compile_options(${target} PRIVATE ${ANDIRON_BASELINE_FLAGS})
      set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
      add_dependencies(fuzzers ${target})
    endforeach()
  endforeach()
endfunction()
