#include "andiron/nn/layers/conv.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers/activation.hpp"
#include "andiron/nn/layers/axis_settings.hpp"
#include "andiron/nn/layers/data_format.hpp"
#include "andiron/ops/conv/window.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

using Json = nlohmann::json;
using Kind = ConvLayer::Kind;
using Ints = std::vector<int64_t>;

namespace {

std::string class_of(Kind kind, int64_t rank) {
  const char* front = kind == Kind::depthwise   ? "Depthwise"
                      : kind == Kind::separable ? "Separable"
                                                : "";
  return fmt::format("{}Conv{}D{}", front, rank, kind == Kind::transpose ? "Transpose" : "");
}

// Variances come from the fans, which Keras reads from [kernel..., in, out].
Initializer with_fans(Initializer initializer, const Sizes& keras_sizes) {
  if (initializer.kind != Initializer::Kind::variance_scaling) return initializer;
  double field = 1;
  for (size_t i = 0; i + 2 < keras_sizes.size(); ++i) field *= static_cast<double>(keras_sizes[i]);
  const double in = field * static_cast<double>(keras_sizes[keras_sizes.size() - 2]);
  const double out = field * static_cast<double>(keras_sizes.back());
  using Mode = Initializer::Mode;
  const double fan = initializer.mode == Mode::fan_in    ? in
                     : initializer.mode == Mode::fan_out ? out
                                                         : (in + out) / 2.0;
  const double variance = initializer.scale / std::max(1.0, fan);
  if (initializer.distribution == "uniform") {
    initializer.kind = Initializer::Kind::uniform;
    initializer.b = std::sqrt(3.0 * variance);
    initializer.a = -initializer.b;
    return initializer;
  }
  const bool cut = initializer.distribution == "truncated_normal";
  initializer.kind = cut ? Initializer::Kind::truncated_normal : Initializer::Kind::normal;
  initializer.a = 0.0;
  // The deviation of a standard normal cut at two deviations.
  initializer.b = std::sqrt(variance) / (cut ? 0.87962566103423978 : 1.0);
  return initializer;
}

}  // namespace

ConvLayer::ConvLayer(Kind kind, int64_t rank, int64_t filters, Ints kernel_size,
                     ConvLayerOptions options)
    : Layer({.name = options.name, .trainable = options.trainable}),
      kind_(kind),
      rank_(rank),
      filters_(filters),
      options_(std::move(options)) {
  const std::string name = class_of(kind, rank);
  if (kind != Kind::depthwise && filters <= 0)
    fail("[{}] filters must be positive; got {}", name, filters);
  kernel_size_ = for_axes(name, "kernel_size", std::move(kernel_size), rank, 1);
  options_.strides = for_axes(name, "strides", options_.strides, rank, 1);
  options_.dilation_rate = for_axes(name, "dilation_rate", options_.dilation_rate, rank, 1);
  if (!options_.output_padding.empty())
    options_.output_padding = for_axes(name, "output_padding", options_.output_padding, rank, 0);
  if (options_.groups < 1 || (filters > 0 && filters % options_.groups != 0))
    fail("[{}] groups={} must be positive and divide filters={}", name, options_.groups, filters);
  if (options_.depth_multiplier < 1)
    fail("[{}] depth_multiplier must be positive; got {}", name, options_.depth_multiplier);
  const std::string& padding = options_.padding;
  const bool causal = padding == "causal" && kind == Kind::plain && rank == 1;
  if (padding != "valid" && padding != "same" && padding != "explicit" && !causal)
    fail("[{}] padding is 'valid', 'same' or 'explicit'{}; got '{}'", name,
         kind == Kind::plain && rank == 1 ? ", or 'causal'" : "", padding);
  if (padding == "explicit") {
    options_.pads_begin = for_axes(name, "pads_begin", options_.pads_begin, rank, 0);
    options_.pads_end = for_axes(name, "pads_end", options_.pads_end, rank, 0);
  }
  check_data_format(name.c_str(), options_.data_format);
  check_activation(options_.activation);
}

std::string ConvLayer::class_name() const { return class_of(kind_, rank_); }

