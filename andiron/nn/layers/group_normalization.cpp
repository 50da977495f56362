#include "andiron/nn/layers/group_normalization.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers/axis_settings.hpp"
#include "andiron/ops/normalize.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

using Json = nlohmann::json;

namespace {

// The axes in [1, rank), sorted, and their sizes, which must be known.
struct Normalized {
  std::vector<int64_t> axes;
  Sizes sizes;
};

Normalized normalized(const std::string& layer, const std::vector<int64_t>& axis,
                      const Shape& shape) {
  if (axis.empty()) fail("[{}] axis must name at least one axis", layer);
  Normalized n;
  n.axes = normalize_axes(layer, axis, shape.rank());
  for (int64_t i : n.axes) {
    if (i == 0) fail("[{}] axis 0 is the batch's; rows are normalized by themselves", layer);
    const Dim& d = shape[static_cast<size_t>(i)];
    if (!d.known()) fail("[{}] the size of axis {} must be known; got {}", layer, i, shape.str());
    n.sizes.push_back(d.size());
  }
  return n;
}

Json axis_config(const std::vector<int64_t>& axis) {
  return axis.size() == 1 ? Json(axis[0]) : Json(axis);
}

Value as_float(const Value& x) { return x.dtype() == DType::f32 ? x : ops::cast(x, DType::f32); }

void check_epsilon(const std::string& layer, double epsilon) {
  if (!(epsilon >= 0.0)) fail("[{}] epsilon must not be negative; got {}", layer, epsilon);
}

}  // namespace

AffineLayer::AffineLayer(AffineOptions options)
    : Layer({.name = options.name, .trainable = options.trainable}), options_(std::move(options)) {}

Json AffineLayer::config() const {
  Json config = Layer::config();
  config["epsilon"] = options_.epsilon;
  config["center"] = options_.center;
  config["scale"] = options_.scale;
  config["beta_initializer"] = options_.beta_initializer.config();
  config["gamma_initializer"] = options_.gamma_initializer.config();
  config["beta_regularizer"] = options_.beta_regularizer.config();
  config["gamma_regularizer"] = options_.gamma_regularizer.config();
  config["beta_constraint"] = options_.beta_constraint.config();
  config["gamma_constraint"] = options_.gamma_constraint.config();
  return config;
}

AffineOptions AffineLayer::options_from(const Json& config) {
  AffineOptions o;
  const auto read = [&]<class T>(const char* key, T& target) {
    if (config.contains(key)) target = T::from_config(config.at(key));
  };
  o.epsilon = config.value("epsilon", o.epsilon);
  o.center = config.value("center", o.center);
  o.scale = config.value("scale", o.scale);
  read("beta_initializer", o.beta_initializer);
  read("gamma_initializer", o.gamma_initializer);
  read("beta_regularizer", o.beta_regularizer);
  read("gamma_regularizer", o.gamma_regularizer);
  read("beta_constraint", o.beta_constraint);
  read("gamma_constraint", o.gamma_constraint);
  return o;
}

void AffineLayer::add_weights(const Sizes& sizes) {
  if (options_.scale) {
    gamma_ = add_weight("gamma", sizes, options_.gamma_initializer, options_.gamma_regularizer);
    constrain(gamma_, options_.gamma_constraint);
  }
  if (options_.center) {
    beta_ = add_weight("beta", sizes, options_.beta_initializer, options_.beta_regularizer);
    constrain(beta_, options_.beta_constraint);
  }
}

LayerNormalizationLayer::LayerNormalizationLayer(LayerNormalizationOptions options)
    : AffineLayer(std::move(options.affine)), axis_(std::move(options.axis)) {
  check_epsilon(class_name(), epsilon());
}

Json LayerNormalizationLayer::config() const {
  Json config = AffineLayer::config();
  config["axis"] = axis_config(axis_);
  return config;
}

LayerPtr LayerNormalizationLayer::from_config(const Json& config) {
  return std::make_shared<LayerNormalizationLayer>(LayerNormalizationOptions{
      .axis = axes_of(config, "axis", {-1}), .affine = options_from(config)});
}

void LayerNormalizationLayer::build_variables(const std::vector<TensorType>& inputs) {
  expect_inputs(inputs.size(), 1);
  add_weights(normalized(class_name(), axis_, inputs[0].shape).sizes);
}

std::vector<Value> LayerNormalizationLayer::compute(const std::vector<Value>& inputs,
                                                    CallContext&) {
  expect_inputs(inputs.size(), 1);
  const auto axes = normalized(class_name(), axis_, inputs[0].shape()).axes;
  return {ops::layer_normalization(as_float(inputs[0]), gamma(), beta(), axes, epsilon())};
}

GroupNormalizationLayer::GroupNormalizationLayer(GroupNormalizationOptions options, Kind kind)
    : AffineLayer(std::move(options.affine)),
      groups_(kind == Kind::instance ? -1 : options.groups),
      axis_(options.axis),
      kind_(kind) {
  check_epsilon(class_name(), epsilon());
  if (groups_ < 1 && groups_ != -1)
    fail("[GroupNormalization] groups must be positive, or -1 for one by channel; got {}", groups_);
}

std::string GroupNormalizationLayer::class_name() const {
  return kind_ == Kind::instance ? "InstanceNormalization" : "GroupNormalization";
}

