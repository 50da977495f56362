#include "andiron/nn/layers/pooling.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers/axis_settings.hpp"
#include "andiron/nn/layers/data_format.hpp"
#include "andiron/nn/masks.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

using Json = nlohmann::json;
using Kind = PoolingLayer::Kind;
using Ints = std::vector<int64_t>;

namespace {

const char* word(Kind kind) { return kind == Kind::max ? "Max" : "Average"; }

}  // namespace

PoolingLayer::PoolingLayer(Kind kind, int64_t rank, Ints pool_size, PoolingOptions options)
    : Layer({.name = options.name}), kind_(kind), rank_(rank), options_(std::move(options)) {
  const std::string name = class_name();
  pool_size_ = for_axes(name, "pool_size", std::move(pool_size), rank, 1);
  options_.strides =
      options_.strides.empty() ? pool_size_ : for_axes(name, "strides", options_.strides, rank, 1);
  const std::string& padding = options_.padding;
  if (padding != "valid" && padding != "same" && padding != "explicit")
    fail("[{}] padding is 'valid', 'same' or 'explicit'; got '{}'", name, padding);
  if (padding == "explicit") {
    options_.pads_begin = for_axes(name, "pads_begin", options_.pads_begin, rank, 0);
    options_.pads_end = for_axes(name, "pads_end", options_.pads_end, rank, 0);
  }
  check_data_format(name.c_str(), options_.data_format);
}

std::string PoolingLayer::class_name() const {
  return fmt::format("{}Pooling{}D", word(kind_), rank_);
}

Json PoolingLayer::config() const {
  Json config = Layer::config();
  config["pool_size"] = pool_size_;
  config["strides"] = options_.strides;
  config["padding"] = options_.padding;
  if (options_.padding == "explicit") {
    config["pads_begin"] = options_.pads_begin;
    config["pads_end"] = options_.pads_end;
  }
  if (options_.ceil) config["ceil"] = true;
  if (options_.count_include_pad) config["count_include_pad"] = true;
  config["data_format"] = options_.data_format;
  return config;
}

LayerPtr PoolingLayer::from_config(Kind kind, int64_t rank, const Json& config) {
  PoolingOptions o;
  o.strides = axes_of(config, "strides", {});
  o.padding = config.value("padding", o.padding);
  o.pads_begin = axes_of(config, "pads_begin", {});
  o.pads_end = axes_of(config, "pads_end", {});
  o.ceil = config.value("ceil", o.ceil);
  o.count_include_pad = config.value("count_include_pad", o.count_include_pad);
  o.data_format = config.value("data_format", o.data_format);
  return std::make_shared<PoolingLayer>(kind, rank, axes_of(config, "pool_size", {2}), o);
}

std::vector<Value> PoolingLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 1);
  if (inputs[0].rank() != rank_ + 2)
    reject(fmt::format("needs a batch, channels and {} spatial axes; got {}", rank_,
                       inputs[0].shape().str()));
  const Value x = to_channels_first(inputs[0], options_.data_format);
  const ops::PoolOptions o{.strides = options_.strides,
                           .padding = options_.padding,
                           .pads_begin = options_.pads_begin,
                           .pads_end = options_.pads_end,
                           .ceil = options_.ceil,
                           .count_include_pad = options_.count_include_pad};
  const Value y =
      kind_ == Kind::max ? ops::max_pool(x, pool_size_, o) : ops::avg_pool(x, pool_size_, o);
  return {from_channels_first(y, options_.data_format)};
}

WholePoolingLayer::WholePoolingLayer(Kind kind, int64_t rank, Ints output_size,
                                     GlobalPoolingOptions options)
    : Layer({.name = options.name}),
      kind_(kind),
      rank_(rank),
      output_size_(std::move(output_size)),
      options_(std::move(options)) {
  const std::string name = class_name();
  if (!output_size_.empty())
    output_size_ = for_axes(name, "output_size", std::move(output_size_), rank, 1);
  check_data_format(name.c_str(), options_.data_format);
}

std::string WholePoolingLayer::class_name() const {
  return fmt::format("{}{}Pooling{}D", output_size_.empty() ? "Global" : "Adaptive", word(kind_),
                     rank_);
}

Json WholePoolingLayer::config() const {
  Json config = Layer::config();
  if (output_size_.empty()) {
    config["keepdims"] = options_.keepdims;
  } else {
    config["output_size"] = output_size_;
  }
  config["data_format"] = options_.data_format;
  return config;
}

LayerPtr WholePoolingLayer::from_config(Kind kind, int64_t rank, const Json& config) {
  GlobalPoolingOptions o;
  o.keepdims = config.value("keepdims", o.keepdims);
  o.data_format = config.value("data_format", o.data_format);
  return std::make_shared<WholePoolingLayer>(kind, rank, axes_of(config, "output_size", {}), o);
}

// The mean of the steps [batch, time] that count; NaN where none does, as in Keras.
Value WholePoolingLayer::masked_mean(const Value& x, const Value& mask) const {
  const Value counts = ops::cast(ops::expand_dims(mask, 1), x.dtype());  // [batch, 1, time]
  return ops::sum(ops::where(ops::expand_dims(mask, 1), x, constant(0.0, x.dtype())), {2},
                  options_.keepdims) /
         ops::sum(counts, {2}, options_.keepdims);
}

