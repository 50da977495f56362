# andiron_tests(): one binary of all *_test.cpp (and the *_testing.cpp that they share). It sits
# above every folder, so a test may use what its folder may not.
#
# ctest runs one process per test suite: thousands of catalog cases would otherwise pay for
# thousands of starts. Tests that end in _slow are entries of their own, with the label slow.
function(andiron_tests)
  find_package(GTest REQUIRED)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS
       "${PROJECT_SOURCE_DIR}/andiron/*_test.cpp" "${PROJECT_SOURCE_DIR}/andiron/*_testing.cpp"
       "${PROJECT_SOURCE_DIR}/tests/*_test.cpp" "${PROJECT_SOURCE_DIR}/tests/*_testing.cpp")
  if(ANDIRON_TEST_FILES)
    set(tests "${sources}")
    list(FILTER tests INCLUDE REGEX "${ANDIRON_TEST_FILES}")
    list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
    list(APPEND sources ${tests})
    list(REMOVE_DUPLICATES sources)
  endif()
  if(NOT sources)
    return()
  endif()
  if(ANDIRON_FUZZ)
    list(APPEND sources "${PROJECT_SOURCE_DIR}/tests/fuzz/no_fuzzer.cpp")
  endif()
  add_executable(andiron_test ${sources})
  # Of one source only: a path on every command line would spoil the cache that clones share.
  set_source_files_properties("${PROJECT_SOURCE_DIR}/tests/goldens/op_goldens_test.cpp" PROPERTIES
    COMPILE_DEFINITIONS ANDIRON_OP_GOLDENS="${PROJECT_SOURCE_DIR}/tests/goldens/ops.json")
  set_source_files_properties("${PROJECT_SOURCE_DIR}/tests/goldens/vision_goldens_test.cpp" PROPERTIES
    COMPILE_DEFINITIONS ANDIRON_VISION_GOLDENS="${PROJECT_SOURCE_DIR}/tests/goldens/vision.json")
  set_source_files_properties("${PROJECT_SOURCE_DIR}/tests/goldens/torch_archive_test.cpp"
    PROPERTIES COMPILE_DEFINITIONS
    ANDIRON_TORCH_GOLDENS="${PROJECT_SOURCE_DIR}/tests/goldens/torch_archives.json")
  set_target_properties(andiron_test PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
  # Tests are compiled more often than they run: -O1 takes a third less time than -O3, and with
  # sanitizers -O0 takes half of what -O1 does.
  set(level -O1)
  if(ANDIRON_SANITIZE)
    set(level -O0)
  endif()
  target_compile_options(andiron_test PRIVATE ${ANDIRON_BASELINE_FLAGS} ${level} -fpch-preprocess)
  target_precompile_headers(andiron_test PRIVATE
    ${ANDIRON_PRECOMPILED} <gtest/gtest.h> <gmock/gmock.h>)
  target_link_libraries(andiron_test PRIVATE andiron GTest::gtest GTest::gmock GTest::gtest_main)

  set(list_file "${PROJECT_BINARY_DIR}/andiron_test_suites.cmake")
  file(GENERATE OUTPUT "${list_file}" CONTENT
"set(ANDIRON_TEST_BINARY \"$<TARGET_FILE:andiron_test>\")
include(\"${PROJECT_SOURCE_DIR}/cmake/ctest_suites.cmake\")
")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${list_file}")
endfunction()
