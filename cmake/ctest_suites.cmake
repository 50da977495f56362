# Read by ctest when it starts: asks the test binary for its suites and makes an entry of each.
cmake_policy(VERSION 3.25)
execute_process(COMMAND "${ANDIRON_TEST_BINARY}" --gtest_list_tests
                OUTPUT_VARIABLE listing RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  # An entry that fails, rather than a run without tests that passes.
  add_test(andiron_test "${ANDIRON_TEST_BINARY}" --gtest_list_tests)
  return()
endif()

set(entries "")
# Parameters stand behind '#'. A bracket among them would make one list element of many lines.
string(REGEX REPLACE " *#[^\n]*" "" listing "${listing}")
string(REPLACE ";" "," listing "${listing}")
string(REPLACE "\n" ";" lines "${listing}")
foreach(line IN LISTS lines)
  if(line MATCHES "^([^ ].*)\\.$")
    set(suite "${CMAKE_MATCH_1}")
  elseif(line MATCHES "^  [^ ]*_slow(/|$)")
    list(APPEND entries "${suite}:slow")
  elseif(line MATCHES "^  [^ ]")
    list(APPEND entries "${suite}:fast")
  endif()
endforeach()
list(REMOVE_DUPLICATES entries)

# What is listed and not understood must not pass in silence.
string(REGEX MATCHALL "\n[^ \n][^\n]*\\.\n" suites "\n${listing}")
list(LENGTH suites n_suites)
set(named "${entries}")
list(TRANSFORM named REPLACE ":(fast|slow)$" "")
list(REMOVE_DUPLICATES named)
list(LENGTH named n_named)
if(NOT n_suites EQUAL n_named)
  add_test("suites: ${n_suites} listed, ${n_named} understood" false)
endif()

foreach(entry IN LISTS entries)
  string(REGEX MATCH "^(.*):(fast|slow)$" _ "${entry}")
  set(suite "${CMAKE_MATCH_1}")
  if(CMAKE_MATCH_2 STREQUAL "slow")
    set(name "${suite}_slow")
    set(filter "${suite}.*_slow:${suite}.*_slow/*")
  else()
    set(name "${suite}")
    set(filter "${suite}.*-*_slow:*_slow/*")
  endif()
  add_test("${name}" "${ANDIRON_TEST_BINARY}" "--gtest_filter=${filter}" --gtest_brief=1)
  # Suites run side by side: waiting threads must not spin on the other's core.
  set_tests_properties("${name}" PROPERTIES
    LABELS ${CMAKE_MATCH_2} TIMEOUT 900 ENVIRONMENT "OMP_WAIT_POLICY=passive")
endforeach()
