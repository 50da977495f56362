#include "andiron/nn/layers/wide.hpp"

#include <nlohmann/json.hpp>
#include <numeric>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers/activation.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

WideLinearLayer::WideLinearLayer(std::vector<int64_t> column_sizes, WideLinearOptions options)
    : Layer({.name = options.name, .trainable = options.trainable}),
      column_sizes_(std::move(column_sizes)),
      options_(std::move(options)) {
  if (column_sizes_.empty()) fail("[WideLinear] column_sizes is empty");
  for (int64_t size : column_sizes_)
    if (size <= 0) fail("[WideLinear] column_sizes must be positive; got {}", str(column_sizes_));
  if (options_.units <= 0) fail("[WideLinear] units must be positive; got {}", options_.units);
  check_activation(options_.activation);
}

nlohmann::json WideLinearLayer::config() const {
  nlohmann::json config = Layer::config();
  config["column_sizes"] = column_sizes_;
  config["units"] = options_.units;
  config["use_bias"] = options_.use_bias;
  config["activation"] = options_.activation.empty() ? "linear" : options_.activation;
  config["kernel_initializer"] = options_.kernel_initializer.config();
  config["bias_initializer"] = options_.bias_initializer.config();
  config["kernel_regularizer"] = options_.kernel_regularizer.config();
  return config;
}

LayerPtr WideLinearLayer::from_config(const nlohmann::json& config) {
  WideLinearOptions options;
  options.units = config.value("units", options.units);
  options.use_bias = config.value("use_bias", options.use_bias);
  options.activation = config.value("activation", options.activation);
  options.kernel_initializer = Initializer::from_config(config.at("kernel_initializer"));
  options.bias_initializer = Initializer::from_config(config.at("bias_initializer"));
  options.kernel_regularizer = Regularizer::from_config(config.at("kernel_regularizer"));
  return std::make_shared<WideLinearLayer>(config.at("column_sizes").get<std::vector<int64_t>>(),
                                           options);
}

void WideLinearLayer::build_variables(const std::vector<TensorType>& inputs) {
  if (inputs.size() != 1 && inputs.size() != 2)
    reject(fmt::format("takes ids, or ids and values; got {} inputs", inputs.size()));
  const Shape& shape = inputs[0].shape;
  const auto n_columns = static_cast<int64_t>(column_sizes_.size());
  if (shape.rank() != 2 || !(n_columns == 1 || shape[1] == Dim(n_columns)))
    reject(fmt::format("needs ids [batch,{}], one for each of column_sizes; got {}", n_columns,
                       shape.str()));
  const int64_t n_ids = std::accumulate(column_sizes_.begin(), column_sizes_.end(), int64_t{0});
  kernel_ = add_weight("kernel", {n_ids, options_.units}, options_.kernel_initializer,
                       options_.kernel_regularizer);
  if (options_.use_bias) bias_ = add_weight("bias", {options_.units}, options_.bias_initializer);
}

std::vector<Value> WideLinearLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  Value ids = inputs[0];
  if (ids.dtype() != DType::i32 && ids.dtype() != DType::i64) ids = ops::cast(ids, DType::i32);
  if (column_sizes_.size() > 1) ids = ops::column_ids(ids, column_sizes_);
  Value y = ops::embedding_bag(read(kernel_), ids, inputs.size() == 2 ? inputs[1] : Value());
  if (bias_) y = y + read(bias_);
  return {apply_activation(options_.activation, y)};
}

LayerRef WideLinear(std::vector<int64_t> column_sizes, WideLinearOptions options) {
  return std::make_shared<WideLinearLayer>(std::move(column_sizes), std::move(options));
}

HashedCrossLayer::HashedCrossLayer(int64_t num_bins, HashedCrossOptions options)
    : Layer({.name = options.name}), num_bins_(num_bins), seed_(options.seed) {
  if (num_bins <= 0) fail("[HashedCross] num_bins must be positive; got {}", num_bins);
}

nlohmann::json HashedCrossLayer::config() const {
  nlohmann::json config = Layer::config();
  config["num_bins"] = num_bins_;
  config["seed"] = seed_;
  return config;
}

LayerPtr HashedCrossLayer::from_config(const nlohmann::json& config) {
  return std::make_shared<HashedCrossLayer>(
      config.at("num_bins").get<int64_t>(),
      HashedCrossOptions{.seed = config.value("seed", int64_t{0})});
}

std::vector<Value> HashedCrossLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  if (inputs.empty()) reject("takes one feature or more; got none");
  const Shape shape = inputs[0].shape();
  std::vector<Value> columns;
  for (const Value& x : inputs) {
    if (x.shape() != shape || x.rank() > 2 || (x.rank() == 2 && !(shape[1] == Dim(1))))
      reject(fmt::format("needs features of one shape, [batch] or [batch,1]; got {} and {}",
                         shape.str(), x.shape().str()));
    if (!is_integer(x.dtype()))
      reject(fmt::format("needs integer features; got {}", name_of(x.dtype())));
    columns.push_back(x.rank() == 1 ? x : ops::reshape(x, {shape[0]}));
  }
  return {ops::reshape(ops::hash_cross(columns, num_bins_, seed_), shape)};
}

LayerRef HashedCross(int64_t num_bins, HashedCrossOptions options) {
  return std::make_shared<HashedCrossLayer>(num_bins, std::move(options));
}

}  // namespace andiron::nn
