#include "andiron/nn/losses/traced_loss.hpp"

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/graph_config.hpp"
#include "andiron/nn/losses/catalog.hpp"
#include "andiron/nn/losses/losses.hpp"

namespace andiron::nn {

namespace {

// What a user's loss may return: one value a sample at least.
Value checked(const Loss& loss, Value value, const Value& y_pred) {
  if (!value.defined() || value.rank() < 1 || !(value.shape()[0] == y_pred.shape()[0]))
    fail("[loss] '{}' must return one value for each sample, [{}, ...]; got {}", loss.name(),
         y_pred.shape()[0].str(), value.defined() ? value.shape().str() : "nothing");
  return value;
}

class GraphLoss : public Loss {
 public:
  GraphLoss(Graph graph, LossOptions options)
      : Loss(named(std::move(options), "loss")), graph_(std::move(graph)) {
    if (graph_.inputs().size() != 2 || graph_.outputs().size() != 1)
      fail("[loss] a traced loss maps (y_true, y_pred) to one value; got {} inputs and {} outputs",
           graph_.inputs().size(), graph_.outputs().size());
  }
  std::string class_name() const override { return "Traced"; }
  TensorType target_type(const TensorType&) const override { return graph_.inputs()[0].type(); }

 protected:
  Value compute(const Value& y_true, const Value& y_pred) const override {
    return checked(*this, inline_graph(graph_, {y_true, y_pred})[0], y_pred);
  }

 private:
  Graph graph_;
};

class FunctionLoss : public Loss {
 public:
  using Function = std::function<Value(const Value&, const Value&)>;
  FunctionLoss(Function function, LossOptions options, std::optional<TensorType> target)
      : Loss(named(std::move(options), "loss")),
        function_(std::move(function)),
        target_(std::move(target)) {}
  std::string class_name() const override { return "Custom"; }
  TensorType target_type(const TensorType& y_pred) const override {
    return target_.value_or(y_pred);
  }

 protected:
  Value compute(const Value& y_true, const Value& y_pred) const override {
    return checked(*this, function_(y_true, y_pred), y_pred);
  }

 private:
  Function function_;
  std::optional<TensorType> target_;
};

}  // namespace

LossPtr TracedLoss(Graph graph, LossOptions options) {
  return std::make_shared<GraphLoss>(std::move(graph), std::move(options));
}

LossPtr CustomLoss(std::function<Value(const Value&, const Value&)> function, LossOptions options,
                   std::optional<TensorType> target) {
  return std::make_shared<FunctionLoss>(std::move(function), std::move(options), std::move(target));
}

nlohmann::json traced_loss_config(const Loss& loss, const TensorType& y_pred) {
  TensorType prediction = y_pred;
  if (prediction.shape.rank() == 1) prediction.shape.push_back(1);  // as per_sample makes it
  const TensorType target = loss.target_type(prediction);
  const Value y_true = input("y_true", target.dtype, target.shape);
  const Value y = input("y_pred", prediction.dtype, prediction.shape);
  const Graph graph({y_true, y}, {loss.per_sample(y_true, y)});
  if (!graph.variables().empty()) fail("[loss] '{}' reads variables; only layers may", loss.name());
  nlohmann::json config = loss.Loss::config();
  config["graph"] = graph_config(graph);
  return config;
}

LossPtr traced_loss_from_config(const nlohmann::json& config) {
  return TracedLoss(graph_from_config(config.at("graph"), {}), loss_options(config));
}

}  // namespace andiron::nn
