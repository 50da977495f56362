#pragma once

#include <cstdint>
#include <functional>
#include <limits>

namespace andiron::train {

/// Says after which steps a checkpoint is taken: every so many steps, every so many seconds of the
/// first worker's clock, or both. All workers must take it after the same step, and must not talk
/// after every step to find that out. So they ask at steps that all of them know beforehand; the
/// first worker's answer, which also names the next such step, goes to all.
class CheckpointSchedule {
 public:
  using Clock = std::function<double()>;  ///< seconds, from anywhere

  /// Plain bytes, the same on all workers.
  struct Answer {
    int64_t save = 0;  ///< whether a checkpoint is taken now
    int64_t ask_at = std::numeric_limits<int64_t>::max();
  };

  /// 0 of either: not by that.
  CheckpointSchedule(int64_t every_steps, double every_seconds, Clock clock = steady_seconds);

  /// Whether the workers ask after this step.
  bool asks(int64_t step) const { return by_steps(step) || step >= ask_at_; }
  /// The first worker's. `busy`: the checkpoint before is still being written; what is due by the
  /// clock then waits until it is not. `strict`: what is due by steps does not.
  Answer answer(int64_t step, bool busy, bool strict);
  /// Of the first worker, on all.
  void take(const Answer& answer) { ask_at_ = answer.ask_at; }
  /// One was taken at another time: at the end of an epoch.
  void taken() { taken_at_ = clock_(); }

  static double steady_seconds();

 private:
  bool by_steps(int64_t step) const { return every_steps_ > 0 && step % every_steps_ == 0; }

  int64_t every_steps_;
  double every_seconds_;
  Clock clock_;
  int64_t ask_at_;
  double taken_at_;
  // The first worker's: when it was asked last, for the steps that a second has.
  int64_t asked_step_ = -1;
  double asked_at_ = 0.0;
};

}  // namespace andiron::train
