#pragma once

#include <vector>

#include "andiron/base/error.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/ops/optimizer/operands.hpp"
#include "andiron/ops/optimizer/reference.hpp"
#include "andiron/ops/optimizer/rule.hpp"

/// The four ops of an optimizer, made from its rule.
namespace andiron::ops {

/// Shape rules that need to know no more of an optimizer than its number of slots.
std::vector<TensorType> infer_update(const InferContext& c, int n_slots);
std::vector<TensorType> infer_update_rows(const InferContext& c, int n_slots);
std::vector<TensorType> infer_catch_up(const InferContext& c, int n_slots);
std::vector<TensorType> infer_record(const InferContext& c);
/// Throws Error unless the attributes of any optimizer make sense.
void check_settings(const InferContext& c);

std::vector<InputSpec> update_inputs();
std::vector<InputSpec> update_rows_inputs();
std::vector<InputSpec> catch_up_inputs();
std::vector<InputSpec> record_inputs();

/// An example as Case::inputs; slots are positive.
std::vector<std::string> update_case(int n_slots);

template <class R>
std::vector<Case> with_settings(const std::vector<Attributes>& settings,
                                std::vector<std::string> (*inputs)(int)) {
  std::vector<Case> cases;
  for (const Attributes& s : settings) {
    Attributes complete;
    for (const AttributeSpec& spec : R::attributes())
      complete.set(spec.name, s.has(spec.name) ? *s.find(spec.name) : spec.default_value);
    cases.push_back({inputs(R::n_slots(complete)), s, false});
  }
  return cases;
}

template <class R>
Op update_op(const std::vector<Attributes>& settings) {
  return {
      .name = std::string(R::kName) + "_update",
      .summary = std::string("One step of ") + R::kName + " over a group of whole parameters.",
      .formula = R::formula(),
      .inputs = update_inputs(),
      .outputs = {"group"},
      .attributes = R::attributes(),
      .infer = [](const InferContext& c) { return infer_update(c, R::n_slots(c.attributes)); },
      .why_not_differentiable = "it is the optimizer's step",
      .reference = reference_update<R>,
      .traits = {.inplace_of =
                     [](const Node& node, int output) {
                       const UpdateInputs in{static_cast<size_t>(R::n_slots(node.attributes))};
                       return static_cast<int>(in.source_of(static_cast<size_t>(output)));
                     }},
      .cases = with_settings<R>(settings, update_case),
  };
}

template <class R>
Op update_rows_op() {
  std::vector<AttributeSpec> attributes = R::attributes();
  attributes.push_back({"values", "positions", "\"positions\", \"unique\" or \"table\""});
  return {
      .name = std::string(R::kName) + "_update_rows",
      .summary = std::string("One step of ") + R::kName + " over the rows that occur in a batch.",
      .formula = R::formula(),
      .inputs = update_rows_inputs(),
      .outputs = {"table", "slots"},
      .attributes = std::move(attributes),
      .infer = [](const InferContext& c) { return infer_update_rows(c, R::n_slots(c.attributes)); },
      .why_not_differentiable = "it is the optimizer's step",
      .reference = reference_update_rows<R>,
      .batch = [](const Node&, std::span<const BatchKind>) { return BatchKind::blocked; },
      .traits = {.trusting = true, .inplace = {0, 8, 9, 10, 11}},
  };
}

template <class R>
Op catch_up_op() {
  return {
      .name = std::string(R::kName) + "_catch_up",
      .summary = std::string("Replays the steps of ") + R::kName +
                 " that rows missed because their gradient was zero.",
      .formula = R::formula(),
      .inputs = catch_up_inputs(),
      .outputs = {"table", "slots"},
      .attributes = R::attributes(),
      .infer = [](const InferContext& c) { return infer_catch_up(c, R::n_slots(c.attributes)); },
      .why_not_differentiable = "it is the optimizer's step",
      .reference = reference_catch_up<R>,
      .batch = [](const Node&, std::span<const BatchKind>) { return BatchKind::blocked; },
      .traits = {.trusting = true, .inplace = {0, 5, 6, 7, 8}},
  };
}

template <class R>
Op record_op() {
  return {
      .name = std::string(R::kName) + "_record",
      .summary = std::string("Writes the scalars of this step of ") + R::kName +
                 " down, for rows that miss it.",
      .formula = "dst[(step - 1) mod h] = the scalars of the step; other rows stay",
      .inputs = record_inputs(),
      .outputs = {"history"},
      .attributes = R::attributes(),
      .infer = infer_record,
      .why_not_differentiable = "it is the optimizer's step",
      .reference = reference_record<R>,
      .traits = {.trusting = true, .inplace = {0}},
  };
}

}  // namespace andiron::ops