Json ConvLayer::config() const {
  Json config = Layer::config();
  const bool depthwise = kind_ == Kind::depthwise, separable = kind_ == Kind::separable;
  const std::string front = depthwise || separable ? "depthwise" : "kernel";
  if (!depthwise) config["filters"] = filters_;
  config["kernel_size"] = kernel_size_;
  config["strides"] = options_.strides;
  config["padding"] = options_.padding;
  if (options_.padding == "explicit") {
    config["pads_begin"] = options_.pads_begin;
    config["pads_end"] = options_.pads_end;
  }
  config["data_format"] = options_.data_format;
  config["dilation_rate"] = options_.dilation_rate;
  if (kind_ == Kind::plain) config["groups"] = options_.groups;
  if (depthwise || separable) config["depth_multiplier"] = options_.depth_multiplier;
  if (kind_ == Kind::transpose)
    config["output_padding"] =
        options_.output_padding.empty() ? Json() : Json(options_.output_padding);
  config["activation"] = options_.activation.empty() ? "linear" : options_.activation;
  config["use_bias"] = options_.use_bias;
  config[front + "_initializer"] = options_.kernel_initializer.config();
  config[front + "_regularizer"] = options_.kernel_regularizer.config();
  config[front + "_constraint"] = options_.kernel_constraint.config();
  if (separable) {
    config["pointwise_initializer"] = options_.pointwise_initializer.config();
    config["pointwise_regularizer"] = options_.pointwise_regularizer.config();
    config["pointwise_constraint"] = options_.pointwise_constraint.config();
  }
  config["bias_initializer"] = options_.bias_initializer.config();
  config["bias_regularizer"] = options_.bias_regularizer.config();
  config["bias_constraint"] = options_.bias_constraint.config();
  config["activity_regularizer"] = options_.activity_regularizer.config();
  return config;
}

LayerPtr ConvLayer::from_config(Kind kind, int64_t rank, const Json& config) {
  ConvLayerOptions o;
  auto read = [&]<class T>(const std::string& key, T& target) {
    if (config.contains(key)) target = T::from_config(config.at(key));
  };
  o.strides = axes_of(config, "strides", o.strides);
  o.padding = config.value("padding", o.padding);
  o.pads_begin = axes_of(config, "pads_begin", {});
  o.pads_end = axes_of(config, "pads_end", {});
  o.data_format = config.value("data_format", o.data_format);
  o.dilation_rate = axes_of(config, "dilation_rate", o.dilation_rate);
  o.groups = config.value("groups", o.groups);
  o.depth_multiplier = config.value("depth_multiplier", o.depth_multiplier);
  o.output_padding = axes_of(config, "output_padding", {});
  o.activation = config.value("activation", o.activation);
  o.use_bias = config.value("use_bias", o.use_bias);
  const bool by_channel = kind == Kind::depthwise || kind == Kind::separable;
  const std::string front = by_channel ? "depthwise" : "kernel";
  read(front + "_initializer", o.kernel_initializer);
  read(front + "_regularizer", o.kernel_regularizer);
  read(front + "_constraint", o.kernel_constraint);
  read("pointwise_initializer", o.pointwise_initializer);
  read("pointwise_regularizer", o.pointwise_regularizer);
  read("pointwise_constraint", o.pointwise_constraint);
  read("bias_initializer", o.bias_initializer);
  read("bias_regularizer", o.bias_regularizer);
  read("bias_constraint", o.bias_constraint);
  read("activity_regularizer", o.activity_regularizer);
  const int64_t filters = kind == Kind::depthwise ? 0 : config.at("filters").get<int64_t>();
  return std::make_shared<ConvLayer>(kind, rank, filters, axes_of(config, "kernel_size", {}), o);
}

int64_t ConvLayer::channels_of(const Shape& shape) const {
  const bool last = options_.data_format == "channels_last";
  if (shape.rank() != rank_ + 2)
    reject(fmt::format("needs inputs [batch, {}]; got {}",
                       last ? "spatial..., channels" : "channels, spatial...", shape.str()));
  const Dim& channels = last ? shape.back() : shape[1];
  if (!channels.known())
    reject(fmt::format("the number of channels must be known; got {}", shape.str()));
  return channels.size();
}

