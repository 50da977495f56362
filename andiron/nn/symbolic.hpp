#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "andiron/graph/value.hpp"

namespace andiron::nn {

class Layer;
struct LayerCall;

/// An output of a layer in a network that is being described (Keras's KerasTensor): a type whose
/// axis 0 is the batch, and the call it came from. Cheap to copy.
class SymbolicTensor {
 public:
  SymbolicTensor() = default;
  SymbolicTensor(std::shared_ptr<const LayerCall> call, int index)
      : call_(std::move(call)), index_(index) {}

  bool defined() const { return call_ != nullptr; }
  const TensorType& type() const;
  const Shape& shape() const { return type().shape; }
  DType dtype() const { return type().dtype; }
  int64_t rank() const { return shape().rank(); }
  const std::shared_ptr<const LayerCall>& call() const { return call_; }
  int index() const { return index_; }
  const std::shared_ptr<Layer>& layer() const;

  friend bool operator==(const SymbolicTensor&, const SymbolicTensor&) = default;

 private:
  std::shared_ptr<const LayerCall> call_;
  int index_ = 0;
};

/// One use of a layer. A shared layer has several.
struct LayerCall {
  std::shared_ptr<Layer> layer;
  std::vector<SymbolicTensor> inputs;
  std::vector<TensorType> outputs;
  /// Overrides the mode of the model's trace, as `layer(x, training=False)` does.
  std::optional<bool> training;
};

/// The calls that `outputs` need, producers first; a fixed order (depth first, inputs in order).
std::vector<std::shared_ptr<const LayerCall>> calls_of(const std::vector<SymbolicTensor>& outputs);

/// The symbol of axis 0 in every model: "batch".
Dim batch_dim();

struct InputOptions {
  std::string name = {};
  DType dtype = DType::f32;
};

/// The entry of a network: `shape` is one sample's, without the batch axis.
///   auto x = nn::Input({784});  auto ids = nn::Input({}, {.name = "user", .dtype = DType::i32});
SymbolicTensor Input(Shape shape, InputOptions options = {});

}  // namespace andiron::nn
