#include "andiron/nn/metrics/traced.hpp"

#include <nlohmann/json.hpp>
#include <set>

#include "andiron/base/error.hpp"
#include "andiron/eager/eager.hpp"
#include "andiron/nn/fit_tensor.hpp"
#include "andiron/nn/graph_config.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::metrics {

namespace {

using Json = nlohmann::json;

void check(const std::string& name, const MetricGraphs& g) {
  const auto writes_only_state = [&](const Graph& graph) {
    for (const Graph::Update& u : graph.updates())
      if (std::find(g.state.begin(), g.state.end(), u.variable) == g.state.end()) return false;
    for (const VariablePtr& v : graph.variables())
      if (std::find(g.state.begin(), g.state.end(), v) == g.state.end()) return false;
    return graph.outputs().empty();
  };
  std::set<std::string> names;
  for (const VariablePtr& v : g.state) names.insert(v->name());
  const bool good =
      !g.state.empty() && names.size() == g.state.size() && g.initial.size() == g.state.size() &&
      g.update.inputs().size() == 2 && writes_only_state(g.update) &&
      (!g.weighted || (g.weighted->inputs().size() == 3 && writes_only_state(*g.weighted))) &&
      g.result.inputs().empty() && g.result.outputs().size() == 1 &&
      g.result.outputs()[0].rank() == 0 && g.result.updates().empty();
  if (!good)
    fail(
        "[metric] the graphs of '{}' do not map (y_true, y_pred) to its state and that to one "
        "number",
        name);
  for (size_t i = 0; i < g.state.size(); ++i)
    if (g.initial[i].sizes() != g.state[i]->value().sizes())
      fail("[metric] '{}' of '{}' is {} and after a reset {}", g.state[i]->name(), name,
           str(g.state[i]->value().sizes()), str(g.initial[i].sizes()));
}

nn::PlanCache::Sizes sizes_of(const Graph& graph, const std::vector<Tensor>& data) {
  nn::PlanCache::Sizes sizes;
  for (size_t i = 0; i < data.size(); ++i) {
    const Shape& shape = graph.inputs()[i].shape();
    for (size_t axis = 0; axis < shape.size(); ++axis)
      if (!shape[axis].known()) sizes[shape[axis].str()] = data[i].size(static_cast<int64_t>(axis));
  }
  return sizes;
}

// Zeros are most of what states begin with: a scalar that is spread, not a table in the file.
Value initial_value(const Tensor& tensor) {
  const Tensor dense = tensor.contiguous();
  for (int64_t i = 1; i < dense.count(); ++i)
    if (dense.item(i) != dense.item(0)) return constant(dense);
  if (dense.rank() == 0 || dense.count() == 0) return constant(dense);
  return ops::broadcast_to(constant(dense.item(0), dense.dtype()), Shape(dense.sizes()));
}

}  // namespace

TracedMetric::TracedMetric(std::string name, MetricGraphs graphs) : name_(std::move(name)) {
  check(name_, graphs);
  state_ = std::move(graphs.state);
  initial_ = std::move(graphs.initial);
  update_ = std::make_shared<const Graph>(std::move(graphs.update));
  if (graphs.weighted) weighted_ = std::make_shared<const Graph>(std::move(*graphs.weighted));
  result_ = std::make_shared<const Graph>(std::move(graphs.result));
}

void TracedMetric::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  const bool weighted = weight.defined() && weighted_ != nullptr;
  const std::shared_ptr<const Graph>& graph = weighted ? weighted_ : update_;
  static constexpr const char* kNames[] = {"y_true", "y_pred", "sample_weight"};
  std::vector<Tensor> data = {y_true, y_pred};
  if (weighted) data.push_back(weight);
  for (size_t i = 0; i < data.size(); ++i) {
    data[i] = nn::fit_tensor(data[i], graph->inputs()[i].type(),
                             fmt::format("{} of metric '{}'", kNames[i], name_));
    if (data[i].size(0) != data[0].size(0))
      fail("[{}] {} has {} rows but y_true has {}", name_, kNames[i], data[i].size(0),
           data[0].size(0));
  }
  if (data[0].size(0) == 0) return;
  const auto plan = plans_.checkout(graph, sizes_of(*graph, data));
  plan->run(data);
}

double TracedMetric::result() const {
  const auto plan = plans_.checkout(result_, {});
  return plan->run(std::span<const Tensor>())[0].item();
}

void TracedMetric::reset() {
  for (size_t i = 0; i < state_.size(); ++i) state_[i]->assign(initial_[i]);
}

const Tensor& TracedMetric::in(const std::map<std::string, Tensor>& state, size_t i) const {
  const Tensor& own = state_[i]->value();
  const auto at = state.find(state_[i]->name());
  if (at == state.end() || at->second.dtype() != own.dtype() || at->second.sizes() != own.sizes())
    fail("[{}] this is not the state of the metric: '{}' must be {}{}", name_, state_[i]->name(),
         name_of(own.dtype()), str(own.sizes()));
  return at->second;
}

void TracedMetric::merge_state(const std::map<std::string, Tensor>& state) {
  std::map<std::string, Tensor> total = this->state();
  for (size_t i = 0; i < state_.size(); ++i) {
    const Tensor more = in(state, i).contiguous();
    const Tensor initial = initial_[i].cast(more.dtype()).contiguous();
    Tensor& sum = total.at(state_[i]->name());
    visit_dtype(sum.dtype(), [&]<class T>() {
      const T *add = more.data<T>(), *from = initial.data<T>();
      T* to = sum.data<T>();
      for (int64_t k = 0; k < sum.count(); ++k) to[k] = static_cast<T>(to[k] + (add[k] - from[k]));
    });
  }
  restore(total);
}

std::map<std::string, Tensor> TracedMetric::state() const {
  std::map<std::string, Tensor> out;
  for (const VariablePtr& v : state_) out[v->name()] = v->value().clone();
  return out;
}

void TracedMetric::restore(const std::map<std::string, Tensor>& state) {
  for (size_t i = 0; i < state_.size(); ++i) in(state, i);  // all or nothing
  for (size_t i = 0; i < state_.size(); ++i) state_[i]->assign(in(state, i));
}

Json TracedMetric::config() const {
  std::vector<Value> initial;
  for (const Tensor& t : initial_) initial.push_back(initial_value(t));
  return {{"name", name_},
          {"variables", nn::variables_config(state_)},
          {"initial", nn::graph_config(Graph({}, initial))},
          {"update", nn::graph_config(*update_)},
          {"weighted", weighted_ == nullptr ? Json() : nn::graph_config(*weighted_)},
          {"result", nn::graph_config(*result_)}};
}

std::shared_ptr<TracedMetric> TracedMetric::from_config(const Json& config) {
  MetricGraphs graphs;
  graphs.state = nn::variables_from_config(config.at("variables"));
  graphs.initial = eager::evaluate(nn::graph_from_config(config.at("initial"), {}).outputs());
  graphs.update = nn::graph_from_config(config.at("update"), graphs.state);
  if (!config.at("weighted").is_null())
    graphs.weighted = nn::graph_from_config(config.at("weighted"), graphs.state);
  graphs.result = nn::graph_from_config(config.at("result"), graphs.state);
  auto metric =
      std::make_shared<TracedMetric>(config.at("name").get<std::string>(), std::move(graphs));
  metric->reset();
  return metric;
}

}  // namespace andiron::metrics
