#pragma once

#include <string>
#include <utility>

#include "andiron/nn/layer.hpp"

namespace andiron::nn {

/// Inputs side by side along `axis` (not the batch).
class ConcatenateLayer : public Layer {
 public:
  explicit ConcatenateLayer(int64_t axis = -1, LayerOptions options = {});
  std::string class_name() const override { return "Concatenate"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  Value joined_mask(const std::vector<Value>& inputs, int64_t axis) const;

  int64_t axis_;
};

/// Two or more inputs element by element, broadcast behind the batch axis: their sum, mean,
/// largest, smallest, product or difference (of exactly two).
class MergeLayer : public Layer {
 public:
  enum class Kind { add, average, maximum, minimum, multiply, subtract };
  explicit MergeLayer(Kind kind, LayerOptions options = {})
      : Layer(std::move(options)), kind_(kind) {}
  std::string class_name() const override;
  template <Kind kind>
  static LayerPtr from_config(const nlohmann::json&) {
    return std::make_shared<MergeLayer>(kind);
  }

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  Kind kind_;
};

struct DotOptions {
  bool normalize = false;  ///< L2-normalise along the axes first: the cosine
  std::string name = {};
};

/// Dot product of two inputs along axes[0] of the first and axes[1] of the second, sample by
/// sample, as Keras's batch_dot: [b, n] . [b, n] -> [b, 1]; [b, i, n] . [b, j, n] with axes (2, 2)
/// -> [b, i, j]. Ranks 2 and 3.
class DotLayer : public Layer {
 public:
  explicit DotLayer(std::pair<int64_t, int64_t> axes, DotOptions options = {});
  std::string class_name() const override { return "Dot"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  std::pair<int64_t, int64_t> axes_;
  bool normalize_;
};

LayerRef Concatenate(int64_t axis = -1, LayerOptions options = {});
LayerRef Add(LayerOptions options = {});
LayerRef Average(LayerOptions options = {});
LayerRef Maximum(LayerOptions options = {});
LayerRef Minimum(LayerOptions options = {});
LayerRef Multiply(LayerOptions options = {});
LayerRef Subtract(LayerOptions options = {});
LayerRef Dot(int64_t axis, DotOptions options = {});
LayerRef Dot(std::pair<int64_t, int64_t> axes, DotOptions options = {});

}  // namespace andiron::nn
