#pragma once

#include <functional>
#include <string>
#include <vector>

#include "andiron/graph/graph.hpp"
#include "andiron/nn/layer.hpp"

namespace andiron::nn {

/// What a layer does, as two graphs over "batch" that share variables. Inputs: the layer's inputs,
/// and in training "step" after them. Outputs: the layer's, then losses, then reported values.
struct LayerTraces {
  Graph inference, training;
  size_t n_outputs = 1, n_losses = 0;  ///< losses of the training form
  size_t n_inference_losses = 0;
  std::vector<std::string> reported = {}, inference_reported = {};
};

/// Traces a layer for its input types. Builds it.
LayerTraces trace_layer(Layer& layer, const std::vector<TensorType>& inputs);

/// The configuration of a TracedLayer that does what `layer` does.
nlohmann::json traced_config(const Layer& layer, const LayerTraces& traces);

/// A layer without its class: what layers of the user's own are saved as (graphs as JSON, variables
/// beside the others), so that a saved model loads where the class is unknown.
class TracedLayer : public Layer {
 public:
  /// `variables`: all that the graphs read, in the order of the layer that was traced;
  /// `weight_names`: their names below this layer's path.
  TracedLayer(LayerTraces traces, std::vector<VariablePtr> variables,
              const std::vector<std::string>& weight_names, LayerOptions options = {});
  std::string class_name() const override { return "Traced"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  LayerTraces traces_;
};

/// Any composition of ops as a layer without variables of its own; saved as its trace.
class LambdaLayer : public Layer {
 public:
  using Function = std::function<std::vector<Value>(const std::vector<Value>&, CallContext&)>;
  explicit LambdaLayer(Function function, LayerOptions options = {});
  std::string class_name() const override { return "Lambda"; }

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  Function function_;
};

/// nn::Lambda([](const Value& x) { return ops::square(x); })
LayerRef Lambda(std::function<Value(const Value&)> function, LayerOptions options = {});
LayerRef Lambda(LambdaLayer::Function function, LayerOptions options);

}  // namespace andiron::nn
