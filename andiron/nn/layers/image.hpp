#pragma once

#include <optional>
#include <string>
#include <vector>

#include "andiron/nn/layer.hpp"

namespace andiron::nn {

struct UpSamplingOptions {
  std::string data_format = "channels_first";
  std::string interpolation = "nearest";  ///< or "bilinear", "bicubic" (half-pixel centres)
  std::string name = {};
};

/// Each spatial axis `size` times as long.
class UpSamplingLayer : public Layer {
 public:
  UpSamplingLayer(int64_t rank, std::vector<int64_t> size, UpSamplingOptions options);
  std::string class_name() const override;
  nlohmann::json config() const override;
  template <int64_t rank>
  static LayerPtr from_config(const nlohmann::json& config) {
    return from_config(rank, config);
  }

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  static LayerPtr from_config(int64_t rank, const nlohmann::json& config);
  int64_t rank_;
  std::vector<int64_t> size_;
  UpSamplingOptions options_;
};

struct SpatialDropoutOptions {
  std::string data_format = "channels_first";
  std::optional<int64_t> seed = {};
  std::string name = {};
};

/// In training: whole channels are zero with probability `rate`, else x / (1 - rate). Tompson et
/// al. 2014.
class SpatialDropoutLayer : public Layer {
 public:
  SpatialDropoutLayer(int64_t rank, double rate, SpatialDropoutOptions options);
  std::string class_name() const override;
  nlohmann::json config() const override;
  template <int64_t rank>
  static LayerPtr from_config(const nlohmann::json& config) {
    return from_config(rank, config);
  }

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  static LayerPtr from_config(int64_t rank, const nlohmann::json& config);
  int64_t rank_;
  double rate_;
  int64_t seed_;
  SpatialDropoutOptions options_;
};

struct LrnOptions {
  int64_t size = 5;
  double alpha = 1e-4, beta = 0.75, bias = 1.0;
  std::string data_format = "channels_first";
  std::string name = {};
};

/// x / (bias + alpha / size * sum over neighbouring channels of x^2)^beta. Krizhevsky et al. 2012.
class LocalResponseNormalizationLayer : public Layer {
 public:
  explicit LocalResponseNormalizationLayer(LrnOptions options = {});
  std::string class_name() const override { return "LocalResponseNormalization"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  LrnOptions options_;
};

LayerRef UpSampling1D(int64_t size = 2, UpSamplingOptions options = {});
LayerRef UpSampling2D(std::vector<int64_t> size = {2}, UpSamplingOptions options = {});
LayerRef UpSampling3D(std::vector<int64_t> size = {2}, UpSamplingOptions options = {});
LayerRef SpatialDropout1D(double rate, SpatialDropoutOptions options = {});
LayerRef SpatialDropout2D(double rate, SpatialDropoutOptions options = {});
LayerRef SpatialDropout3D(double rate, SpatialDropoutOptions options = {});
LayerRef LocalResponseNormalization(LrnOptions options = {});

}  // namespace andiron::nn
