#include "andiron/nn/optimizers/rule_optimizer.hpp"

#include <cmath>
#include <cstring>

#include "andiron/base/error.hpp"
#include "andiron/nn/optimizers/step_builder.hpp"
#include "andiron/ops/catalog.hpp"
#include "andiron/ops/ops.hpp"
#include "andiron/ops/optimizer/rule.hpp"

namespace andiron::nn {

namespace {

using nlohmann::json;

void check_positive(const char* optimizer, const char* name, const std::optional<double>& value) {
  if (value && !(*value > 0.0)) fail("[{}] {} must be positive; got {}", optimizer, name, *value);
}

const std::vector<AttributeSpec>& attributes_of(const OptimizerKind& kind) {
  return kind.composed != nullptr ? kind.composed().attributes
                                  : ops::find(std::string(kind.op) + "_update").attributes;
}

json number(const std::optional<double>& value) { return value ? json(*value) : json(); }

}  // namespace

RuleOptimizer::RuleOptimizer(const OptimizerKind& kind, const OptimizerOptions& options,
                             LearningRate learning_rate, const Attributes& settings,
                             double initial_accumulator_value)
    : kind_(&kind),
      options_(options),
      name_(options.name.empty() ? kind.name : options.name),
      learning_rate_(std::move(learning_rate)),
      initial_accumulator_value_(initial_accumulator_value) {
  for (const AttributeSpec& spec : attributes_of(kind))
    settings_.set(spec.name,
                  settings.has(spec.name) ? *settings.find(spec.name) : spec.default_value);
  settings_.set("weight_decay", options.weight_decay.value_or(kind.weight_decay));
  ops::check_settings({{}, settings_, kind.class_name});
  if (kind.composed != nullptr) kind.composed().check(settings_, kind.class_name);
  check_positive(kind.class_name, "clipnorm", options.clipnorm);
  check_positive(kind.class_name, "clipvalue", options.clipvalue);
  check_positive(kind.class_name, "global_clipnorm", options.global_clipnorm);
  if (options.clipnorm.has_value() + options.clipvalue.has_value() +
          options.global_clipnorm.has_value() >
      1)
    fail("[{}] only one of clipnorm, clipvalue and global_clipnorm may be given", kind.class_name);
  if (!(options.ema_momentum >= 0.0 && options.ema_momentum <= 1.0))
    fail("[{}] ema_momentum must be in [0, 1]; got {}", kind.class_name, options.ema_momentum);
  if (options.ema_overwrite_frequency && *options.ema_overwrite_frequency < 1)
    fail("[{}] ema_overwrite_frequency must be at least 1; got {}", kind.class_name,
         *options.ema_overwrite_frequency);
  if (options.lazy && moves_whole_tables())
    fail("[{}] lazy lets rows of tables wait, but {} reads the whole table in each step",
         kind.class_name, options.use_ema ? "use_ema" : "this optimizer");
  if (options.gradient_accumulation_steps)
    set_gradient_accumulation_steps(*options.gradient_accumulation_steps);
  if (kind.initial_accumulator_value >= 0.0 && !(initial_accumulator_value >= 0.0))
    fail("[{}] initial_accumulator_value must be zero or positive; got {}", kind.class_name,
         initial_accumulator_value);
}

json RuleOptimizer::config() const {
  json c = {
      {"name", name_},
      {"learning_rate", learning_rate_.config()},
      {"clipnorm", number(options_.clipnorm)},
      {"clipvalue", number(options_.clipvalue)},
      {"global_clipnorm", number(options_.global_clipnorm)},
      {"gradient_accumulation_steps",
       options_.gradient_accumulation_steps ? json(*options_.gradient_accumulation_steps) : json()},
      {"use_ema", options_.use_ema},
      {"ema_momentum", options_.ema_momentum},
      {"ema_overwrite_frequency",
       options_.ema_overwrite_frequency ? json(*options_.ema_overwrite_frequency) : json()},
      {"lazy", options_.lazy}};
  for (const auto& [name, value] : settings_) {
    if (const bool* b = std::get_if<bool>(&value)) c[name] = *b;
    if (const double* d = std::get_if<double>(&value)) c[name] = *d;
    if (const int64_t* i = std::get_if<int64_t>(&value)) c[name] = *i;
    if (const std::string* t = std::get_if<std::string>(&value)) c[name] = *t;
  }
  if (kind_->initial_accumulator_value >= 0.0)
    c["initial_accumulator_value"] = initial_accumulator_value_;
  return c;
}

OptimizerPtr rule_optimizer_from_config(const OptimizerKind& kind, const json& config) {
  auto given = [&](const char* key) { return config.contains(key) && !config[key].is_null(); };
  auto optional = [&](const char* key) {
    return given(key) ? std::optional<double>(config[key].get<double>()) : std::nullopt;
  };
  OptimizerOptions options;
  options.name = given("name") ? config["name"].get<std::string>() : "";
  options.weight_decay = optional("weight_decay");
  options.clipnorm = optional("clipnorm");
  options.clipvalue = optional("clipvalue");
  options.global_clipnorm = optional("global_clipnorm");
  if (given("gradient_accumulation_steps"))
    options.gradient_accumulation_steps = config["gradient_accumulation_steps"].get<int64_t>();
  options.use_ema = given("use_ema") && config["use_ema"].get<bool>();
  options.ema_momentum = optional("ema_momentum").value_or(options.ema_momentum);
  if (given("ema_overwrite_frequency"))
    options.ema_overwrite_frequency = config["ema_overwrite_frequency"].get<int64_t>();
  options.lazy = given("lazy") && config["lazy"].get<bool>();
  Attributes settings;
  for (const AttributeSpec& spec : attributes_of(kind)) {
    if (!given(spec.name.c_str()) || spec.name == "weight_decay") continue;
    const json& value = config[spec.name];
    std::visit(
        [&]<class T>(const T&) {
          if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, int64_t> ||
                        std::is_same_v<T, double> || std::is_same_v<T, std::string>)
            settings.set(spec.name, value.get<T>());
        },
        spec.default_value);
  }
  const LearningRate learning_rate = given("learning_rate")
                                         ? LearningRate::from_config(config["learning_rate"])
                                         : LearningRate(kind.learning_rate);
  return std::make_shared<RuleOptimizer>(
      kind, options, learning_rate, settings,
      optional("initial_accumulator_value").value_or(kind.initial_accumulator_value));
}

