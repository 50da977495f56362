#include "andiron/nn/layers/embedding.hpp"

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/masks.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

namespace {

void check_sizes(const char* layer, int64_t input_dim, int64_t output_dim) {
  if (input_dim <= 0) fail("[{}] input_dim must be positive; got {}", layer, input_dim);
  if (output_dim <= 0) fail("[{}] output_dim must be positive; got {}", layer, output_dim);
}

// NumPy's default integers and floats are taken, as in Keras.
Value as_ids(const Value& x) {
  return x.dtype() == DType::i32 || x.dtype() == DType::i64 ? x : ops::cast(x, DType::i32);
}

}  // namespace

EmbeddingLayer::EmbeddingLayer(int64_t input_dim, int64_t output_dim, EmbeddingOptions options)
    : Layer({.name = options.name, .trainable = options.trainable}),
      input_dim_(input_dim),
      output_dim_(output_dim),
      options_(std::move(options)) {
  check_sizes("Embedding", input_dim, output_dim);
}

nlohmann::json EmbeddingLayer::config() const {
  nlohmann::json config = Layer::config();
  config["input_dim"] = input_dim_;
  config["output_dim"] = output_dim_;
  config["embeddings_initializer"] = options_.embeddings_initializer.config();
  config["embeddings_regularizer"] = options_.embeddings_regularizer.config();
  config["embeddings_constraint"] = options_.embeddings_constraint.config();
  if (options_.mask_zero) config["mask_zero"] = true;
  return config;
}

LayerPtr EmbeddingLayer::from_config(const nlohmann::json& config) {
  EmbeddingOptions options;
  options.embeddings_initializer = Initializer::from_config(config.at("embeddings_initializer"));
  options.embeddings_regularizer = Regularizer::from_config(config.at("embeddings_regularizer"));
  options.embeddings_constraint =
      Constraint::from_config(config.value("embeddings_constraint", nlohmann::json()));
  options.mask_zero = config.value("mask_zero", false);
  return std::make_shared<EmbeddingLayer>(config.at("input_dim").get<int64_t>(),
                                          config.at("output_dim").get<int64_t>(), options);
}

void EmbeddingLayer::build_variables(const std::vector<TensorType>& inputs) {
  expect_inputs(inputs.size(), 1);
  table_ = add_weight("embeddings", {input_dim_, output_dim_}, options_.embeddings_initializer,
                      options_.embeddings_regularizer);
  constrain(table_, options_.embeddings_constraint);
}

std::vector<Value> EmbeddingLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 1);
  const Value ids = as_ids(inputs[0]);
  const Value rows = ops::embedding(read(table_), ids);
  if (options_.mask_zero) Masks::set(rows, ops::not_equal(ids, constant(0.0, ids.dtype())));
  return {rows};
}

LayerRef Embedding(int64_t input_dim, int64_t output_dim, EmbeddingOptions options) {
  return std::make_shared<EmbeddingLayer>(input_dim, output_dim, std::move(options));
}

EmbeddingBagLayer::EmbeddingBagLayer(int64_t input_dim, int64_t output_dim,
                                     EmbeddingBagOptions options)
    : Layer({.name = options.name, .trainable = options.trainable}),
      input_dim_(input_dim),
      output_dim_(output_dim),
      options_(std::move(options)) {
  check_sizes("EmbeddingBag", input_dim, output_dim);
  if (options_.combiner != "sum" && options_.combiner != "mean")
    fail("[EmbeddingBag] combiner must be sum or mean; got '{}'", options_.combiner);
}

nlohmann::json EmbeddingBagLayer::config() const {
  nlohmann::json config = Layer::config();
  config["input_dim"] = input_dim_;
  config["output_dim"] = output_dim_;
  config["combiner"] = options_.combiner;
  config["embeddings_initializer"] = options_.embeddings_initializer.config();
  config["embeddings_regularizer"] = options_.embeddings_regularizer.config();
  return config;
}

LayerPtr EmbeddingBagLayer::from_config(const nlohmann::json& config) {
  EmbeddingBagOptions options;
  options.combiner = config.value("combiner", options.combiner);
  options.embeddings_initializer = Initializer::from_config(config.at("embeddings_initializer"));
  options.embeddings_regularizer = Regularizer::from_config(config.at("embeddings_regularizer"));
  return std::make_shared<EmbeddingBagLayer>(config.at("input_dim").get<int64_t>(),
                                             config.at("output_dim").get<int64_t>(), options);
}

void EmbeddingBagLayer::build_variables(const std::vector<TensorType>& inputs) {
  if (inputs.size() != 1 && inputs.size() != 2)
    reject(fmt::format("takes ids, or ids and weights; got {} inputs", inputs.size()));
  if (inputs[0].shape.rank() != 2)
    reject(fmt::format("needs ids of rank 2, [batch, k]; got {}", inputs[0].shape.str()));
  table_ = add_weight("embeddings", {input_dim_, output_dim_}, options_.embeddings_initializer,
                      options_.embeddings_regularizer);
}

std::vector<Value> EmbeddingBagLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  const Value weights = inputs.size() == 2 ? inputs[1] : Value();
  return {ops::embedding_bag(read(table_), as_ids(inputs[0]), weights, options_.combiner)};
}

LayerRef EmbeddingBag(int64_t input_dim, int64_t output_dim, EmbeddingBagOptions options) {
  return std::make_shared<EmbeddingBagLayer>(input_dim, output_dim, std::move(options));
}

}  // namespace andiron::nn
