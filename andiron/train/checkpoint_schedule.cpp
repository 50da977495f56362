#include "andiron/train/checkpoint_schedule.hpp"

#include <algorithm>
#include <chrono>

namespace andiron::train {

namespace {

// Workers ask again after half of the time that is left, but after this many seconds at the latest:
// steps may become slower than they were.
constexpr double kLongest = 1.0;

}  // namespace

double CheckpointSchedule::steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

CheckpointSchedule::CheckpointSchedule(int64_t every_steps, double every_seconds, Clock clock)
    : every_steps_(every_steps),
      every_seconds_(every_seconds),
      clock_(std::move(clock)),
      ask_at_(every_seconds > 0 ? 0 : Answer{}.ask_at),
      taken_at_(clock_()) {}

CheckpointSchedule::Answer CheckpointSchedule::answer(int64_t step, bool busy, bool strict) {
  const double now = clock_();
  const bool due = every_seconds_ > 0 && now - taken_at_ >= every_seconds_;
  Answer answer;
  answer.save = (by_steps(step) && (strict || !busy)) || (due && !busy) ? 1 : 0;
  if (answer.save != 0) taken_at_ = now;
  if (every_seconds_ <= 0) return answer;

  const double left = taken_at_ + every_seconds_ - now;
  const double seconds = left > 0 ? std::min(left / 2, kLongest) : kLongest;
  int64_t steps = 1;  // while nothing is known of their rate
  if (asked_step_ >= 0 && now > asked_at_ && step > asked_step_) {
    const double rate = static_cast<double>(step - asked_step_) / (now - asked_at_);
    steps = static_cast<int64_t>(std::clamp(seconds * rate, 1.0, 1e12));
  }
  answer.ask_at = step + steps;
  asked_step_ = step;
  asked_at_ = now;
  return answer;
}

}  // namespace andiron::train
