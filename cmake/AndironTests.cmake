# andiron_tests(): one binary of all *_test.cpp (and the *_testing.cpp that they share). It sits
# above every folder, so a test may use what its folder may not.
function(andiron_tests)
  find_package(GTest REQUIRED)
  include(GoogleTest)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS
       "${PROJECT_SOURCE_DIR}/andiron/*_test.cpp" "${PROJECT_SOURCE_DIR}/andiron/*_testing.cpp"
       "${PROJECT_SOURCE_DIR}/tests/*_test.cpp")
  if(NOT sources)
    return()
  endif()
  add_executable(andiron_test ${sources})
  set_target_properties(andiron_test PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
  target_compile_options(andiron_test PRIVATE ${ANDIRON_BASELINE_FLAGS})
  target_link_libraries(andiron_test PRIVATE andiron GTest::gtest GTest::gmock GTest::gtest_main)
  gtest_discover_tests(andiron_test DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 600)
endfunction()
