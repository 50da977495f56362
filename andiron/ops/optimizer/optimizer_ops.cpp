#include "andiron/ops/optimizer/optimizer_ops.hpp"

#include "andiron/base/error.hpp"
#include "andiron/ops/catalog.hpp"
#include "andiron/ops/optimizer/rules.hpp"

namespace andiron::ops {

namespace {

const Op& op_of(std::string_view optimizer, std::string_view what) {
  return find(std::string(optimizer) + "_" + std::string(what));
}

void append(std::vector<Value>& inputs, const OptimizerState& state) {
  inputs.insert(inputs.end(), state.slots.begin(), state.slots.end());
  if (state.last_step.defined()) inputs.push_back(state.last_step);
}

OptimizerState state_of(const std::vector<Value>& outputs, bool exact) {
  OptimizerState state{outputs[0], {outputs.begin() + 1, outputs.end()}, {}};
  if (exact) {
    state.last_step = state.slots.back();
    state.slots.pop_back();
  }
  return state;
}

}  // namespace

std::vector<OptimizerState> optimizer_update(std::string_view optimizer, const Attributes& settings,
                                             const std::vector<OptimizerState>& states,
                                             const std::vector<Value>& grads,
                                             const Value& learning_rate, const Value& step) {
  ANDIRON_ASSERT(states.size() == grads.size());
  std::vector<Value> inputs = {learning_rate, step};
  for (size_t i = 0; i < states.size(); ++i) {
    inputs.insert(inputs.end(), {states[i].parameter, grads[i]});
    append(inputs, states[i]);
  }
  const std::vector<Value> values = make_node(op_of(optimizer, "update"), inputs, settings);
  std::vector<OptimizerState> after;
  auto at = values.begin();
  for (const OptimizerState& before : states) {
    const auto end = at + 1 + static_cast<std::ptrdiff_t>(before.slots.size());
    after.push_back(state_of({at, end}, false));
    at = end;
  }
  return after;
}

OptimizerState optimizer_update_rows(std::string_view optimizer, const Attributes& settings,
                                     const OptimizerState& state, const Dedup& rows,
                                     const Value& values, const Value& learning_rate,
                                     const Value& step, std::string_view kind) {
  std::vector<Value> inputs = {state.parameter, rows.order, rows.rows,     rows.starts,
                               rows.count,      values,     learning_rate, step};
  append(inputs, state);
  Attributes attributes = settings;
  attributes.set("values", std::string(kind));
  return state_of(make_node(op_of(optimizer, "update_rows"), inputs, attributes),
                  state.last_step.defined());
}

OptimizerState optimizer_catch_up(std::string_view optimizer, const Attributes& settings,
                                  const OptimizerState& state, const Dedup* rows,
                                  const Value& history, const Value& step) {
  std::vector<Value> inputs = {state.parameter, rows ? rows->rows : Value(),
                               rows ? rows->count : Value(), history, step};
  append(inputs, state);
  return state_of(make_node(op_of(optimizer, "catch_up"), inputs, settings), true);
}

Value optimizer_record(std::string_view optimizer, const Attributes& settings, const Value& history,
                       const Value& learning_rate, const Value& step) {
  return make_value(op_of(optimizer, "record"), {history, learning_rate, step}, settings);
}

int n_slots_of(std::string_view optimizer, const Attributes& settings) {
  int n = -1;
  visit_rule(optimizer, [&]<class R>() { n = R::n_slots(settings); });
  ANDIRON_ASSERT(n >= 0);
  return n;
}

Replay replay_of(std::string_view optimizer, const Attributes& settings) {
  Replay replay = Replay::none;
  [[maybe_unused]] const bool known =
      visit_rule(optimizer, [&]<class R>() { replay = R::replay(settings); });
  ANDIRON_ASSERT(known);
  return replay;
}

}  // namespace andiron::ops
