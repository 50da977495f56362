#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace andiron::nn {

/// The learning rate as a function of the number of finished steps (0 in the first step), as in
/// Keras. It is an input of the training plan, so a schedule never recompiles. Immutable.
class LearningRateSchedule {
 public:
  virtual ~LearningRateSchedule() = default;
  virtual double operator()(int64_t iterations) const = 0;
  virtual std::string class_name() const = 0;
  virtual nlohmann::json config() const = 0;
};

using SchedulePtr = std::shared_ptr<const LearningRateSchedule>;

/// initial / (1 + decay_rate n / decay_steps). BigDL's learningRateDecay d is InverseTimeDecay(lr,
/// 1, d).
SchedulePtr InverseTimeDecay(double initial_learning_rate, double decay_steps, double decay_rate,
                             bool staircase = false);
/// initial * decay_rate^(n / decay_steps)
SchedulePtr ExponentialDecay(double initial_learning_rate, double decay_steps, double decay_rate,
                             bool staircase = false);
/// values[i] where boundaries[i - 1] < n <= boundaries[i]; one value more than boundaries.
SchedulePtr PiecewiseConstantDecay(std::vector<int64_t> boundaries, std::vector<double> values);
/// initial * gamma^floor(n / step_size)
SchedulePtr StepDecay(double initial_learning_rate, int64_t step_size, double gamma = 0.1);
/// From initial down to alpha times it along half a cosine; before that, with warmup_steps,
/// linearly from initial up to warmup_target (Loshchilov & Hutter 2017).
SchedulePtr CosineDecay(double initial_learning_rate, int64_t decay_steps, double alpha = 0.0,
                        double warmup_target = -1.0, int64_t warmup_steps = 0);
/// Linearly from `start` times the schedule's first value up to it in warmup_steps, then `after`.
SchedulePtr Warmup(int64_t warmup_steps, SchedulePtr after, double start = 0.0);

/// initial * gamma^(milestones passed); PyTorch's MultiStepLR.
SchedulePtr MultiStepDecay(double initial_learning_rate, std::vector<int64_t> milestones,
                           double gamma = 0.1);
/// initial * exp(-decay_rate n / decay_steps); BigDL's NaturalExp has `staircase`.
SchedulePtr NaturalExponentialDecay(double initial_learning_rate, double decay_steps,
                                    double decay_rate, bool staircase = false);
/// From initial to end along (1 - n / decay_steps)^power, then end; with `cycle` decay_steps
/// doubles, trebles, ... where n has passed it. Keras's.
SchedulePtr PolynomialDecay(double initial_learning_rate, int64_t decay_steps,
                            double end_learning_rate = 1e-4, double power = 1.0,
                            bool cycle = false);
/// Half a cosine down to alpha * initial, again and again: each one t_mul times as long, from m_mul
/// times the height of the one before (Loshchilov & Hutter 2017). Keras's.
SchedulePtr CosineDecayRestarts(double initial_learning_rate, int64_t first_decay_steps,
                                double t_mul = 2.0, double m_mul = 1.0, double alpha = 0.0);

/// Smith & Topin 2018 as PyTorch's OneCycleLR computes it; after total_steps it stays at its end.
struct OneCycleOptions {
  double max_learning_rate = 0.0;
  int64_t total_steps = 0;
  double pct_start = 0.3;               ///< the share of the steps in which the rate rises
  std::string anneal_strategy = "cos";  ///< or "linear"
  double div_factor = 25.0;             ///< max / first
  double final_div_factor = 1e4;        ///< first / last
  bool three_phase = false;             ///< down to the first rate as fast as up, then to the last
};
SchedulePtr OneCycle(const OneCycleOptions& options);

/// One schedule after another, each counting its own steps from 0; `lengths` are the steps of all
/// but the last. BigDL's SequentialSchedule.
SchedulePtr SequentialSchedule(std::vector<SchedulePtr> schedules, std::vector<int64_t> lengths);

/// From {"class_name": ..., "config": {...}}; throws Error listing the known ones.
SchedulePtr schedule_from_config(const nlohmann::json& description);
nlohmann::json schedule_description(const LearningRateSchedule& schedule);

/// A number or a schedule.
class LearningRate {
 public:
  /// Throws Error unless positive and finite.
  LearningRate(double value);  // NOLINT: a number is a learning rate
  LearningRate(SchedulePtr schedule) : schedule_(std::move(schedule)) {}  // NOLINT

  double at(int64_t iterations) const { return schedule_ ? (*schedule_)(iterations) : value_; }
  const SchedulePtr& schedule() const { return schedule_; }
  nlohmann::json config() const;
  static LearningRate from_config(const nlohmann::json& config);

 private:
  double value_ = 0.0;
  SchedulePtr schedule_;
};

}  // namespace andiron::nn