VariablePtr ConvLayer::add_kernel(const char* name, const Sizes& sizes, const Sizes& keras_sizes,
                                  const Initializer& initializer, const Regularizer& regularizer,
                                  const Constraint& constraint) {
  VariablePtr kernel = add_weight(name, sizes, with_fans(initializer, keras_sizes), regularizer);
  constrain(kernel, constraint);
  return kernel;
}

void ConvLayer::build_variables(const std::vector<TensorType>& inputs) {
  expect_inputs(inputs.size(), 1);
  channels_ = channels_of(inputs[0].shape);
  if (channels_ == 0) reject(fmt::format("has no channels in {}", inputs[0].shape.str()));
  const int64_t multiplier = options_.depth_multiplier;
  auto kernel = [&](int64_t out, int64_t in, Ints keras, const char* name) {
    Sizes sizes = {out, in};
    sizes.insert(sizes.end(), kernel_size_.begin(), kernel_size_.end());
    keras.insert(keras.begin(), kernel_size_.begin(), kernel_size_.end());
    return add_kernel(name, sizes, keras, options_.kernel_initializer, options_.kernel_regularizer,
                      options_.kernel_constraint);
  };
  int64_t outputs = filters_;
  switch (kind_) {
    case Kind::plain:
      if (channels_ % options_.groups != 0)
        reject(fmt::format("groups={} does not divide the {} channels of {}", options_.groups,
                           channels_, inputs[0].shape.str()));
      kernel_ = kernel(filters_, channels_ / options_.groups,
                       {channels_ / options_.groups, filters_}, "kernel");
      break;
    case Kind::transpose:
      kernel_ = kernel(channels_, filters_, {filters_, channels_}, "kernel");
      break;
    case Kind::depthwise:
      outputs = channels_ * multiplier;
      kernel_ = kernel(outputs, 1, {channels_, multiplier}, "kernel");
      break;
    case Kind::separable: {
      kernel_ = kernel(channels_ * multiplier, 1, {channels_, multiplier}, "depthwise_kernel");
      Sizes sizes(static_cast<size_t>(rank_ + 2), 1), keras = sizes;
      sizes[0] = keras[static_cast<size_t>(rank_ + 1)] = filters_;
      sizes[1] = keras[static_cast<size_t>(rank_)] = channels_ * multiplier;
      pointwise_ = add_kernel("pointwise_kernel", sizes, keras, options_.pointwise_initializer,
                              options_.pointwise_regularizer, options_.pointwise_constraint);
      break;
    }
  }
  if (!options_.use_bias) return;
  bias_ = add_weight("bias", {outputs}, options_.bias_initializer, options_.bias_regularizer);
  constrain(bias_, options_.bias_constraint);
}

// Keras's sizes: size * stride with "same", so much that the gradient's conv would have `size`
// places otherwise.
Value ConvLayer::transposed(const Value& x, const Value& bias) const {
  ops::ConvOptions o{.strides = options_.strides, .dilations = options_.dilation_rate};
  if (options_.padding == "explicit") {
    o.padding = options_.padding;
    o.pads_begin = options_.pads_begin;
    o.pads_end = options_.pads_end;
    return ops::conv_transpose(x, read(kernel_), bias, o, options_.output_padding);
  }
  o.padding = "explicit";
  Ints more;
  const Ints sizes = ops::spatial_sizes("conv_transpose", x.shape());
  for (size_t i = 0; i < sizes.size(); ++i) {
    const int64_t stride = options_.strides[i];
    const int64_t extent = (kernel_size_[i] - 1) * options_.dilation_rate[i] + 1;
    const bool same = options_.padding == "same";
    int64_t size = sizes[i] * stride;
    if (!options_.output_padding.empty())
      size = (sizes[i] - 1) * stride + extent - (same ? extent / 2 * 2 : 0) +
             options_.output_padding[i];
    else if (!same)
      size += std::max<int64_t>(extent - stride, 0);
    const int64_t total = (sizes[i] - 1) * stride + extent - size;
    const int64_t begin = same ? std::max<int64_t>(total, 0) / 2 : 0;
    o.pads_begin.push_back(begin);
    o.pads_end.push_back(std::max<int64_t>(total - begin, 0));
    more.push_back(std::max<int64_t>(begin - total, 0));
  }
  return ops::conv_transpose(x, read(kernel_), bias, o, more);
}

