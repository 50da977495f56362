#pragma once

#include <string>
#include <vector>

#include "andiron/nn/constraint.hpp"
#include "andiron/nn/layer.hpp"

namespace andiron::nn {

/// Keras's arguments and defaults, but for data_format. Lists have one entry for each spatial axis
/// or one for all. Weights are stored as [filters, channels / groups, kernel...].
struct ConvLayerOptions {
  std::vector<int64_t> strides = {1};
  std::string padding = "valid";  ///< "same"; "causal" (Conv1D); "explicit" with the pads below
  std::vector<int64_t> pads_begin = {}, pads_end = {};
  std::string data_format = "channels_first";
  std::vector<int64_t> dilation_rate = {1};
  int64_t groups = 1;                        ///< of Conv
  int64_t depth_multiplier = 1;              ///< of DepthwiseConv and SeparableConv
  std::vector<int64_t> output_padding = {};  ///< of ConvTranspose; empty: Keras's choice
  std::string activation = {};               ///< empty: none
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";  ///< depthwise and pointwise ones, too
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  Constraint kernel_constraint = {}, bias_constraint = {};
  /// Of SeparableConv, where it differs from the depthwise one.
  Initializer pointwise_initializer = "glorot_uniform";
  Regularizer pointwise_regularizer = {};
  Constraint pointwise_constraint = {};
  std::string name = {};
  bool trainable = true;
};

/// The convolutions of Keras over 1, 2 or 3 spatial axes.
class ConvLayer : public Layer, public Constrained {
 public:
  enum class Kind { plain, transpose, depthwise, separable };
  ConvLayer(Kind kind, int64_t rank, int64_t filters, std::vector<int64_t> kernel_size,
            ConvLayerOptions options);
  std::string class_name() const override;
  nlohmann::json config() const override;
  template <Kind kind, int64_t rank>
  static LayerPtr from_config(const nlohmann::json& config) {
    return from_config(kind, rank, config);
  }

 protected:
  void build_variables(const std::vector<TensorType>& inputs) override;
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  static LayerPtr from_config(Kind kind, int64_t rank, const nlohmann::json& config);
  int64_t channels_of(const Shape& shape) const;
  VariablePtr add_kernel(const char* name, const Sizes& sizes, const Sizes& keras_sizes,
                         const Initializer& initializer, const Regularizer& regularizer,
                         const Constraint& constraint);
  Value transposed(const Value& x, const Value& bias) const;

  Kind kind_;
  int64_t rank_, filters_;
  std::vector<int64_t> kernel_size_;
  ConvLayerOptions options_;
  int64_t channels_ = 0;
  VariablePtr kernel_, pointwise_, bias_;
};

/// x [batch, C, spatial...] -> [batch, filters, spatial...]
LayerRef Conv1D(int64_t filters, std::vector<int64_t> kernel_size, ConvLayerOptions options = {});
LayerRef Conv2D(int64_t filters, std::vector<int64_t> kernel_size, ConvLayerOptions options = {});
LayerRef Conv3D(int64_t filters, std::vector<int64_t> kernel_size, ConvLayerOptions options = {});
/// The transposes of convolutions: with stride s about s times as many places.
LayerRef Conv1DTranspose(int64_t filters, std::vector<int64_t> kernel_size,
                         ConvLayerOptions options = {});
LayerRef Conv2DTranspose(int64_t filters, std::vector<int64_t> kernel_size,
                         ConvLayerOptions options = {});
LayerRef Conv3DTranspose(int64_t filters, std::vector<int64_t> kernel_size,
                         ConvLayerOptions options = {});
/// Each channel on its own: [batch, C, ...] -> [batch, C * depth_multiplier, ...].
LayerRef DepthwiseConv1D(std::vector<int64_t> kernel_size, ConvLayerOptions options = {});
LayerRef DepthwiseConv2D(std::vector<int64_t> kernel_size, ConvLayerOptions options = {});
/// A depthwise convolution, then one of size 1.
LayerRef SeparableConv1D(int64_t filters, std::vector<int64_t> kernel_size,
                         ConvLayerOptions options = {});
LayerRef SeparableConv2D(int64_t filters, std::vector<int64_t> kernel_size,
                         ConvLayerOptions options = {});

}  // namespace andiron::nn
