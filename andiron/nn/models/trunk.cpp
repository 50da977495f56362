#include "andiron/nn/models/trunk.hpp"

#include <algorithm>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers.hpp"
#include "andiron/nn/models/state_dict.hpp"

namespace andiron::nn::models {

namespace {

ConvLayerOptions layer_options(const std::string& name, const ConvBlock& block) {
  ConvLayerOptions o;
  o.strides = {block.stride};
  if (block.same) {
    o.padding = "same";
  } else if (block.pad > 0) {
    o.padding = "explicit";
    o.pads_begin = o.pads_end = {block.pad};
  }
  o.groups = block.groups;
  o.use_bias = block.bias;
  o.kernel_initializer = "he_normal";
  o.name = name;
  return o;
}

Tensor by_channel(const std::vector<double>& values, bool squared) {
  Tensor t(DType::f32, {static_cast<int64_t>(values.size())});
  for (size_t i = 0; i < values.size(); ++i)
    t.data<float>()[i] = static_cast<float>(squared ? values[i] * values[i] : values[i]);
  return t;
}

}  // namespace

SymbolicTensor conv(const SymbolicTensor& x, const std::string& name, int64_t filters,
                    int64_t kernel, const ConvBlock& block) {
  return Conv2D(filters, {kernel}, layer_options(name, block))(x);
}

SymbolicTensor depthwise(const SymbolicTensor& x, const std::string& name, int64_t kernel,
                         const ConvBlock& block) {
  return DepthwiseConv2D({kernel}, layer_options(name, block))(x);
}

SymbolicTensor norm(const SymbolicTensor& x, const std::string& name, const BatchNorm& n) {
  return BatchNormalization({.momentum = n.momentum, .epsilon = n.epsilon, .name = name})(x);
}

SymbolicTensor activate(const SymbolicTensor& x, const std::string& activation) {
  return Activation(activation)(x);
}

SymbolicTensor max_pool(const SymbolicTensor& x, int64_t size, int64_t stride, int64_t pad,
                        bool ceil) {
  PoolingOptions o;
  o.strides = {stride};
  o.ceil = ceil;
  if (pad > 0) {
    o.padding = "explicit";
    o.pads_begin = o.pads_end = {pad};
  }
  return MaxPooling2D({size}, o)(x);
}

SymbolicTensor adapt(const SymbolicTensor& x, int64_t size) {
  if (x.shape()[2] == Dim(size) && x.shape()[3] == Dim(size)) return x;
  return AdaptiveAveragePooling2D({size})(x);
}

int64_t channels(const SymbolicTensor& x) { return x.shape()[1].size(); }

Pixels imagenet_pixels() {
  return {{255 * 0.485, 255 * 0.456, 255 * 0.406}, {255 * 0.229, 255 * 0.224, 255 * 0.225}};
}

Pixels symmetric_pixels() { return {{127.5, 127.5, 127.5}, {127.5, 127.5, 127.5}}; }

Trunk::Trunk(const ImageModelOptions& options, Defaults defaults)
    : no_initial_values_(options.weights.empty() ? nullptr : std::make_unique<NoInitialValues>()),
      options_(options),
      defaults_(std::move(defaults)) {
  const char* network = defaults_.name;
  ImageModelOptions& o = options_;
  const bool last = o.data_format == "channels_last";
  if (!last && o.data_format != "channels_first")
    fail("[{}] data_format is channels_first or channels_last; got '{}'", network, o.data_format);
  if (o.pooling != "" && o.pooling != "avg" && o.pooling != "max")
    fail("[{}] pooling is none, 'avg' or 'max'; got '{}'", network, o.pooling);
  if (o.classes < 0) fail("[{}] classes must be positive; got {}", network, o.classes);
  if (o.classes == 0) o.classes = defaults_.classes;
  if (o.dropout && !(*o.dropout >= 0.0 && *o.dropout < 1.0))
    fail("[{}] dropout must be in [0, 1); got {}", network, *o.dropout);
  if (o.name.empty()) {
    for (const char* c = network; *c != '\0'; ++c)
      o.name += static_cast<char>(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
  }
  std::vector<int64_t> shape = o.input_shape;
  if (shape.empty()) {
    shape = defaults_.input_shape;
    if (last) std::rotate(shape.begin(), shape.begin() + 1, shape.end());
  }
  if (shape.size() != 3 || std::any_of(shape.begin(), shape.end(), [](auto n) { return n < 1; }))
    fail("[{}] input_shape is [{}]; got {}", network,
         last ? "height, width, channels" : "channels, height, width", str(shape));
  input_ = x = Input(Shape(shape));
  if (last) x = Permute({3, 1, 2})(x);
  if (!o.include_preprocessing || defaults_.pixels.mean.empty()) return;
  if (channels(x) != static_cast<int64_t>(defaults_.pixels.mean.size()))
    fail("[{}] pixels of 3 channels are normalised; for {} give include_preprocessing=False",
         network, channels(x));
  x = Normalization({.axis = {1},
                     .mean = by_channel(defaults_.pixels.mean, false),
                     .variance = by_channel(defaults_.pixels.deviation, true),
                     .name = "pixels"})(x);
}

SymbolicTensor Trunk::dense_top(const SymbolicTensor& y, const std::string& name) const {
  return Dense(options_.classes, {.activation = options_.classifier_activation, .name = name})(y);
}

SymbolicTensor Trunk::classify(const SymbolicTensor& y, const std::string& name,
                               double own_dropout) const {
  SymbolicTensor pooled = GlobalAveragePooling2D()(y);
  if (const double rate = dropout(own_dropout); rate > 0.0) pooled = Dropout(rate)(pooled);
  return dense_top(pooled, name);
}

ModelPtr Trunk::features(const SymbolicTensor& y) const {
  SymbolicTensor out = y;
  if (options_.pooling == "avg") {
    out = GlobalAveragePooling2D()(y);
  } else if (options_.pooling == "max") {
    out = GlobalMaxPooling2D()(y);
  } else if (options_.data_format == "channels_last") {
    out = Permute({2, 3, 1})(y);
  }
  return finish({out}, defaults_.top);
}

ModelPtr Trunk::finish(std::vector<SymbolicTensor> outputs, std::vector<std::string> unused) const {
  ModelPtr model = Model({input_}, std::move(outputs), {.name = options_.name});
  if (!options_.weights.empty())
    load_weights(*model, options_.weights, {.unused = std::move(unused)});
  return model;
}

}  // namespace andiron::nn::models