std::vector<double> RuleOptimizer::scalars_at(int64_t step) const {
  return {learning_rate_.at(step - 1)};
}

bool RuleOptimizer::replays() const {
  return !options_.lazy && !moves_whole_tables() &&
         ops::replay_of(op(), settings_) != ops::Replay::none;
}

const RuleOptimizer::Slots& RuleOptimizer::slots_of(const VariablePtr& variable) const {
  for (const Slots& s : slots_)
    if (s.variable == variable) return s;
  ANDIRON_ASSERT(!"slots");
}

std::vector<ComposedRule::Slot> RuleOptimizer::new_slots(const Variable& variable) const {
  if (kind_->composed != nullptr) return kind_->composed().slots(settings_, variable);
  std::vector<ComposedRule::Slot> slots;
  for (const std::string& name : kind_->slot_names(settings_))
    slots.push_back({name, variable.value().sizes()});
  return slots;
}

ops::OptimizerState RuleOptimizer::state_of(const VariablePtr& variable, const Value& parameter,
                                            bool exact) {
  Slots* found = nullptr;
  for (Slots& s : slots_)
    if (s.variable == variable) found = &s;
  if (found == nullptr) {
    Slots made{variable, {}, {}};  // all of them or none, when memory runs out
    for (const ComposedRule::Slot& slot : new_slots(*variable)) {
      const double first = slot.name == "accumulator" ? initial_accumulator_value_
                           : slot.name == "step_size" ? learning_rate_.at(iterations_)
                                                      : 0.0;
      made.slots.push_back(std::make_shared<Variable>(
          fmt::format("{}/{}/{}", name_, variable->name(), slot.name),
          Tensor::full(variable->value().dtype(), slot.sizes, first), false));
    }
    found = &slots_.emplace_back(std::move(made));
  }
  if (exact && !found->last_step) {
    // Rows that no step has touched rest, unless every step moves them.
    const bool rests = ops::replay_of(op(), settings_) == ops::Replay::all;
    const double done = rests ? 0.0 : static_cast<double>(iterations_);
    found->last_step = std::make_shared<Variable>(
        fmt::format("{}/{}/last_step", name_, variable->name()),
        Tensor::full(DType::i32, {variable->value().size(0)}, done), false);
  }
  ops::OptimizerState state{parameter, {}, {}};
  for (const VariablePtr& slot : found->slots) state.slots.push_back(read(slot));
  if (exact) state.last_step = read(found->last_step);
  return state;
}

const VariablePtr& RuleOptimizer::accumulator_of(const VariablePtr& variable) {
  for (const auto& [of, accumulator] : accumulators_)
    if (of == variable) return accumulator;
  const Tensor& value = variable->value();
  accumulators_.emplace_back(
      variable,
      std::make_shared<Variable>(fmt::format("{}/{}/gradient_accumulator", name_, variable->name()),
                                 Tensor::zeros(value.dtype(), value.sizes()), false));
  return accumulators_.back().second;
}

const VariablePtr& RuleOptimizer::average_of(const VariablePtr& variable) {
  for (const auto& [of, average] : averages_)
    if (of == variable) return average;
  averages_.emplace_back(
      variable, std::make_shared<Variable>(fmt::format("{}/{}/average", name_, variable->name()),
                                           variable->value().clone(), false));
  return averages_.back().second;
}

void RuleOptimizer::set_gradient_accumulation_steps(int64_t steps) {
  if (steps < 1)
    fail("[{}] gradient_accumulation_steps must be at least 1; got {}", kind_->class_name, steps);
  options_.gradient_accumulation_steps = steps;
}

