#include <nanobind/stl/map.h>

#include <algorithm>

#include "andiron/base/error.hpp"
#include "andiron/nn/constrained_step.hpp"
#include "andiron/nn/fit_tensor.hpp"
#include "andiron/nn/part.hpp"
#include "andiron/nn/plan_cache.hpp"
#include "andiron/ops/ops.hpp"
#include "bindings/assignments.hpp"
#include "bindings/python_layer.hpp"
#include "bindings/tracing.hpp"

namespace andiron::bindings {

namespace {

using Updates = std::vector<std::pair<VariablePtr, Value>>;

// (what the function returned, the step's number, penalties of layers, new values of variables)
nb::tuple trace_step(const nb::object& function, bool training, const nb::args& arguments) {
  nn::CallContext context;
  context.training = training;
  context.step = input("step", DType::i64, {});
  const ContextScope scope(&context);
  const TracingScope tracing;
  const Assignments assignments;
  nb::object result = function(*arguments);
  Updates updates(context.updates.begin(), context.updates.end());
  for (const auto& update : assignments.list()) updates.push_back(update);
  return nb::make_tuple(result, context.step, context.losses, updates);
}

bool reads_one_of(const Value& value, const std::vector<VariablePtr>& variables) {
  for (const Node* node : topological_order({value})) {
    if (node->op != &kVariableOp) continue;
    const auto& read = node->attr<VariablePtr>("variable");
    if (std::find(variables.begin(), variables.end(), read) != variables.end()) return true;
  }
  return false;
}

Graph minimize_part(std::vector<Value> inputs, const Value& step, nb::handle outputs,
                    const Updates& updates, const std::vector<nn::LayerPtr>& layers,
                    const std::vector<VariablePtr>& variables, nn::Optimizer& optimizer) {
  if (optimizer.search() != nullptr)
    fail("[training_step] {} evaluates the loss several times a step; use it with fit",
         optimizer.class_name());
  const nn::Part part(layers, variables);
  const std::vector<VariablePtr> trained = part.trainable_variables();
  std::vector<Value> results = values_from(outputs);
  if (!reads_one_of(results.at(0), trained))
    fail("[training_step] the loss depends on none of the {} variables to be trained",
         trained.size());
  for (const Value& penalty : part.regularization_losses()) results[0] = results[0] + penalty;
  const size_t n = results.size();
  // Tables that are read as a whole are updated as a whole: other steps may read their rows, too,
  // which must not wait to be replayed.
  for (const VariablePtr& v : trained) results.push_back(read(v));
  std::vector<Graph::Update> changes;
  for (const auto& [variable, value] : updates) {
    if (std::find(trained.begin(), trained.end(), variable) != trained.end())
      fail("[training_step] '{}' is assigned and trained in one step", variable->name());
    changes.push_back({variable, value});
  }
  inputs.push_back(step);
  const Graph forward(std::move(inputs), std::move(results), std::move(changes));
  const Graph whole = nn::minimize(forward, part, optimizer, nullptr);
  std::vector<Value> kept(whole.outputs().begin(),
                          whole.outputs().begin() + static_cast<std::ptrdiff_t>(n));
  return Graph(whole.inputs(), std::move(kept), whole.updates());
}

std::vector<Tensor> run(nn::PlanCache& plans, const std::shared_ptr<Graph>& graph,
                        const nn::PlanCache::Sizes& sizes, int threads, const nb::args& arguments) {
  std::vector<Tensor> given = tensors_from(arguments);
  const std::vector<Value>& inputs = graph->inputs();
  if (given.size() != inputs.size())
    fail("[graph] takes {} inputs; got {}", inputs.size(), given.size());
  const nb::gil_scoped_release unlocked;
  for (size_t i = 0; i < given.size(); ++i) {
    const TensorType type = inputs[i].type();
    if (type.shape.rank() > 0 || given[i].rank() > 0)
      given[i] = nn::fit_tensor(given[i], type, fmt::format("argument {}", i)).contiguous();
    else if (given[i].dtype() != type.dtype)
      given[i] = given[i].cast(type.dtype);
  }
  return plans.checkout(graph, sizes, {.threads = threads})->run(given);
}

}  // namespace

void bind_steps(nb::module_& m) {
  m.def(
      "trace_step",
      [](const nb::object& function, bool training, const nb::args& arguments) {
        return trace_step(function, training, arguments);
      },
      nb::arg("function"), nb::arg("training"), nb::arg("arguments"),
      "Calls a function that composes a step.");
  m.def("minimize_part", &minimize_part, nb::arg("inputs"), nb::arg("step"), nb::arg("outputs"),
        nb::arg("updates"), nb::arg("layers"), nb::arg("variables"), nb::arg("optimizer"),
        "The optimizer's step for output 0 as a graph.");
  nb::class_<nn::PlanCache>(m, "PlanCache", "Plans of graphs, kept by graph and sizes.")
      .def("__init__", [](nn::PlanCache* self) { new (self) nn::PlanCache(); })
      .def("run", &run, nb::arg("graph"), nb::arg("sizes"), nb::arg("threads"),
           nb::arg("arguments"))
      .def_prop_ro("compilations", &nn::PlanCache::compilations);
}

}  // namespace andiron::bindings
