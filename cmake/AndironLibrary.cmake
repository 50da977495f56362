# andiron_library(<folder> [JSON] DEPENDS <folder>... LINK <library>...)
#
# JSON: most of the folder's files use nlohmann::json (AndironFlags.cmake).
# One target andiron_<folder> of all *.cpp below andiron/<folder>, at any depth, except tests
# (*_test.cpp, and *_testing.cpp for what tests share). DEPENDS are the only arrows downwards.
# A folder without sources is an interface target.
#
# Files named *_isa.cpp are compiled twice, with ANDIRON_ISA=avx2 and =avx512: the code uses it as
# the name of a namespace and chooses at run time.
set(ANDIRON_ISA_FLAGS_avx2 -mavx2 -mfma -mf16c)
set(ANDIRON_ISA_FLAGS_avx512
    -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mfma -mf16c)
# g++ before 13.3 misaligns 64-byte variables on the stack that detects use after return (GCC's bug
# 110027).
if("address" IN_LIST ANDIRON_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND ANDIRON_ISA_FLAGS_avx512 "SHELL:--param asan-use-after-return=0")
endif()
set_property(GLOBAL PROPERTY ANDIRON_FOLDERS "")
# What fuzzers look for new paths in: all but the kernels, whose loops would only be slower.
set(ANDIRON_NOT_TRACED exec linear collective)

# Files of a folder that are compiled as one with ANDIRON_UNITY. Few: what stands in all of them is
# compiled once, and two cores still have enough to choose from.
set(ANDIRON_UNITY_FILES 12)

# andiron_unite(<target> <source>...): the target's sources in batches without clashes.
function(andiron_unite target)
  execute_process(
    COMMAND "${Python_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/cmake/unity_groups.py"
            ${ANDIRON_UNITY_FILES} ${ARGN}
    OUTPUT_VARIABLE groups OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE ";" "|" groups "${groups}")
  string(REPLACE "\n" ";" groups "${groups}")
  set(number 0)
  foreach(group IN LISTS groups)
    string(REPLACE "|" ";" members "${group}")
    math(EXPR number "${number} + 1")
    set_source_files_properties(${members} PROPERTIES UNITY_GROUP "batch${number}")
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()

function(andiron_library folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "JSON" "" "DEPENDS;LINK")
  set(root "${PROJECT_SOURCE_DIR}/andiron/${folder}")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${root}/*.cpp")
  file(GLOB_RECURSE isa_sources CONFIGURE_DEPENDS "${root}/*_isa.cpp")
  list(FILTER sources EXCLUDE REGEX "(_test|_testing|_isa)\\.cpp$")
  list(TRANSFORM arg_DEPENDS PREPEND andiron_)
  set(target andiron_${folder})

  if(NOT sources AND NOT isa_sources)
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE andiron_flags ${arg_DEPENDS} ${arg_LINK})
    return()
  endif()

  add_library(${target} STATIC ${sources})
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX)
  target_compile_options(${target} PRIVATE ${ANDIRON_BASELINE_FLAGS})
  target_link_libraries(${target} PUBLIC andiron_flags ${arg_DEPENDS} ${arg_LINK})
  if(arg_JSON)
    andiron_precompile(${target} JSON)
  else()
    andiron_precompile(${target})
  endif()
  if(ANDIRON_UNITY)
    andiron_unite(${target} ${sources})
  endif()
  if(ANDIRON_FUZZ AND NOT folder IN_LIST ANDIRON_NOT_TRACED)
    target_compile_options(${target} PRIVATE -fsanitize-coverage=trace-pc,trace-cmp)
  endif()
  if(isa_sources)
    foreach(isa IN ITEMS avx2 avx512)
      add_library(${target}_${isa} OBJECT ${isa_sources})
      target_compile_options(${target}_${isa} PRIVATE ${ANDIRON_ISA_FLAGS_${isa}})
      target_compile_definitions(${target}_${isa} PRIVATE ANDIRON_ISA=${isa})
      target_link_libraries(${target}_${isa} PUBLIC andiron_flags ${arg_DEPENDS} ${arg_LINK})
      target_sources(${target} PRIVATE $<TARGET_OBJECTS:${target}_${isa}>)
    endforeach()
  endif()
  set_property(GLOBAL APPEND PROPERTY ANDIRON_FOLDERS ${target})
endfunction()