void RuleOptimizer::clear_accumulators() {
  for (const auto& [of, accumulator] : accumulators_) {
    const Tensor& sum = accumulator->value();
    std::memset(sum.raw(), 0, sum.n_bytes());
  }
}

const VariablePtr& RuleOptimizer::history() {
  if (!history_)
    history_ = std::make_shared<Variable>(
        name_ + "/history", Tensor::zeros(DType::f32, {kHistory, ops::kStepScalars}), false);
  return history_;
}

void RuleOptimizer::append_updates(const VariablePtr& variable, const ops::OptimizerState& state,
                                   std::vector<Graph::Update>& updates) const {
  const Slots& s = slots_of(variable);
  updates.push_back({variable, state.parameter});
  for (size_t i = 0; i < s.slots.size(); ++i) updates.push_back({s.slots[i], state.slots[i]});
  if (state.last_step.defined()) updates.push_back({s.last_step, state.last_step});
}

namespace {

void put_in_line(const std::vector<VariablePtr>& variables) {
  std::vector<size_t> offsets = {0};
  for (const VariablePtr& v : variables)
    offsets.push_back(offsets.back() + (v->value().n_bytes() + 63) / 64 * 64);
  bool in_line = true;
  const auto* first = static_cast<const std::byte*>(variables[0]->value().raw());
  for (size_t i = 0; i < variables.size(); ++i)
    in_line &= variables[i]->value().raw() == first + offsets[i] &&
               variables[i]->value().buffer() == variables[0]->value().buffer();
  if (in_line) return;
  const std::shared_ptr<Buffer> block = Buffer::allocate(offsets.back());
  for (size_t i = 0; i < variables.size(); ++i) {
    const Tensor& value = variables[i]->value();
    variables[i]->rebind(Tensor(block, value.dtype(), value.sizes(), dense_strides(value.sizes()),
                                static_cast<int64_t>(offsets[i])));
  }
}

}  // namespace

std::vector<ops::OptimizerState> RuleOptimizer::move(const std::vector<VariablePtr>& variables,
                                                     const std::vector<ops::OptimizerState>& states,
                                                     const std::vector<Value>& grads,
                                                     const Value& learning_rate,
                                                     const Value& step) const {
  if (kind_->composed == nullptr)
    return ops::optimizer_update(op(), settings_, states, grads, learning_rate, step);
  std::vector<ops::OptimizerState> after;
  for (size_t i = 0; i < states.size(); ++i) {
    const DType dtype = states[i].parameter.dtype();
    std::vector<Value> values = kind_->composed().step(
        {settings_, *variables[i], states[i].parameter, grads[i], ops::cast(learning_rate, dtype),
         ops::cast(step, dtype), states[i].slots});
    after.push_back({values[0], {values.begin() + 1, values.end()}, {}});
  }
  return after;
}

void RuleOptimizer::lay_out(const std::vector<VariablePtr>& group) const {
  if (kind_->composed != nullptr) return;
  put_in_line(group);
  for (size_t s = 0; s < slots_of(group[0]).slots.size(); ++s) {
    std::vector<VariablePtr> slots;
    for (const VariablePtr& v : group) slots.push_back(slots_of(v).slots[s]);
    put_in_line(slots);
  }
}

void RuleOptimizer::append_catch_up(const Value& step, std::vector<Graph::Update>& updates) const {
  for (const Slots& s : slots_) {
    if (!s.last_step || !history_) continue;  // no step was made yet
    ops::OptimizerState state{read(s.variable), {}, read(s.last_step)};
    for (const VariablePtr& slot : s.slots) state.slots.push_back(read(slot));
    append_updates(s.variable,
                   ops::optimizer_catch_up(op(), settings_, state, nullptr, read(history_), step),
                   updates);
  }
}

Graph RuleOptimizer::minimize(const Graph& forward, size_t loss_output,
                              const std::vector<VariablePtr>& trainable,
                              const std::shared_ptr<Exchange>& exchange) {
  return StepBuilder(forward, loss_output, choice(), exchange).step(trainable);
}

AccumulatedStep RuleOptimizer::minimize_accumulated(const Graph& forward, size_t loss_output,
                                                    const std::vector<VariablePtr>& trainable,
                                                    const std::shared_ptr<Exchange>& exchange) {
  return StepBuilder(forward, loss_output, choice(), exchange).accumulated_step(trainable);
}

OptimizerChoice RuleOptimizer::choice() {
  return {{this}, [](const VariablePtr&) { return size_t{0}; }, scalar_names()};
}

Graph RuleOptimizer::catch_up() const {
  const Value step = input("step", DType::i64, {});
  std::vector<Graph::Update> updates;
  append_catch_up(step, updates);
  return Graph({step}, {}, std::move(updates));
}

std::vector<VariablePtr> RuleOptimizer::variables() const {
  std::vector<VariablePtr> all;
  for (const Slots& s : slots_) {
    all.insert(all.end(), s.slots.begin(), s.slots.end());
    if (s.last_step) all.push_back(s.last_step);
  }
  if (history_) all.push_back(history_);
  for (const auto& [of, average] : averages_) all.push_back(average);
  return all;
}

}  // namespace andiron::nn
