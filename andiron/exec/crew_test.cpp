#include "andiron/exec/crew.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace andiron::exec {
namespace {

// Every index is done once, whoever does it, and what was done is seen by the caller.
TEST(Crew, does_each_index_once) {
  Crew crew(3);
  std::vector<int> counts(7);
  for (int round = 1; round <= 20000; ++round) {
    crew.run(7, [&](int i) { ++counts[static_cast<size_t>(i)]; });
    for (int count : counts) ASSERT_EQ(count, round);
  }
}

TEST(Crew, sleeping_helpers_wake_up_or_are_not_needed) {
  Crew crew(2);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::atomic<int> sum = 0;
    crew.run(50, [&](int i) { sum += i; });
    EXPECT_EQ(sum, 49 * 50 / 2);
  }
}

TEST(Crew, several_callers) {
  Crew crew(2);
  std::vector<std::thread> callers;
  std::atomic<int> wrong = 0;
  for (int caller = 0; caller < 3; ++caller)
    callers.emplace_back([&] {
      for (int round = 0; round < 3000; ++round) {
        std::atomic<int> sum = 0;
        crew.run(5, [&](int i) { sum += i + 1; });
        wrong += sum != 15;
      }
    });
  for (std::thread& t : callers) t.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Crew, without_helpers_or_with_little_to_do_the_caller_works_alone) {
  Crew crew(0);
  int sum = 0;
  crew.run(4, [&](int i) { sum += i; });
  crew.run(0, [&](int) { sum = -1; });
  EXPECT_EQ(sum, 6);
}

// Thread sanitizer does not follow forks of processes with threads.
#ifndef __SANITIZE_THREAD__
TEST(Crew, works_in_the_child_of_a_fork) {
  const auto sum = [] {
    std::atomic<int> total = 0;
    Crew::main().run(20, [&](int i) { total += i; });
    return total.load();
  };
  Crew& before = Crew::main();
  EXPECT_EQ(sum(), 190);
  const pid_t child = fork();
  if (child == 0) {
    std::atomic<int> total = 0;
    before.run(20, [&](int i) { total += i; });
    _exit(sum() == 190 && total == 190 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

// Helpers that fall asleep, or sleep, hold locks which nobody gives back in the child.
TEST(Crew, children_of_forks_do_not_wait_for_helpers_of_before) {
  Crew::main();  // which hears of forks
  Crew before(2);
  for (int i = 0; i < 60; ++i) {
    before.run(20, [](int) {});
    const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(150 + 2 * i);
    while (std::chrono::steady_clock::now() < until) continue;
    const pid_t child = fork();
    if (child == 0) {
      alarm(10);  // instead of for ever
      std::atomic<int> total = 0;
      before.run(20, [&](int k) { total += k; });
      _exit(total == 190 ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    ASSERT_EQ(status, 0) << i;
  }
}
#endif

}  // namespace
}  // namespace andiron::exec
