#include "andiron/nn/optimizers/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "andiron/base/error.hpp"
#include "andiron/nn/optimizers/schedule_formula.hpp"

namespace andiron::nn {

namespace {

using nlohmann::json;

// A schedule is its arguments and a formula over them.
class Formula final : public LearningRateSchedule {
 public:
  Formula(std::string class_name, json config, std::function<double(int64_t)> formula)
      : class_name_(std::move(class_name)),
        config_(std::move(config)),
        formula_(std::move(formula)) {}
  double operator()(int64_t iterations) const override { return formula_(iterations); }
  std::string class_name() const override { return class_name_; }
  json config() const override { return config_; }

 private:
  std::string class_name_;
  json config_;
  std::function<double(int64_t)> formula_;
};

double ratio(int64_t n, double steps, bool staircase) {
  const double r = static_cast<double>(n) / steps;
  return staircase ? std::floor(r) : r;
}

}  // namespace

double positive_argument(const char* schedule, const char* argument, double value) {
  if (!(value > 0.0) || !std::isfinite(value))
    fail("[{}] {} must be positive and finite; got {}", schedule, argument, value);
  return value;
}

SchedulePtr make_schedule(const char* name, json config, std::function<double(int64_t)> formula) {
  return std::make_shared<Formula>(name, std::move(config), std::move(formula));
}

SchedulePtr InverseTimeDecay(double initial, double steps, double rate, bool staircase) {
  positive_argument("InverseTimeDecay", "initial_learning_rate", initial);
  positive_argument("InverseTimeDecay", "decay_steps", steps);
  if (!(rate >= 0.0)) fail("[InverseTimeDecay] decay_rate must not be negative; got {}", rate);
  return make_schedule(
      "InverseTimeDecay",
      {{"initial_learning_rate", initial},
       {"decay_steps", steps},
       {"decay_rate", rate},
       {"staircase", staircase}},
      [=](int64_t n) { return initial / (1.0 + rate * ratio(n, steps, staircase)); });
}

SchedulePtr ExponentialDecay(double initial, double steps, double rate, bool staircase) {
  positive_argument("ExponentialDecay", "initial_learning_rate", initial);
  positive_argument("ExponentialDecay", "decay_steps", steps);
  positive_argument("ExponentialDecay", "decay_rate", rate);
  return make_schedule(
      "ExponentialDecay",
      {{"initial_learning_rate", initial},
       {"decay_steps", steps},
       {"decay_rate", rate},
       {"staircase", staircase}},
      [=](int64_t n) { return initial * std::pow(rate, ratio(n, steps, staircase)); });
}

SchedulePtr PiecewiseConstantDecay(std::vector<int64_t> boundaries, std::vector<double> values) {
  if (values.size() != boundaries.size() + 1)
    fail("[PiecewiseConstantDecay] takes one value more than boundaries; got {} and {}",
         values.size(), boundaries.size());
  if (!std::is_sorted(boundaries.begin(), boundaries.end()))
    fail("[PiecewiseConstantDecay] boundaries must ascend");
  for (double v : values) positive_argument("PiecewiseConstantDecay", "values", v);
  return make_schedule("PiecewiseConstantDecay", {{"boundaries", boundaries}, {"values", values}},
                       [=](int64_t n) {
                         const auto it = std::lower_bound(boundaries.begin(), boundaries.end(), n);
                         return values[static_cast<size_t>(it - boundaries.begin())];
                       });
}

SchedulePtr StepDecay(double initial, int64_t step_size, double gamma) {
  positive_argument("StepDecay", "initial_learning_rate", initial);
  positive_argument("StepDecay", "step_size", static_cast<double>(step_size));
  positive_argument("StepDecay", "gamma", gamma);
  return make_schedule(
      "StepDecay", {{"initial_learning_rate", initial}, {"step_size", step_size}, {"gamma", gamma}},
      [=](int64_t n) { return initial * std::pow(gamma, static_cast<double>(n / step_size)); });
}

SchedulePtr CosineDecay(double initial, int64_t steps, double alpha, double warmup_target,
                        int64_t warmup_steps) {
  if (!(initial >= 0.0) || !std::isfinite(initial))
    fail("[CosineDecay] initial_learning_rate must not be negative; got {}", initial);
  positive_argument("CosineDecay", "decay_steps", static_cast<double>(steps));
  if (warmup_steps < 0)
    fail("[CosineDecay] warmup_steps must not be negative; got {}", warmup_steps);
  const bool warms_up = warmup_target >= 0.0;
  json config = {{"initial_learning_rate", initial},
                 {"decay_steps", steps},
                 {"alpha", alpha},
                 {"warmup_target", warms_up ? json(warmup_target) : json()},
                 {"warmup_steps", warmup_steps}};
  return make_schedule("CosineDecay", std::move(config), [=](int64_t n) {
    auto n_done = static_cast<double>(n);
    const auto warmup = static_cast<double>(warmup_steps);
    if (warms_up) {
      if (n < warmup_steps) return initial + (warmup_target - initial) * n_done / warmup;
      n_done -= warmup;
    }
    const double top = warms_up ? warmup_target : initial;
    const double share = std::min(n_done / static_cast<double>(steps), 1.0);
    return top * ((1.0 - alpha) * 0.5 * (1.0 + std::cos(std::numbers::pi * share)) + alpha);
  });
}

SchedulePtr Warmup(int64_t warmup_steps, SchedulePtr after, double start) {
  if (warmup_steps < 1) fail("[Warmup] warmup_steps must be positive; got {}", warmup_steps);
  if (!after) fail("[Warmup] needs the schedule that comes after");
  if (!(start >= 0.0)) fail("[Warmup] start must not be negative; got {}", start);
  json config = {
      {"warmup_steps", warmup_steps}, {"after", schedule_description(*after)}, {"start", start}};
  return make_schedule("Warmup", std::move(config), [=](int64_t n) {
    if (n >= warmup_steps) return (*after)(n - warmup_steps);
    // The first step moves already when start is 0: n + 1 of warmup_steps + 1.
    const double share = static_cast<double>(n + 1) / static_cast<double>(warmup_steps + 1);
    return (*after)(0) * (start + (1.0 - start) * share);
  });
}

json schedule_description(const LearningRateSchedule& schedule) {
  return {{"class_name", schedule.class_name()}, {"config", schedule.config()}};
}

LearningRate::LearningRate(double value) : value_(value) {
  if (!(value > 0.0) || !std::isfinite(value))
    fail("[optimizer] the learning rate must be positive and finite; got {}", value);
}

json LearningRate::config() const {
  return schedule_ ? schedule_description(*schedule_) : json(value_);
}

LearningRate LearningRate::from_config(const json& config) {
  if (config.is_number()) return config.get<double>();
  return schedule_from_config(config);
}

}  // namespace andiron::nn