Json GroupNormalizationLayer::config() const {
  Json config = AffineLayer::config();
  if (kind_ == Kind::group) config["groups"] = groups_;
  config["axis"] = axis_;
  return config;
}

LayerPtr GroupNormalizationLayer::make(const Json& config, Kind kind) {
  GroupNormalizationOptions o;
  o.groups = config.value("groups", o.groups);
  o.axis = config.value("axis", o.axis);
  o.affine = options_from(config);
  return std::make_shared<GroupNormalizationLayer>(std::move(o), kind);
}

int64_t GroupNormalizationLayer::axis_of(const Shape& shape) const {
  const int64_t axis = axis_ < 0 ? axis_ + shape.rank() : axis_;
  if (axis < 1 || axis >= shape.rank())
    reject(fmt::format("axis {} must be one of {} that is not the batch", axis_, shape.str()));
  const Dim& channels = shape[static_cast<size_t>(axis)];
  if (!channels.known())
    reject(fmt::format("the size of axis {} must be known; got {}", axis, shape.str()));
  if (groups_ > 0 && channels.size() % groups_ != 0)
    reject(fmt::format("groups={} does not divide the {} channels of {}", groups_, channels.size(),
                       shape.str()));
  return axis;
}

void GroupNormalizationLayer::build_variables(const std::vector<TensorType>& inputs) {
  expect_inputs(inputs.size(), 1);
  const Shape& shape = inputs[0].shape;
  add_weights({shape[static_cast<size_t>(axis_of(shape))].size()});
}

std::vector<Value> GroupNormalizationLayer::compute(const std::vector<Value>& inputs,
                                                    CallContext&) {
  expect_inputs(inputs.size(), 1);
  Value x = as_float(inputs[0]);
  const int64_t axis = axis_of(x.shape()), last = x.rank() - 1;
  const int64_t channels = x.shape()[static_cast<size_t>(axis)].size();
  const bool inside = axis != 1 && axis != last;  // the op has them at one end
  std::vector<int64_t> order(static_cast<size_t>(x.rank()));
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i);
  if (inside) std::swap(order[1], order[static_cast<size_t>(axis)]);
  if (inside) x = ops::transpose(x, order);
  const Value y =
      ops::group_normalization(x, groups_ > 0 ? groups_ : std::max<int64_t>(1, channels), gamma(),
                               beta(), epsilon(), inside ? 1 : axis);
  return {inside ? ops::transpose(y, order) : y};
}

RMSNormalizationLayer::RMSNormalizationLayer(RMSNormalizationOptions options)
    : Layer({.name = options.name, .trainable = options.trainable}), options_(std::move(options)) {
  check_epsilon(class_name(), options_.epsilon);
}

Json RMSNormalizationLayer::config() const {
  Json config = Layer::config();
  config["axis"] = axis_config(options_.axis);
  config["epsilon"] = options_.epsilon;
  return config;
}

LayerPtr RMSNormalizationLayer::from_config(const Json& config) {
  RMSNormalizationOptions o;
  o.axis = axes_of(config, "axis", o.axis);
  o.epsilon = config.value("epsilon", o.epsilon);
  return std::make_shared<RMSNormalizationLayer>(std::move(o));
}

void RMSNormalizationLayer::build_variables(const std::vector<TensorType>& inputs) {
  expect_inputs(inputs.size(), 1);
  scale_ =
      add_weight("scale", normalized(class_name(), options_.axis, inputs[0].shape).sizes, "ones");
}

std::vector<Value> RMSNormalizationLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 1);
  const auto axes = normalized(class_name(), options_.axis, inputs[0].shape()).axes;
  return {ops::rms_normalization(as_float(inputs[0]), read(scale_), axes, options_.epsilon)};
}

UnitNormalizationLayer::UnitNormalizationLayer(std::vector<int64_t> axis, LayerOptions options)
    : Layer(std::move(options)), axis_(std::move(axis)) {}

Json UnitNormalizationLayer::config() const {
  Json config = Layer::config();
  config["axis"] = axis_config(axis_);
  return config;
}

LayerPtr UnitNormalizationLayer::from_config(const Json& config) {
  return std::make_shared<UnitNormalizationLayer>(axes_of(config, "axis", {-1}));
}

std::vector<Value> UnitNormalizationLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 1);
  const auto axes = normalized(class_name(), axis_, inputs[0].shape()).axes;
  return {ops::normalize(as_float(inputs[0]), axes)};
}

LayerRef LayerNormalization(LayerNormalizationOptions options) {
  return std::make_shared<LayerNormalizationLayer>(std::move(options));
}

LayerRef GroupNormalization(GroupNormalizationOptions options) {
  return std::make_shared<GroupNormalizationLayer>(std::move(options));
}

LayerRef InstanceNormalization(GroupNormalizationOptions options) {
  return std::make_shared<GroupNormalizationLayer>(std::move(options),
                                                   GroupNormalizationLayer::Kind::instance);
}

LayerRef RMSNormalization(RMSNormalizationOptions options) {
  return std::make_shared<RMSNormalizationLayer>(std::move(options));
}

LayerRef UnitNormalization(std::vector<int64_t> axis, LayerOptions options) {
  return std::make_shared<UnitNormalizationLayer>(std::move(axis), std::move(options));
}

}  // namespace andiron::nn
