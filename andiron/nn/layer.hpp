#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "andiron/graph/value.hpp"
#include "andiron/graph/variable.hpp"
#include "andiron/nn/initializer.hpp"
#include "andiron/nn/regularizer.hpp"
#include "andiron/nn/symbolic.hpp"

namespace andiron::nn {

/// What one trace of a network carries from layer to layer. Training and inference are two traces
/// of the same layers; no kernel asks at run time which mode it is in.
struct CallContext {
  bool training = false;
  /// An int64 scalar that is another one every step; random layers draw with it. Undefined in
  /// inference, where nothing is random.
  Value step;
  /// Scalars that are added to the loss (activity regularizers, a layer's own).
  std::vector<Value> losses;
  /// Named scalars that a layer wants reported.
  std::vector<std::pair<std::string, Value>> metrics;
  /// New values of variables that are not trained (running statistics).
  std::vector<std::pair<VariablePtr, Value>> updates;

  /// The outputs of the layers called so far inside of the layer that is being called.
  std::vector<Value> finished;

  /// The seed of one random draw: another one for each use in the trace, so that a shared dropout
  /// layer draws anew, and the same in every trace of the same network.
  int64_t draw_seed(int64_t layer_seed);

 private:
  int64_t draws_ = 0;
};

struct LayerOptions {
  std::string name = {};  ///< empty: made from the class when a model takes the layer ("dense_1")
  bool trainable = true;
};

/// A function with variables. Describing a network and running it are both done by `call`, which
/// composes ops on Values. Layers are held by shared_ptr (see LayerRef) and shared between models.
/// Thread safety: building and calling need exclusive access.
///
/// To write one, derive, make variables in `build_variables` and compose ops in `compute`. A class
/// that the catalog of layers (layers/catalog.cpp) does not know is saved as its traced graphs and
/// loads as a TracedLayer.
class Layer : public std::enable_shared_from_this<Layer> {
 public:
  explicit Layer(LayerOptions options = {});
  virtual ~Layer() = default;
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  /// As in Keras ("Dense"); the name in JSON and summaries.
  virtual std::string class_name() const = 0;
  const std::string& name() const { return name_; }
  /// Whether the user chose the name; otherwise a model may number it.
  bool name_given() const { return name_given_; }
  void set_name(std::string name);
  /// A name that a model may still change.
  void set_automatic_name(std::string name) { name_ = std::move(name); }

  bool trainable() const { return trainable_; }
  /// Freezes or thaws this layer and the ones inside. Compiled models have to be compiled again.
  virtual void set_trainable(bool trainable);

  /// "float32", or "mixed_bfloat16": the layer's products (matmul, convolution) round their
  /// operands and results to bfloat16; all else, variables and what goes in and out stay float32.
  const std::string& dtype_policy() const { return dtype_policy_; }
  /// Of this layer and the ones inside, before they are used. Throws Error for any other name.
  void set_dtype_policy(const std::string& policy);

  bool built() const { return built_; }
  /// Makes the variables for inputs of these types (axis 0 symbolic); the first call counts.
  void build(const std::vector<TensorType>& inputs);
  /// The types that `build` saw.
  const std::vector<TensorType>& input_types() const { return input_types_; }

  /// Composes the layer's ops; builds it first where needed. Throws Error naming the layer's class
  /// and name when the inputs break its rules.
  std::vector<Value> call(const std::vector<Value>& inputs, CallContext& context);
  /// Output types by shape inference, axis 0 symbolic. Builds the layer.
  std::vector<TensorType> output_types(const std::vector<TensorType>& inputs);

  /// Uses the layer in a network that is being described.
  std::vector<SymbolicTensor> call_symbolic(const std::vector<SymbolicTensor>& inputs,
                                            std::optional<bool> training = {});

  /// All variables, own ones first, then those of the layers inside; each once.
  std::vector<VariablePtr> variables() const;
  /// Those to be trained: trainable variables of trainable layers.
  std::vector<VariablePtr> trainable_variables() const;
  std::vector<VariablePtr> non_trainable_variables() const;
  int64_t count_params() const;

  /// The layers inside (nested models, user's layers that use others).
  virtual std::vector<std::shared_ptr<Layer>> sublayers() const { return {}; }
  /// Penalties of this layer's variables and of the layers inside, as scalars.
  std::vector<Value> regularization_losses() const;

  /// Constructor arguments under Keras's names, "name" and "trainable" included, and "dtype" unless
  /// it is float32.
  virtual nlohmann::json config() const;

  /// Takes "name", "trainable" and "dtype" from what `config` returned.
  void adopt(const nlohmann::json& config);

  /// Variables get the names "<path>/<weight>"; called by the model that owns the layer.
  void set_path(const std::string& path);
  /// The variables' names below the path, in the order of `variables`.
  std::vector<std::string> weight_names() const;

 protected:
  virtual void build_variables(const std::vector<TensorType>& inputs) { (void)inputs; }
  virtual std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) = 0;

  /// A variable of this layer, made in `build_variables`.
  VariablePtr add_weight(const std::string& name, const Sizes& sizes,
                         const Initializer& initializer, const Regularizer& regularizer = {},
                         bool trainable = true, DType dtype = DType::f32);
  /// Takes a variable that exists already.
  void track(const std::string& name, VariablePtr variable, const Regularizer& regularizer = {});
  /// For a layer that was built in another way.
  void mark_built(std::vector<TensorType> input_types);
  /// Throws Error("[Dense] layer 'dense_1': <message>").
  [[noreturn]] void reject(const std::string& message) const;
  /// Throws Error unless there are `n` inputs.
  void expect_inputs(size_t got, size_t n) const;

 private:
  struct Weight {
    std::string name;
    VariablePtr variable;
    Regularizer regularizer;
  };

  std::string name_, path_, dtype_policy_ = "float32";
  bool name_given_ = false, trainable_ = true, built_ = false;
  std::vector<Weight> weights_;
  std::vector<TensorType> input_types_;
};

using LayerPtr = std::shared_ptr<Layer>;

/// A layer as users hold it: shared and callable. `nn::Dense(10)` and its like return one.
///   auto h = nn::Dense(128, {.activation = "relu"})(x);
class LayerRef {
 public:
  LayerRef() = default;
  template <class L>
  LayerRef(std::shared_ptr<L> layer) : layer_(std::move(layer)) {}  // NOLINT: the same thing
  /// The layer of an Input, so that it can stand first in a Sequential.
  LayerRef(const SymbolicTensor& input) : layer_(input.layer()) {}  // NOLINT

  /// A layer with one output on one or several inputs.
  SymbolicTensor operator()(const SymbolicTensor& x) const;
  SymbolicTensor operator()(const std::vector<SymbolicTensor>& xs) const;
  operator const LayerPtr&() const { return layer_; }  // NOLINT
  Layer* operator->() const { return layer_.get(); }
  Layer& operator*() const { return *layer_; }

 private:
  LayerPtr layer_;
};

/// Makes a layer from {"class_name": "Dense", "config": {...}}. Throws Error naming unknown
/// classes. Variables are made when the layer is built.
LayerPtr layer_from_config(const nlohmann::json& description);
/// The inverse; a class outside the catalog is described as its traces ("Traced").
nlohmann::json layer_description(const Layer& layer);

}  // namespace andiron::nn
