#pragma once

#include <string>
#include <vector>

#include "andiron/nn/layer.hpp"

namespace andiron::nn {

/// Keras's arguments and defaults, but for data_format; lists as in ConvLayerOptions.
struct PoolingOptions {
  std::vector<int64_t> strides = {};  ///< empty: the pool's sizes
  std::string padding = "valid";      ///< "same"; "explicit" with the pads below
  std::vector<int64_t> pads_begin = {}, pads_end = {};
  bool ceil = false;               ///< a last window may hang over the end
  bool count_include_pad = false;  ///< of averages: pads count as zeros
  std::string data_format = "channels_first";
  std::string name = {};
};

struct GlobalPoolingOptions {
  bool keepdims = false;
  std::string data_format = "channels_first";
  std::string name = {};
};

/// The maximum or the mean of windows that slide over 1, 2 or 3 spatial axes.
class PoolingLayer : public Layer {
 public:
  enum class Kind { max, average };
  PoolingLayer(Kind kind, int64_t rank, std::vector<int64_t> pool_size, PoolingOptions options);
  std::string class_name() const override;
  nlohmann::json config() const override;
  template <Kind kind, int64_t rank>
  static LayerPtr from_config(const nlohmann::json& config) {
    return from_config(kind, rank, config);
  }

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  static LayerPtr from_config(Kind kind, int64_t rank, const nlohmann::json& config);
  Kind kind_;
  int64_t rank_;
  std::vector<int64_t> pool_size_;
  PoolingOptions options_;
};

/// The maximum or the mean of all places of each channel; adaptive: of as many windows as the
/// result has places, as in PyTorch.
class WholePoolingLayer : public Layer {
 public:
  using Kind = PoolingLayer::Kind;
  /// `output_size` empty: global.
  WholePoolingLayer(Kind kind, int64_t rank, std::vector<int64_t> output_size,
                    GlobalPoolingOptions options);
  std::string class_name() const override;
  nlohmann::json config() const override;
  template <Kind kind, int64_t rank>
  static LayerPtr from_config(const nlohmann::json& config) {
    return from_config(kind, rank, config);
  }

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  Value masked_mean(const Value& x, const Value& mask) const;
  static LayerPtr from_config(Kind kind, int64_t rank, const nlohmann::json& config);
  Kind kind_;
  int64_t rank_;
  std::vector<int64_t> output_size_;
  GlobalPoolingOptions options_;
};

LayerRef MaxPooling1D(std::vector<int64_t> pool_size = {2}, PoolingOptions options = {});
LayerRef MaxPooling2D(std::vector<int64_t> pool_size = {2}, PoolingOptions options = {});
LayerRef MaxPooling3D(std::vector<int64_t> pool_size = {2}, PoolingOptions options = {});
LayerRef AveragePooling1D(std::vector<int64_t> pool_size = {2}, PoolingOptions options = {});
LayerRef AveragePooling2D(std::vector<int64_t> pool_size = {2}, PoolingOptions options = {});
LayerRef AveragePooling3D(std::vector<int64_t> pool_size = {2}, PoolingOptions options = {});
LayerRef GlobalMaxPooling1D(GlobalPoolingOptions options = {});
LayerRef GlobalMaxPooling2D(GlobalPoolingOptions options = {});
LayerRef GlobalMaxPooling3D(GlobalPoolingOptions options = {});
LayerRef GlobalAveragePooling1D(GlobalPoolingOptions options = {});
LayerRef GlobalAveragePooling2D(GlobalPoolingOptions options = {});
LayerRef GlobalAveragePooling3D(GlobalPoolingOptions options = {});
LayerRef AdaptiveMaxPooling1D(std::vector<int64_t> output_size, GlobalPoolingOptions options = {});
LayerRef AdaptiveMaxPooling2D(std::vector<int64_t> output_size, GlobalPoolingOptions options = {});
LayerRef AdaptiveMaxPooling3D(std::vector<int64_t> output_size, GlobalPoolingOptions options = {});
LayerRef AdaptiveAveragePooling1D(std::vector<int64_t> output_size,
                                  GlobalPoolingOptions options = {});
LayerRef AdaptiveAveragePooling2D(std::vector<int64_t> output_size,
                                  GlobalPoolingOptions options = {});
LayerRef AdaptiveAveragePooling3D(std::vector<int64_t> output_size,
                                  GlobalPoolingOptions options = {});

}  // namespace andiron::nn