std::vector<Value> WholePoolingLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 1);
  if (inputs[0].rank() != rank_ + 2)
    reject(fmt::format("needs a batch, channels and {} spatial axes; got {}", rank_,
                       inputs[0].shape().str()));
  const Value x = to_channels_first(inputs[0], options_.data_format);
  const Value mask = Masks::of(inputs[0]);
  Value y;
  if (mask.defined() && rank_ == 1 && kind_ == Kind::average && output_size_.empty()) {
    if (options_.data_format != "channels_last" || mask.rank() != 2)
      reject("takes a mask of [batch, time] with data_format=\"channels_last\"");
    y = masked_mean(x, mask);
  } else if (output_size_.empty()) {
    y = kind_ == Kind::max ? ops::global_max_pool(x, options_.keepdims)
                           : ops::global_avg_pool(x, options_.keepdims);
  } else {
    y = kind_ == Kind::max ? ops::adaptive_max_pool(x, output_size_)
                           : ops::adaptive_avg_pool(x, output_size_);
  }
  return {from_channels_first(y, options_.data_format)};
}

LayerRef MaxPooling1D(Ints pool_size, PoolingOptions options) {
  return std::make_shared<PoolingLayer>(Kind::max, 1, std::move(pool_size), std::move(options));
}
LayerRef MaxPooling2D(Ints pool_size, PoolingOptions options) {
  return std::make_shared<PoolingLayer>(Kind::max, 2, std::move(pool_size), std::move(options));
}
LayerRef MaxPooling3D(Ints pool_size, PoolingOptions options) {
  return std::make_shared<PoolingLayer>(Kind::max, 3, std::move(pool_size), std::move(options));
}
LayerRef AveragePooling1D(Ints pool_size, PoolingOptions options) {
  return std::make_shared<PoolingLayer>(Kind::average, 1, std::move(pool_size), std::move(options));
}
LayerRef AveragePooling2D(Ints pool_size, PoolingOptions options) {
  return std::make_shared<PoolingLayer>(Kind::average, 2, std::move(pool_size), std::move(options));
}
LayerRef AveragePooling3D(Ints pool_size, PoolingOptions options) {
  return std::make_shared<PoolingLayer>(Kind::average, 3, std::move(pool_size), std::move(options));
}
LayerRef GlobalMaxPooling1D(GlobalPoolingOptions options) {
  return std::make_shared<WholePoolingLayer>(Kind::max, 1, Ints{}, std::move(options));
}
LayerRef GlobalMaxPooling2D(GlobalPoolingOptions options) {
  return std::make_shared<WholePoolingLayer>(Kind::max, 2, Ints{}, std::move(options));
}
LayerRef GlobalMaxPooling3D(GlobalPoolingOptions options) {
  return std::make_shared<WholePoolingLayer>(Kind::max, 3, Ints{}, std::move(options));
}
LayerRef GlobalAveragePooling1D(GlobalPoolingOptions options) {
  return std::make_shared<WholePoolingLayer>(Kind::average, 1, Ints{}, std::move(options));
}
LayerRef GlobalAveragePooling2D(GlobalPoolingOptions options) {
  return std::make_shared<WholePoolingLayer>(Kind::average, 2, Ints{}, std::move(options));
}
LayerRef GlobalAveragePooling3D(GlobalPoolingOptions options) {
  return std::make_shared<WholePoolingLayer>(Kind::average, 3, Ints{}, std::move(options));
}
LayerRef AdaptiveMaxPooling1D(Ints output_size, GlobalPoolingOptions options) {
  if (output_size.empty()) fail("[AdaptiveMaxPooling1D] needs an output_size");
  return std::make_shared<WholePoolingLayer>(Kind::max, 1, std::move(output_size),
                                             std::move(options));
}
LayerRef AdaptiveMaxPooling2D(Ints output_size, GlobalPoolingOptions options) {
  if (output_size.empty()) fail("[AdaptiveMaxPooling2D] needs an output_size");
  return std::make_shared<WholePoolingLayer>(Kind::max, 2, std::move(output_size),
                                             std::move(options));
}
LayerRef AdaptiveMaxPooling3D(Ints output_size, GlobalPoolingOptions options) {
  if (output_size.empty()) fail("[AdaptiveMaxPooling3D] needs an output_size");
  return std::make_shared<WholePoolingLayer>(Kind::max, 3, std::move(output_size),
                                             std::move(options));
}
LayerRef AdaptiveAveragePooling1D(Ints output_size, GlobalPoolingOptions options) {
  if (output_size.empty()) fail("[AdaptiveAveragePooling1D] needs an output_size");
  return std::make_shared<WholePoolingLayer>(Kind::average, 1, std::move(output_size),
                                             std::move(options));
}
LayerRef AdaptiveAveragePooling2D(Ints output_size, GlobalPoolingOptions options) {
  if (output_size.empty()) fail("[AdaptiveAveragePooling2D] needs an output_size");
  return std::make_shared<WholePoolingLayer>(Kind::average, 2, std::move(output_size),
                                             std::move(options));
}
LayerRef AdaptiveAveragePooling3D(Ints output_size, GlobalPoolingOptions options) {
  if (output_size.empty()) fail("[AdaptiveAveragePooling3D] needs an output_size");
  return std::make_shared<WholePoolingLayer>(Kind::average, 3, std::move(output_size),
                                             std::move(options));
}

}  // namespace andiron::nn