std::vector<Value> ConvLayer::compute(const std::vector<Value>& inputs, CallContext& context) {
  expect_inputs(inputs.size(), 1);
  if (channels_of(inputs[0].shape()) != channels_)
    reject(fmt::format("was built for {} channels; got {}", channels_, inputs[0].shape().str()));
  Value x = inputs[0].dtype() == DType::f32 ? inputs[0] : ops::cast(inputs[0], DType::f32);
  x = to_channels_first(x, options_.data_format);
  const Value bias = bias_ ? read(bias_) : Value();
  ops::ConvOptions o{.strides = options_.strides,
                     .dilations = options_.dilation_rate,
                     .groups = kind_ == Kind::plain ? options_.groups : channels_,
                     .padding = options_.padding,
                     .pads_begin = options_.pads_begin,
                     .pads_end = options_.pads_end};
  if (o.padding == "causal") {
    o.padding = "explicit";
    o.pads_begin = {(kernel_size_[0] - 1) * options_.dilation_rate[0]};
    o.pads_end = {0};
  }
  Value y;
  if (kind_ == Kind::transpose) {
    y = transposed(x, bias);
  } else if (kind_ == Kind::separable) {
    y = ops::conv(ops::conv(x, read(kernel_), {}, o), read(pointwise_), bias);
  } else {
    y = ops::conv(x, read(kernel_), bias, o);
  }
  y = from_channels_first(apply_activation(options_.activation, y), options_.data_format);
  if (options_.activity_regularizer)
    context.losses.push_back(options_.activity_regularizer(y) / ops::count_of(y, {0}));
  return {y};
}

namespace {

LayerRef make(Kind kind, int64_t rank, int64_t filters, Ints kernel_size,
              ConvLayerOptions options) {
  return std::make_shared<ConvLayer>(kind, rank, filters, std::move(kernel_size),
                                     std::move(options));
}

}  // namespace

LayerRef Conv1D(int64_t filters, Ints kernel_size, ConvLayerOptions options) {
  return make(Kind::plain, 1, filters, std::move(kernel_size), std::move(options));
}
LayerRef Conv2D(int64_t filters, Ints kernel_size, ConvLayerOptions options) {
  return make(Kind::plain, 2, filters, std::move(kernel_size), std::move(options));
}
LayerRef Conv3D(int64_t filters, Ints kernel_size, ConvLayerOptions options) {
  return make(Kind::plain, 3, filters, std::move(kernel_size), std::move(options));
}
LayerRef Conv1DTranspose(int64_t filters, Ints kernel_size, ConvLayerOptions options) {
  return make(Kind::transpose, 1, filters, std::move(kernel_size), std::move(options));
}
LayerRef Conv2DTranspose(int64_t filters, Ints kernel_size, ConvLayerOptions options) {
  return make(Kind::transpose, 2, filters, std::move(kernel_size), std::move(options));
}
LayerRef Conv3DTranspose(int64_t filters, Ints kernel_size, ConvLayerOptions options) {
  return make(Kind::transpose, 3, filters, std::move(kernel_size), std::move(options));
}
LayerRef DepthwiseConv1D(Ints kernel_size, ConvLayerOptions options) {
  return make(Kind::depthwise, 1, 0, std::move(kernel_size), std::move(options));
}
LayerRef DepthwiseConv2D(Ints kernel_size, ConvLayerOptions options) {
  return make(Kind::depthwise, 2, 0, std::move(kernel_size), std::move(options));
}
LayerRef SeparableConv1D(int64_t filters, Ints kernel_size, ConvLayerOptions options) {
  return make(Kind::separable, 1, filters, std::move(kernel_size), std::move(options));
}
LayerRef SeparableConv2D(int64_t filters, Ints kernel_size, ConvLayerOptions options) {
  return make(Kind::separable, 2, filters, std::move(kernel_size), std::move(options));
}

}  // namespace andiron::nn
