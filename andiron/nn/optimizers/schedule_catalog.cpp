#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/optimizers/schedule.hpp"

namespace andiron::nn {

namespace {

using nlohmann::json;

// The arguments of a schedule as a file or Python gives them.
class Arguments {
 public:
  explicit Arguments(const json& config) : config_(config) {}
  template <class T>
  T get(const char* key, T fallback) const {
    const auto it = config_.find(key);
    return it == config_.end() || it->is_null() ? fallback : it->get<T>();
  }
  double initial() const { return get("initial_learning_rate", 0.0); }
  SchedulePtr schedule(const char* key) const { return schedule_from_config(config_.at(key)); }
  std::vector<SchedulePtr> schedules(const char* key) const {
    std::vector<SchedulePtr> all;
    for (const json& description : config_.at(key))
      all.push_back(schedule_from_config(description));
    return all;
  }

 private:
  const json& config_;
};

struct Entry {
  const char* name;
  SchedulePtr (*make)(const Arguments& a);
};

const Entry kEntries[] = {
    {"CosineDecay",
     [](const Arguments& a) {
       return CosineDecay(a.initial(), a.get("decay_steps", int64_t{1}), a.get("alpha", 0.0),
                          a.get("warmup_target", -1.0), a.get("warmup_steps", int64_t{0}));
     }},
    {"CosineDecayRestarts",
     [](const Arguments& a) {
       return CosineDecayRestarts(a.initial(), a.get("first_decay_steps", int64_t{1}),
                                  a.get("t_mul", 2.0), a.get("m_mul", 1.0), a.get("alpha", 0.0));
     }},
    {"ExponentialDecay",
     [](const Arguments& a) {
       return ExponentialDecay(a.initial(), a.get("decay_steps", 1.0), a.get("decay_rate", 0.0),
                               a.get("staircase", false));
     }},
    {"InverseTimeDecay",
     [](const Arguments& a) {
       return InverseTimeDecay(a.initial(), a.get("decay_steps", 1.0), a.get("decay_rate", 0.0),
                               a.get("staircase", false));
     }},
    {"MultiStepDecay",
     [](const Arguments& a) {
       return MultiStepDecay(a.initial(), a.get("milestones", std::vector<int64_t>{}),
                             a.get("gamma", 0.1));
     }},
    {"NaturalExponentialDecay",
     [](const Arguments& a) {
       return NaturalExponentialDecay(a.initial(), a.get("decay_steps", 1.0),
                                      a.get("decay_rate", 0.0), a.get("staircase", false));
     }},
    {"OneCycle",
     [](const Arguments& a) {
       OneCycleOptions o;
       o.max_learning_rate = a.get("max_learning_rate", 0.0);
       o.total_steps = a.get("total_steps", int64_t{0});
       o.pct_start = a.get("pct_start", o.pct_start);
       o.anneal_strategy = a.get("anneal_strategy", o.anneal_strategy);
       o.div_factor = a.get("div_factor", o.div_factor);
       o.final_div_factor = a.get("final_div_factor", o.final_div_factor);
       o.three_phase = a.get("three_phase", o.three_phase);
       return OneCycle(o);
     }},
    {"PiecewiseConstantDecay",
     [](const Arguments& a) {
       return PiecewiseConstantDecay(a.get("boundaries", std::vector<int64_t>{}),
                                     a.get("values", std::vector<double>{}));
     }},
    {"PolynomialDecay",
     [](const Arguments& a) {
       return PolynomialDecay(a.initial(), a.get("decay_steps", int64_t{1}),
                              a.get("end_learning_rate", 1e-4), a.get("power", 1.0),
                              a.get("cycle", false));
     }},
    {"SequentialSchedule",
     [](const Arguments& a) {
       return SequentialSchedule(a.schedules("schedules"),
                                 a.get("lengths", std::vector<int64_t>{}));
     }},
    {"StepDecay",
     [](const Arguments& a) {
       return StepDecay(a.initial(), a.get("step_size", int64_t{1}), a.get("gamma", 0.1));
     }},
    {"Warmup",
     [](const Arguments& a) {
       return Warmup(a.get("warmup_steps", int64_t{1}), a.schedule("after"), a.get("start", 0.0));
     }},
};

}  // namespace

SchedulePtr schedule_from_config(const json& description) {
  try {
    const auto name = description.value("class_name", std::string());
    const json config = description.value("config", json::object());
    std::string known;
    for (const Entry& entry : kEntries) {
      if (name == entry.name) return entry.make(Arguments(config));
      known.append(known.empty() ? "" : ", ").append(entry.name);
    }
    fail("[schedule] there is no schedule '{}'; there are {}", name, known);
  } catch (const json::exception& e) {
    fail("[schedule] {} does not describe a schedule: {}", description.dump(), e.what());
  }
}

}  // namespace andiron::nn
