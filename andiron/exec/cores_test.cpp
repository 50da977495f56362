#include "andiron/exec/cores.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <thread>

#include "andiron/exec/crew.hpp"
#include "andiron/exec/lane.hpp"
#include "andiron/exec/plan.hpp"

namespace andiron::exec {
namespace {

int64_t number_of_threads() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"),
                       std::filesystem::directory_iterator());
}

cpu_set_t first_core() {
  const cpu_set_t all = process_cores();
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++i)
    if (CPU_ISSET(i, &all)) CPU_SET(i, &one);
  return one;
}

class Cores : public testing::Test {
 protected:
  void SetUp() override {
    if (CPU_COUNT(&all_) < 2) GTEST_SKIP() << "one core only";
    set_default_threads(0);
  }
  const cpu_set_t all_ = process_cores();
};

TEST_F(Cores, a_callers_pin_is_not_the_process) {
  const cpu_set_t one = first_core();
  std::thread([&] {
    sched_setaffinity(0, sizeof(one), &one);
    EXPECT_EQ(default_threads(), CPU_COUNT(&all_));
    // Neither is it that of the threads which a pinned caller is the first to need.
    Lane lane(2);
    lane.run([&] {
      cpu_set_t mine;
      sched_getaffinity(0, sizeof(mine), &mine);
      EXPECT_EQ(CPU_COUNT(&mine), CPU_COUNT(&all_));
    });
    run_on_process_cores();
    cpu_set_t mine;
    sched_getaffinity(0, sizeof(mine), &mine);
    EXPECT_EQ(CPU_COUNT(&mine), CPU_COUNT(&all_));
  }).join();
}

TEST_F(Cores, leaving_one_forbids_none) {
  std::thread([&] {
    const int core = sched_getcpu();
    leave_core(core);
    EXPECT_NE(sched_getcpu(), core);
    cpu_set_t mine;
    sched_getaffinity(0, sizeof(mine), &mine);
    EXPECT_EQ(CPU_COUNT(&mine), CPU_COUNT(&all_));
  }).join();
}

TEST_F(Cores, numbers_of_threads_that_alternate_leave_no_threads_behind) {
  const auto alternate = [](int times) {
    for (int i = 0; i < times; ++i)
      for (const int threads : {2, 3}) {
        set_default_threads(threads);
        Lane::main().run([] {});
        Crew::main().run(4, [](int) {});
      }
    set_default_threads(0);
  };
  alternate(1);
  const int64_t before = number_of_threads();
  alternate(50);
  EXPECT_EQ(number_of_threads(), before);
}

}  // namespace
}  // namespace andiron::exec
