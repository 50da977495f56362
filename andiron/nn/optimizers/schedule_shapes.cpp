#include <algorithm>
#include <cmath>
#include <numbers>

#include "andiron/base/error.hpp"
#include "andiron/nn/optimizers/schedule_formula.hpp"

namespace andiron::nn {

using nlohmann::json;

SchedulePtr MultiStepDecay(double initial, std::vector<int64_t> milestones, double gamma) {
  positive_argument("MultiStepDecay", "initial_learning_rate", initial);
  positive_argument("MultiStepDecay", "gamma", gamma);
  if (!std::is_sorted(milestones.begin(), milestones.end()))
    fail("[MultiStepDecay] milestones must ascend");
  return make_schedule(
      "MultiStepDecay",
      {{"initial_learning_rate", initial}, {"milestones", milestones}, {"gamma", gamma}},
      [=](int64_t n) {
        const auto passed = std::upper_bound(milestones.begin(), milestones.end(), n);
        return initial * std::pow(gamma, static_cast<double>(passed - milestones.begin()));
      });
}

SchedulePtr NaturalExponentialDecay(double initial, double steps, double rate, bool staircase) {
  positive_argument("NaturalExponentialDecay", "initial_learning_rate", initial);
  positive_argument("NaturalExponentialDecay", "decay_steps", steps);
  if (!(rate >= 0.0) || !std::isfinite(rate))
    fail("[NaturalExponentialDecay] decay_rate must not be negative; got {}", rate);
  return make_schedule("NaturalExponentialDecay",
                       {{"initial_learning_rate", initial},
                        {"decay_steps", steps},
                        {"decay_rate", rate},
                        {"staircase", staircase}},
                       [=](int64_t n) {
                         const double r = static_cast<double>(n) / steps;
                         return initial * std::exp(-rate * (staircase ? std::floor(r) : r));
                       });
}

SchedulePtr PolynomialDecay(double initial, int64_t steps, double end, double power, bool cycle) {
  positive_argument("PolynomialDecay", "initial_learning_rate", initial);
  positive_argument("PolynomialDecay", "decay_steps", static_cast<double>(steps));
  positive_argument("PolynomialDecay", "power", power);
  if (!(end >= 0.0) || !std::isfinite(end))
    fail("[PolynomialDecay] end_learning_rate must not be negative; got {}", end);
  return make_schedule("PolynomialDecay",
                       {{"initial_learning_rate", initial},
                        {"decay_steps", steps},
                        {"end_learning_rate", end},
                        {"power", power},
                        {"cycle", cycle}},
                       [=](int64_t n) {
                         const auto length = static_cast<double>(steps);
                         double share = static_cast<double>(n) / length;
                         share =
                             cycle ? share / std::max(1.0, std::ceil(share)) : std::min(share, 1.0);
                         return (initial - end) * std::pow(1.0 - share, power) + end;
                       });
}

SchedulePtr CosineDecayRestarts(double initial, int64_t first_steps, double t_mul, double m_mul,
                                double alpha) {
  positive_argument("CosineDecayRestarts", "initial_learning_rate", initial);
  positive_argument("CosineDecayRestarts", "first_decay_steps", static_cast<double>(first_steps));
  positive_argument("CosineDecayRestarts", "m_mul", m_mul);
  if (!(t_mul >= 1.0) || !std::isfinite(t_mul))
    fail("[CosineDecayRestarts] t_mul must be at least 1; got {}", t_mul);
  return make_schedule("CosineDecayRestarts",
                       {{"initial_learning_rate", initial},
                        {"first_decay_steps", first_steps},
                        {"t_mul", t_mul},
                        {"m_mul", m_mul},
                        {"alpha", alpha}},
                       [=](int64_t n) {
                         auto left = static_cast<double>(n),
                              length = static_cast<double>(first_steps);
                         double top = 1.0;
                         if (t_mul == 1.0) {
                           top = std::pow(m_mul, std::floor(left / length));
                           left = std::fmod(left, length);
                         }
                         for (; left >= length; length *= t_mul, top *= m_mul) left -= length;
                         const double cosine = std::cos(std::numbers::pi * left / length);
                         return initial * ((1.0 - alpha) * 0.5 * top * (1.0 + cosine) + alpha);
                       });
}

SchedulePtr OneCycle(const OneCycleOptions& o) {
  positive_argument("OneCycle", "max_learning_rate", o.max_learning_rate);
  positive_argument("OneCycle", "div_factor", o.div_factor);
  positive_argument("OneCycle", "final_div_factor", o.final_div_factor);
  if (o.total_steps < 2) fail("[OneCycle] total_steps must be at least 2; got {}", o.total_steps);
  if (!(o.pct_start >= 0.0 && o.pct_start <= 1.0))
    fail("[OneCycle] pct_start must be in [0, 1]; got {}", o.pct_start);
  if (o.anneal_strategy != "cos" && o.anneal_strategy != "linear")
    fail("[OneCycle] anneal_strategy is \"cos\" or \"linear\"; got \"{}\"", o.anneal_strategy);
  const auto total = static_cast<double>(o.total_steps);
  const double top = o.max_learning_rate, first = top / o.div_factor;
  const double rises = o.pct_start * total - 1;
  struct Phase {
    double end, from, to;
  };
  std::vector<Phase> phases = {{rises, first, top}};
  if (o.three_phase) phases.push_back({2 * o.pct_start * total - 2, top, first});
  phases.push_back({total - 1, o.three_phase ? first : top, first / o.final_div_factor});
  const bool cosine = o.anneal_strategy == "cos";
  return make_schedule("OneCycle",
                       {{"max_learning_rate", top},
                        {"total_steps", o.total_steps},
                        {"pct_start", o.pct_start},
                        {"anneal_strategy", o.anneal_strategy},
                        {"div_factor", o.div_factor},
                        {"final_div_factor", o.final_div_factor},
                        {"three_phase", o.three_phase}},
                       [=](int64_t n) {
                         const double at = std::min(static_cast<double>(n), total - 1);
                         double begin = 0;
                         size_t i = 0;
                         while (i + 1 < phases.size() && at > phases[i].end)
                           begin = phases[i++].end;
                         const auto& [end, from, to] = phases[i];
                         const double share = end > begin ? (at - begin) / (end - begin) : 1.0;
                         if (!cosine) return from + (to - from) * share;
                         return to + (from - to) / 2 * (1.0 + std::cos(std::numbers::pi * share));
                       });
}

SchedulePtr SequentialSchedule(std::vector<SchedulePtr> schedules, std::vector<int64_t> lengths) {
  if (schedules.empty() || schedules.size() != lengths.size() + 1)
    fail(
        "[SequentialSchedule] takes a length for each schedule but the last; got {} schedules and "
        "{} lengths",
        schedules.size(), lengths.size());
  json described = json::array();
  for (const SchedulePtr& schedule : schedules) {
    if (!schedule) fail("[SequentialSchedule] a schedule is missing");
    described.push_back(schedule_description(*schedule));
  }
  for (const int64_t length : lengths)
    if (length < 1) fail("[SequentialSchedule] lengths must be positive; got {}", length);
  return make_schedule("SequentialSchedule", {{"schedules", described}, {"lengths", lengths}},
                       [=](int64_t n) {
                         size_t i = 0;
                         for (; i < lengths.size() && n >= lengths[i]; ++i) n -= lengths[i];
                         return (*schedules[i])(n);
                       });
}

}  // namespace andiron::nn
