#pragma once

#include "andiron/nn/layer.hpp"

namespace andiron::nn {

/// [batch, a, b, ...] -> [batch, a*b*...]; [batch] -> [batch, 1].
/// With `channels_first`, [batch, c, a, b] is first made [batch, a, b, c], as in Keras.
class FlattenLayer : public Layer {
 public:
  explicit FlattenLayer(LayerOptions options = {}, bool channels_first = false)
      : Layer(std::move(options)), channels_first_(channels_first) {}
  nlohmann::json config() const override;
  std::string class_name() const override { return "Flatten"; }
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  bool channels_first_;
};

/// [batch, ...] -> [batch] + target_shape, in which one size may be -1.
class ReshapeLayer : public Layer {
 public:
  explicit ReshapeLayer(std::vector<int64_t> target_shape, LayerOptions options = {});
  std::string class_name() const override { return "Reshape"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  std::vector<int64_t> target_shape_;
};

/// Axes in another order: axis i of a sample is axis dims[i] of the input's, counted from 1 (axis 0
/// is the batch), as in Keras.
class PermuteLayer : public Layer {
 public:
  explicit PermuteLayer(std::vector<int64_t> dims, LayerOptions options = {});
  std::string class_name() const override { return "Permute"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  std::vector<int64_t> dims_;
};

/// [batch, n] -> [batch, times, n]: the same row again and again.
class RepeatVectorLayer : public Layer {
 public:
  explicit RepeatVectorLayer(int64_t n, LayerOptions options = {});
  std::string class_name() const override { return "RepeatVector"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  int64_t n_;
};

LayerRef Flatten(LayerOptions options = {});
LayerRef Permute(std::vector<int64_t> dims, LayerOptions options = {});
LayerRef RepeatVector(int64_t n, LayerOptions options = {});
LayerRef Reshape(std::vector<int64_t> target_shape, LayerOptions options = {});

}  // namespace andiron::nn
