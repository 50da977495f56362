#include "andiron/train/checkpoint_schedule.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace andiron::train {
namespace {

constexpr int64_t kWorkers = 3;

// Workers that run steps together and ask when their schedules say so. Only the first one's clock
// is right; the others' stand still.
struct Workers {
  Workers(int64_t every_steps, double every_seconds) {
    for (int64_t w = 0; w < kWorkers; ++w)
      all.emplace_back(every_steps, every_seconds, [this, w] { return w == 0 ? now : 0.0; });
  }

  // One step, which ends `seconds` later; whether a checkpoint was taken. Each one asks where the
  // others do, or they would wait for each other for ever.
  bool step(double seconds, bool busy = false, bool strict = true) {
    now += seconds;
    ++at;
    for (const CheckpointSchedule& s : all) EXPECT_EQ(s.asks(at), all[0].asks(at)) << "step " << at;
    if (!all[0].asks(at)) return false;
    ++asked;
    const CheckpointSchedule::Answer answer = all[0].answer(at, busy, strict);
    for (CheckpointSchedule& s : all) s.take(answer);
    return answer.save != 0;
  }

  double now = 1000.0;
  int64_t at = 0, asked = 0;
  std::vector<CheckpointSchedule> all;
};

TEST(CheckpointSchedule, by_steps_is_every_so_many_and_asks_for_no_more) {
  Workers w(7, 0.0);
  for (int i = 1; i <= 700; ++i) EXPECT_EQ(w.step(0.1, i % 3 == 0), i % 7 == 0);
  EXPECT_EQ(w.asked, 100);
}

TEST(CheckpointSchedule, by_time_is_within_a_step_and_seldom_asks) {
  Workers w(0, 600.0);
  double last = w.now;
  int taken = 0;
  while (w.now < 1000.0 + 6100.0) {
    if (!w.step(0.03)) continue;
    EXPECT_GE(w.now - last, 600.0);
    EXPECT_LT(w.now - last, 600.0 + 0.0301);
    last = w.now;
    ++taken;
  }
  EXPECT_EQ(taken, 10);
  EXPECT_LT(w.asked, 6100 * 1.1) << "of " << w.at << " steps";  // every second, and halvings
}

TEST(CheckpointSchedule, steps_that_become_slow_delay_it_by_little) {
  Workers w(0, 60.0);
  double last = w.now;
  for (int i = 0; i < 40000; ++i) {
    // A hundred times slower from one step to the next, and back.
    if (!w.step(i / 1000 % 2 == 0 ? 0.01 : 1.0)) continue;
    EXPECT_GE(w.now - last, 60.0);
    EXPECT_LE(w.now - last, 60.0 + 1.0 * 100);
    last = w.now;
  }
}

TEST(CheckpointSchedule, what_is_due_by_time_waits_while_one_is_written) {
  Workers w(0, 60.0);
  while (w.now < 1000.0 + 100.0) EXPECT_FALSE(w.step(0.1, /*busy=*/true));
  double waited = 0.0;
  while (!w.step(0.1)) waited += 0.1;
  EXPECT_LE(waited, 1.1);
}

TEST(CheckpointSchedule, what_is_due_by_steps_waits_only_for_a_strict_store) {
  Workers w(5, 0.0);
  for (int i = 1; i < 5; ++i) w.step(0.1);
  EXPECT_FALSE(w.step(0.1, /*busy=*/true, /*strict=*/false));
  for (int i = 1; i < 5; ++i) w.step(0.1);
  EXPECT_TRUE(w.step(0.1, /*busy=*/true, /*strict=*/true));
  for (int i = 1; i < 5; ++i) w.step(0.1);
  EXPECT_TRUE(w.step(0.1, /*busy=*/false, /*strict=*/false));
}

TEST(CheckpointSchedule, both_together) {
  Workers w(50, 10.5);
  std::vector<int64_t> taken;
  for (int64_t i = 1; i <= 100; ++i)
    if (w.step(1.0)) taken.push_back(i);
  EXPECT_EQ(taken, (std::vector<int64_t>{11, 22, 33, 44, 50, 61, 72, 83, 94, 100}));
}

}  // namespace
}  // namespace andiron::train
