#pragma once

#include <optional>
#include <vector>

#include "andiron/nn/layer.hpp"

/// Layers that add or multiply noise in training and do nothing in inference. The draws depend on
/// seed, step and element only.
namespace andiron::nn {

struct NoiseOptions {
  std::optional<int64_t> seed = {};
  std::string name = {};
};

/// x + normal(0, stddev).
class GaussianNoiseLayer : public Layer {
 public:
  explicit GaussianNoiseLayer(double stddev, NoiseOptions options = {});
  std::string class_name() const override { return "GaussianNoise"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  double stddev_;
  int64_t seed_;
};

/// x * normal(1, sqrt(rate / (1 - rate))): the deviation that dropout has. Srivastava et al. 2014.
class GaussianDropoutLayer : public Layer {
 public:
  explicit GaussianDropoutLayer(double rate, NoiseOptions options = {});
  std::string class_name() const override { return "GaussianDropout"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  double rate_;
  int64_t seed_;
};

struct AlphaDropoutOptions {
  std::optional<int64_t> seed = {};
  std::vector<int64_t> noise_shape = {};  ///< as DropoutOptions'
  std::string name = {};
};

/// a x + b, and with probability `rate` a c + b in its place: mean and variance of what selu makes
/// stay. Klambauer et al., Self-normalizing neural networks, 2017.
class AlphaDropoutLayer : public Layer {
 public:
  explicit AlphaDropoutLayer(double rate, AlphaDropoutOptions options = {});
  std::string class_name() const override { return "AlphaDropout"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  double rate_;
  int64_t seed_;
  std::vector<int64_t> noise_shape_;
};

LayerRef GaussianNoise(double stddev, NoiseOptions options = {});
LayerRef GaussianDropout(double rate, NoiseOptions options = {});
LayerRef AlphaDropout(double rate, AlphaDropoutOptions options = {});

}  // namespace andiron::nn
