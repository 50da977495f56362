#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "andiron/graph/graph.hpp"
#include "andiron/nn/layer.hpp"
#include "andiron/tensor/tensor.hpp"

namespace andiron::nn {

/// A network of layers from inputs to outputs; itself a layer, so models nest.
/// Held by shared_ptr: nn::Model(x, y), nn::Sequential({...}) make one.
/// Thread safety: as Layer; for concurrent predictions see CompiledModel.
class FunctionalModel : public Layer {
 public:
  /// Throws Error when an output does not depend on the given inputs only, or when two layers have
  /// been given one name. Layers without a name of their own are named here: "dense", "dense_1".
  FunctionalModel(std::vector<SymbolicTensor> inputs, std::vector<SymbolicTensor> outputs,
                  LayerOptions options = {});

  std::string class_name() const override { return "Functional"; }
  const std::vector<SymbolicTensor>& inputs() const { return inputs_; }
  const std::vector<SymbolicTensor>& outputs() const { return outputs_; }
  /// The names of the input layers: those of the graphs' placeholders.
  std::vector<std::string> input_names() const;
  /// The names of the layers that make the outputs.
  std::vector<std::string> output_names() const;

  /// In the order of their first use, input layers included.
  virtual const std::vector<LayerPtr>& layers() const { return layers_; }
  /// Throws Error listing the names.
  const LayerPtr& layer(std::string_view name) const;
  std::vector<LayerPtr> sublayers() const override { return layers_; }

  /// A placeholder for each input, named by it. Throws Error when the model is not built.
  std::vector<Value> placeholders() const;
  /// `call` for the outermost model: nodes are named by their layers only.
  std::vector<Value> apply(const std::vector<Value>& inputs, CallContext& context);
  /// The network as a graph over symbol "batch". Placeholders are the inputs, in order; when
  /// training, "step" (int64 scalar) follows. Outputs are the outputs.
  Graph trace(bool training = false);

  std::vector<Tensor> weights() const;
  /// Throws Error naming the first variable whose shape differs.
  void set_weights(const std::vector<Tensor>& weights);

  /// Keras's table: layer, output shape, parameters, connected to; and the totals.
  std::string summary() const;

  nlohmann::json config() const override;

 protected:
  /// For Sequential, which gets its network later.
  explicit FunctionalModel(LayerOptions options) : Layer(std::move(options)) {}
  void set_network(std::vector<SymbolicTensor> inputs, std::vector<SymbolicTensor> outputs);
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  std::vector<SymbolicTensor> inputs_, outputs_;
  std::vector<std::shared_ptr<const LayerCall>> calls_;
  std::vector<LayerPtr> layers_;
};

using ModelPtr = std::shared_ptr<FunctionalModel>;

/// Numbers the layers that were given no name ("dense", "dense_1") and names all variables. Throws
/// Error when a given name occurs twice.
void name_layers(const std::vector<LayerPtr>& layers);

/// A stack of layers with one input and one output each:
///   auto model = nn::Sequential({nn::Input({784}), nn::Dense(10)});
/// Without an Input first it is built when it first sees a type (build, call, fit).
class SequentialModel : public FunctionalModel {
 public:
  explicit SequentialModel(std::vector<LayerPtr> layers = {}, LayerOptions options = {});

  std::string class_name() const override { return "Sequential"; }
  /// The first may be an Input's layer.
  void add(LayerPtr layer);
  void pop();
  const std::vector<LayerPtr>& layers() const override { return stack_; }
  std::vector<LayerPtr> sublayers() const override { return stack_; }
  nlohmann::json config() const override;

 protected:
  void build_variables(const std::vector<TensorType>& inputs) override;

 private:
  void check(size_t i) const;
  void connect();
  void connect_from(const SymbolicTensor& input, size_t first);

  std::vector<LayerPtr> stack_;
};

ModelPtr Model(std::vector<SymbolicTensor> inputs, std::vector<SymbolicTensor> outputs,
               LayerOptions options = {});
inline ModelPtr Model(const SymbolicTensor& input, const SymbolicTensor& output,
                      LayerOptions options = {}) {
  return Model(std::vector{input}, std::vector{output}, std::move(options));
}
std::shared_ptr<SequentialModel> Sequential(std::vector<LayerRef> layers = {},
                                            LayerOptions options = {});

}  // namespace andiron::nn
