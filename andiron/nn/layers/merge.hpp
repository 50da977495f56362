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
  int64_t axis_;
};

/// Elementwise sum or product of two or more inputs, broadcast behind the batch axis.
class AddLayer : public Layer {
 public:
  using Layer::Layer;
  std::string class_name() const override { return "Add"; }
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;
};

class MultiplyLayer : public Layer {
 public:
  using Layer::Layer;
  std::string class_name() const override { return "Multiply"; }
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;
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
LayerRef Multiply(LayerOptions options = {});
LayerRef Dot(int64_t axis, DotOptions options = {});
LayerRef Dot(std::pair<int64_t, int64_t> axes, DotOptions options = {});

}  // namespace andiron::nn
