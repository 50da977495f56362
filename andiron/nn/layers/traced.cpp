#include "andiron/nn/layers/traced.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/graph_config.hpp"

namespace andiron::nn {

namespace {

using Json = nlohmann::json;

Graph trace(Layer& layer, const std::vector<TensorType>& types, bool training,
            LayerTraces& traces) {
  std::vector<Value> inputs;
  for (const TensorType& type : types)
    inputs.push_back(input(fmt::format("x{}", inputs.size()), type.dtype, type.shape));
  CallContext context;
  context.training = training;
  if (training) context.step = input("step", DType::i64, {});
  std::vector<Value> outputs = layer.call(inputs, context);
  traces.n_outputs = outputs.size();
  // Penalties stay with the layer when its variables become anonymous.
  for (Value& penalty : layer.regularization_losses()) context.losses.push_back(penalty);
  (training ? traces.n_losses : traces.n_inference_losses) = context.losses.size();
  outputs.insert(outputs.end(), context.losses.begin(), context.losses.end());
  if (training) inputs.push_back(context.step);
  std::vector<std::string> names;
  for (const auto& [name, value] : context.metrics) {
    names.push_back(name);
    outputs.push_back(value);
  }
  (training ? traces.reported : traces.inference_reported) = names;
  return Graph(std::move(inputs), std::move(outputs));
}

}  // namespace

LayerTraces trace_layer(Layer& layer, const std::vector<TensorType>& inputs) {
  LayerTraces traces;
  traces.inference = trace(layer, inputs, false, traces);
  traces.training = trace(layer, inputs, true, traces);
  return traces;
}

// {"inference": graph, "training": graph, "variables": [...], ...}: see graph_config.hpp.
Json traced_config(const Layer& layer, const LayerTraces& traces) {
  Json config = layer.Layer::config();
  const std::vector<VariablePtr> variables = layer.variables();
  config["variables"] = variables_config(variables);
  config["weight_names"] = layer.weight_names();
  config["inference"] = graph_config(traces.inference);
  config["training"] = graph_config(traces.training);
  config["n_outputs"] = traces.n_outputs;
  config["n_losses"] = traces.n_losses;
  config["n_inference_losses"] = traces.n_inference_losses;
  config["reported"] = traces.reported;
  config["inference_reported"] = traces.inference_reported;
  return config;
}

TracedLayer::TracedLayer(LayerTraces traces, std::vector<VariablePtr> variables,
                         const std::vector<std::string>& weight_names, LayerOptions options)
    : Layer(std::move(options)), traces_(std::move(traces)) {
  for (size_t i = 0; i < variables.size(); ++i) track(weight_names[i], variables[i]);
}

Json TracedLayer::config() const { return traced_config(*this, traces_); }

LayerPtr TracedLayer::from_config(const Json& config) {
  const std::vector<VariablePtr> variables = variables_from_config(config.at("variables"));
  LayerTraces traces;
  traces.inference = graph_from_config(config.at("inference"), variables);
  traces.training = graph_from_config(config.at("training"), variables);
  traces.n_outputs = config.at("n_outputs").get<size_t>();
  traces.n_losses = config.at("n_losses").get<size_t>();
  traces.n_inference_losses = config.at("n_inference_losses").get<size_t>();
  traces.reported = config.at("reported").get<std::vector<std::string>>();
  traces.inference_reported = config.at("inference_reported").get<std::vector<std::string>>();
  const auto weight_names = config.at("weight_names").get<std::vector<std::string>>();
  const size_t n = traces.n_outputs;
  if (n == 0 || weight_names.size() != variables.size() || traces.inference.inputs().empty() ||
      traces.training.inputs().size() != traces.inference.inputs().size() + 1 ||
      traces.inference.outputs().size() !=
          n + traces.n_inference_losses + traces.inference_reported.size() ||
      traces.training.outputs().size() != n + traces.n_losses + traces.reported.size())
    fail("[Traced] its configuration is damaged: the graphs do not have the outputs it names");
  return std::make_shared<TracedLayer>(std::move(traces), variables, weight_names);
}

std::vector<Value> TracedLayer::compute(const std::vector<Value>& inputs, CallContext& context) {
  const Graph& graph = context.training ? traces_.training : traces_.inference;
  expect_inputs(inputs.size(), traces_.inference.inputs().size());
  std::vector<Value> arguments = inputs;
  if (context.training) arguments.push_back(context.step);
  std::vector<Value> all = inline_graph(graph, arguments);
  const size_t losses = context.training ? traces_.n_losses : traces_.n_inference_losses;
  const auto& names = context.training ? traces_.reported : traces_.inference_reported;
  const auto begin = all.begin() + static_cast<std::ptrdiff_t>(traces_.n_outputs);
  const auto end = begin + static_cast<std::ptrdiff_t>(losses);
  context.losses.insert(context.losses.end(), begin, end);
  for (size_t i = 0; i < names.size(); ++i)
    context.metrics.emplace_back(names[i], *(end + static_cast<std::ptrdiff_t>(i)));
  all.resize(traces_.n_outputs);
  return all;
}

LambdaLayer::LambdaLayer(Function function, LayerOptions options)
    : Layer(std::move(options)), function_(std::move(function)) {}

std::vector<Value> LambdaLayer::compute(const std::vector<Value>& inputs, CallContext& context) {
  return function_(inputs, context);
}

LayerRef Lambda(std::function<Value(const Value&)> function, LayerOptions options) {
  return std::make_shared<LambdaLayer>(
      [function = std::move(function)](const std::vector<Value>& inputs, CallContext&) {
        if (inputs.size() != 1) fail("[Lambda] takes 1 input; got {}", inputs.size());
        return std::vector<Value>{function(inputs[0])};
      },
      std::move(options));
}

LayerRef Lambda(LambdaLayer::Function function, LayerOptions options) {
  return std::make_shared<LambdaLayer>(std::move(function), std::move(options));
}

}  // namespace andiron::nn
