#include "tests/properties/ways_testing.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "andiron/base/error.hpp"
#include "andiron/eager/eager.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/ops/ops.hpp"
#include "andiron/ops/reference.hpp"
#include "andiron/passes/pipeline.hpp"
#include "tests/properties/random_graph_testing.hpp"

namespace andiron::properties {

namespace {

// The names of the passes that a plan can do without, as its stages say.
std::vector<std::string> passes() {
  const Value x = input("x", DType::f32, {Dim::symbol("batch"), 4});
  const auto plan = exec::Plan::compile(Graph({x}, {ops::relu(x)}), {{"batch", 2}});
  std::set<std::string> names;
  for (const auto& [stage, text] : plan->stages()) {
    const size_t colon = stage.find(": ");
    names.insert(colon == std::string::npos ? stage : stage.substr(colon + 2));
  }
  for (const char* other : {"graph", "plan", "counts"}) names.erase(other);
  return {names.begin(), names.end()};
}

void set_variables(const Values& values) {
  for (const auto& [variable, value] : values.variables) variable->assign(value);
}

std::vector<Tensor> with_updates(std::vector<Tensor> outputs, const Graph& graph) {
  for (const Graph::Update& u : graph.updates()) outputs.push_back(u.variable->value().clone());
  return outputs;
}

// Outputs, then updates, as outputs.
Graph without_updates(const Graph& graph) {
  std::vector<Value> outputs = graph.outputs();
  for (const Graph::Update& u : graph.updates()) outputs.push_back(u.value);
  return Graph(graph.inputs(), outputs);
}

// Node by node.
std::vector<Tensor> eagerly(const Graph& graph, const std::vector<Tensor>& inputs) {
  std::unordered_map<Value, Tensor, ValueHash> done;
  for (size_t i = 0; i < inputs.size(); ++i) done[graph.inputs()[i]] = inputs[i];
  for (const Node* node : graph.nodes()) {
    if (node->is("input")) continue;
    std::vector<Tensor> src, dst;
    for (const Value& v : node->inputs) src.push_back(v.defined() ? done.at(v) : Tensor());
    if (node->is("constant")) {
      dst = {node->attr<Tensor>("tensor")};
    } else if (node->is("variable")) {
      dst = {node->attr<VariablePtr>("variable")->value()};
    } else if (node->is("row_sparse")) {
      dst = ops::run_reference(*node, src);  // reaches no plan
    } else {
      dst = eager::run(*node->op, src, node->attributes);
    }
    for (size_t i = 0; i < dst.size(); ++i)
      done[Value(node->shared_from_this(), static_cast<int>(i))] = dst[i];
  }
  std::vector<Tensor> outputs;
  for (const Value& v : graph.outputs()) outputs.push_back(done.at(v).clone());
  return outputs;
}

}  // namespace

std::vector<Way> all_ways(uint64_t seed) {
  static const std::vector<std::string> names = passes();
  Draw draw(seed);
  std::vector<Way> ways = {{"eager", Way::eager}, {"frozen", Way::frozen, true}};
  for (const int threads : {1, 2})
    for (const bool symbolic : {false, true}) {
      exec::PlanOptions options;
      options.threads = threads;
      std::string name = threads == 1 ? "one thread" : "two threads";
      ways.push_back({name + (symbolic ? ", symbolic" : ""), Way::plan, symbolic, options});
      if (!symbolic) continue;
      options.tile_rows = 1 + draw.below(40);
      name += ", tiles of ";
      name += std::to_string(options.tile_rows);
      ways.push_back({name, Way::plan, true, options});
      options.tile = false;
      ways.push_back({(threads == 1 ? "one thread" : "two threads") + std::string(", no tiles"),
                      Way::plan, true, options});
    }
  for (const std::string& pass : names) {
    exec::PlanOptions options;
    options.threads = 1 + static_cast<int>(draw.below(2));
    options.tile_rows = draw.one_in(2) ? 1 + draw.below(40) : 0;
    ways.push_back({"without " + pass, Way::plan, !draw.one_in(3), options, {pass}});
  }
  return ways;
}

std::vector<Tensor> reference(const Graph& graph, const Values& values,
                              const std::map<std::string, int64_t>& sizes) {
  set_variables(values);
  return ops::evaluate_reference(bind_sizes(without_updates(graph), sizes), values.inputs);
}

std::vector<Tensor> compute(const Way& way, const Graph& graph, const Values& values,
                            const std::map<std::string, int64_t>& sizes) {
  set_variables(values);
  if (way.kind == Way::eager)
    return eagerly(bind_sizes(without_updates(graph), sizes), values.inputs);
  if (way.kind == Way::frozen) {
    auto plan = exec::Plan::compile(andiron::frozen(without_updates(graph)), sizes, way.options);
    return plan->run(values.inputs);
  }
  const WithoutPasses left_out(way.without);
  auto plan = way.symbolic ? exec::Plan::compile(graph, sizes, way.options)
                           : exec::Plan::compile(bind_sizes(graph, sizes), {}, way.options);
  const std::vector<Tensor> first = with_updates(plan->run(values.inputs), graph);
  // A plan's memory holds nothing between runs.
  set_variables(values);
  const std::vector<Tensor> second = with_updates(plan->run(values.inputs), graph);
  set_variables(values);
  for (size_t i = 0; i < first.size(); ++i)
    for (int64_t j = 0; j < first[i].count(); ++j)
      if (first[i].item(j) != second[i].item(j) && first[i].item(j) == first[i].item(j))
        fail("the second run gave another result {}", i);
  return first;
}

}  // namespace andiron::properties
