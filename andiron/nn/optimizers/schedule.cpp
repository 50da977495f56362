#include "andiron/nn/optimizers/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <numbers>

#include "andiron/base/error.hpp"

namespace andiron::nn {

namespace {

using nlohmann::json;

double positive(const char* schedule, const char* argument, double value) {
  if (!(value > 0.0) || !std::isfinite(value))
    fail("[{}] {} must be positive and finite; got {}", schedule, argument, value);
  return value;
}

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

SchedulePtr make(const char* name, json config, std::function<double(int64_t)> formula) {
  return std::make_shared<Formula>(name, std::move(config), std::move(formula));
}

double ratio(int64_t n, double steps, bool staircase) {
  const double r = static_cast<double>(n) / steps;
  return staircase ? std::floor(r) : r;
}

template <class T>
T get(const json& config, const char* key, T fallback) {
  const auto it = config.find(key);
  return it == config.end() || it->is_null() ? fallback : it->get<T>();
}

}  // namespace

SchedulePtr InverseTimeDecay(double initial, double steps, double rate, bool staircase) {
  positive("InverseTimeDecay", "initial_learning_rate", initial);
  positive("InverseTimeDecay", "decay_steps", steps);
  if (!(rate >= 0.0)) fail("[InverseTimeDecay] decay_rate must not be negative; got {}", rate);
  return make("InverseTimeDecay",
              {{"initial_learning_rate", initial},
               {"decay_steps", steps},
               {"decay_rate", rate},
               {"staircase", staircase}},
              [=](int64_t n) { return initial / (1.0 + rate * ratio(n, steps, staircase)); });
}

SchedulePtr ExponentialDecay(double initial, double steps, double rate, bool staircase) {
  positive("ExponentialDecay", "initial_learning_rate", initial);
  positive("ExponentialDecay", "decay_steps", steps);
  positive("ExponentialDecay", "decay_rate", rate);
  return make("ExponentialDecay",
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
  for (double v : values) positive("PiecewiseConstantDecay", "values", v);
  return make("PiecewiseConstantDecay", {{"boundaries", boundaries}, {"values", values}},
              [=](int64_t n) {
                const auto it = std::lower_bound(boundaries.begin(), boundaries.end(), n);
                return values[static_cast<size_t>(it - boundaries.begin())];
              });
}

SchedulePtr StepDecay(double initial, int64_t step_size, double gamma) {
  positive("StepDecay", "initial_learning_rate", initial);
  positive("StepDecay", "step_size", static_cast<double>(step_size));
  positive("StepDecay", "gamma", gamma);
  return make(
      "StepDecay", {{"initial_learning_rate", initial}, {"step_size", step_size}, {"gamma", gamma}},
      [=](int64_t n) { return initial * std::pow(gamma, static_cast<double>(n / step_size)); });
}

SchedulePtr CosineDecay(double initial, int64_t steps, double alpha, double warmup_target,
                        int64_t warmup_steps) {
  if (!(initial >= 0.0) || !std::isfinite(initial))
    fail("[CosineDecay] initial_learning_rate must not be negative; got {}", initial);
  positive("CosineDecay", "decay_steps", static_cast<double>(steps));
  if (warmup_steps < 0)
    fail("[CosineDecay] warmup_steps must not be negative; got {}", warmup_steps);
  const bool warms_up = warmup_target >= 0.0;
  json config = {{"initial_learning_rate", initial},
                 {"decay_steps", steps},
                 {"alpha", alpha},
                 {"warmup_target", warms_up ? json(warmup_target) : json()},
                 {"warmup_steps", warmup_steps}};
  return make("CosineDecay", std::move(config), [=](int64_t n) {
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
  return make("Warmup", std::move(config), [=](int64_t n) {
    if (n >= warmup_steps) return (*after)(n - warmup_steps);
    // The first step moves already when start is 0: n + 1 of warmup_steps + 1.
    const double share = static_cast<double>(n + 1) / static_cast<double>(warmup_steps + 1);
    return (*after)(0) * (start + (1.0 - start) * share);
  });
}

SchedulePtr schedule_from_config(const json& description) {
  const std::string name = get<std::string>(description, "class_name", "");
  const json c = get<json>(description, "config", json::object());
  const double initial = get(c, "initial_learning_rate", 0.0);
  if (name == "InverseTimeDecay" || name == "ExponentialDecay") {
    const auto build = name == "InverseTimeDecay" ? InverseTimeDecay : ExponentialDecay;
    return build(initial, get(c, "decay_steps", 1.0), get(c, "decay_rate", 0.0),
                 get(c, "staircase", false));
  }
  if (name == "PiecewiseConstantDecay")
    return PiecewiseConstantDecay(get(c, "boundaries", std::vector<int64_t>{}),
                                  get(c, "values", std::vector<double>{}));
  if (name == "StepDecay")
    return StepDecay(initial, get(c, "step_size", int64_t{1}), get(c, "gamma", 0.1));
  if (name == "CosineDecay")
    return CosineDecay(initial, get(c, "decay_steps", int64_t{1}), get(c, "alpha", 0.0),
                       get(c, "warmup_target", -1.0), get(c, "warmup_steps", int64_t{0}));
  if (name == "Warmup")
    return Warmup(get(c, "warmup_steps", int64_t{1}), schedule_from_config(c.at("after")),
                  get(c, "start", 0.0));
  fail(
      "[schedule] there is no schedule '{}'; there are InverseTimeDecay, ExponentialDecay, "
      "PiecewiseConstantDecay, StepDecay, CosineDecay and Warmup",
      name);
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
