#include "andiron/base/waiting.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace andiron {
namespace {

using namespace std::chrono_literals;

TEST(WhileWaiting, looks_several_times_and_may_end_the_wait) {
  std::mutex mutex;
  std::condition_variable changed;
  int looks = 0;
  const WhileWaiting waiting([&] { ++looks; });  // the mutex is free here
  std::unique_lock lock(mutex);
  wait_until(changed, lock, [&] { return looks == 3; });
  EXPECT_EQ(looks, 3);
}

TEST(WhileWaiting, is_its_threads_own_and_ends_with_its_scope) {
  EXPECT_FALSE(WhileWaiting::is_set());
  int outer = 0, inner = 0;
  {
    const WhileWaiting first([&] { ++outer; });
    {
      const WhileWaiting second([&] { ++inner; });
      std::this_thread::sleep_for(WhileWaiting::kEvery + 10ms);
      WhileWaiting::look();
      WhileWaiting::look();  // at once: not again
      std::thread([] { EXPECT_FALSE(WhileWaiting::is_set()); }).join();
    }
    WhileWaiting::look();
  }
  EXPECT_EQ(inner, 1);
  EXPECT_EQ(outer, 1);
  EXPECT_FALSE(WhileWaiting::is_set());
}

TEST(WhileWaiting, without_one_a_wait_is_a_wait) {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  std::thread other([&] {
    const std::lock_guard lock(mutex);
    done = true;
    changed.notify_one();
  });
  std::unique_lock lock(mutex);
  wait_until(changed, lock, [&] { return done; });
  lock.unlock();
  other.join();
}

}  // namespace
}  // namespace andiron
