#include "andiron/nn/layers/hashing.hpp"

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/base/fingerprint.hpp"
#include "andiron/ops/category/category.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

using Json = nlohmann::json;

Value integer_constant(int64_t value) {
  Tensor t(DType::i64, {});
  *t.data<int64_t>() = value;
  return constant(t);
}

Category category_from(const Json& config, const char* key) {
  if (!config.contains(key) || config.at(key).is_null()) return {};
  if (config.at(key).is_string()) return config.at(key).get<std::string>();
  return config.at(key).get<int64_t>();
}

Json category_config(const Category& category) {
  if (const auto* number = std::get_if<int64_t>(&category)) return *number;
  if (const auto* text = std::get_if<std::string>(&category)) return *text;
  return nullptr;
}

HashingLayer::HashingLayer(int64_t num_bins, HashingOptions options)
    : Layer({.name = options.name}),
      num_bins_(num_bins),
      options_(std::move(options)),
      mode_(output_mode_from("Hashing", options_.output_mode)) {
  if (num_bins < 1) fail("[Hashing] num_bins must be positive; got {}", num_bins);
  if (!options_.salt.empty() && options_.salt.size() != 2)
    fail("[Hashing] salt is one number or two; got {}", options_.salt.size());
}

Json HashingLayer::config() const {
  Json config = Layer::config();
  config["num_bins"] = num_bins_;
  config["mask_value"] = category_config(options_.mask_value);
  config["salt"] = options_.salt.empty() ? Json() : Json(options_.salt);
  config["output_mode"] = name_of(mode_);
  config["texts"] = options_.texts ? Json(*options_.texts) : Json();
  return config;
}

LayerPtr HashingLayer::from_config(const Json& config) {
  HashingOptions o;
  o.mask_value = category_from(config, "mask_value");
  if (config.contains("salt") && !config.at("salt").is_null()) {
    const Json& salt = config.at("salt");
    o.salt = salt.is_array() ? salt.get<std::vector<int64_t>>()
                             : std::vector<int64_t>(2, salt.get<int64_t>());
  }
  o.output_mode = config.value("output_mode", o.output_mode);
  if (config.contains("texts") && !config.at("texts").is_null())
    o.texts = config.at("texts").get<bool>();
  return std::make_shared<HashingLayer>(config.at("num_bins").get<int64_t>(), o);
}

void HashingLayer::take_texts(const std::vector<bool>& texts) {
  expect_inputs(texts.size(), 1);
  if (options_.texts && *options_.texts != texts[0])
    reject(fmt::format("was used for {}; got {}", *options_.texts ? "texts" : "integers",
                       texts[0] ? "texts" : "integers"));
  options_.texts = texts[0];
}

std::vector<Value> HashingLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 1);
  Value x = inputs[0];
  const bool texts = options_.texts.value_or(false);
  if (x.dtype() != DType::i32 && x.dtype() != DType::i64) x = ops::cast(x, DType::i64);
  const bool masked = options_.mask_value.index() != 0 && num_bins_ > 1;
  Value bins = ops::hash_bins(x, masked ? num_bins_ - 1 : num_bins_,
                              texts ? "fingerprint" : "digits", options_.salt);
  if (masked) {
    const auto* text = std::get_if<std::string>(&options_.mask_value);
    if ((text != nullptr) != texts)
      reject(
          fmt::format("mask_value must be {}, as its inputs are", texts ? "a text" : "an integer"));
    const int64_t key = text != nullptr ? static_cast<int64_t>(fingerprint64(*text))
                                        : std::get<int64_t>(options_.mask_value);
    if (x.dtype() != DType::i64) x = ops::cast(x, DType::i64);
    bins = ops::where(ops::equal(x, integer_constant(key)), integer_constant(0),
                      bins + integer_constant(1));
  }
  return {encode_categories("Hashing", bins, mode_, num_bins_)};
}

HashedCrossingLayer::HashedCrossingLayer(int64_t num_bins, HashedCrossingOptions options)
    : Layer({.name = options.name}),
      num_bins_(num_bins),
      mode_(output_mode_from("HashedCrossing", options.output_mode)) {
  if (num_bins < 1) fail("[HashedCrossing] num_bins must be positive; got {}", num_bins);
  if (mode_ != OutputMode::integer && mode_ != OutputMode::one_hot)
    fail("[HashedCrossing] output_mode is int or one_hot; got '{}'", options.output_mode);
}

Json HashedCrossingLayer::config() const {
  Json config = Layer::config();
  config["num_bins"] = num_bins_;
  config["output_mode"] = name_of(mode_);
  return config;
}

LayerPtr HashedCrossingLayer::from_config(const Json& config) {
  return std::make_shared<HashedCrossingLayer>(
      config.at("num_bins").get<int64_t>(),
      HashedCrossingOptions{.output_mode = config.value("output_mode", "int")});
}

std::vector<Value> HashedCrossingLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  if (inputs.size() < 2) reject(fmt::format("takes two features or more; got {}", inputs.size()));
  for (const Value& x : inputs) {
    const Shape& shape = inputs[0].shape();
    if (x.shape() != shape || x.rank() > 2 || (x.rank() == 2 && !(shape[1] == Dim(1))))
      reject(fmt::format("needs features of one shape, [batch] or [batch,1]; got {} and {}",
                         shape.str(), x.shape().str()));
    if (!is_integer(x.dtype()))
      reject(fmt::format("needs integers or texts; got {}", name_of(x.dtype())));
  }
  return {
      encode_categories("HashedCrossing", ops::cross_bins(inputs, num_bins_), mode_, num_bins_)};
}

LayerRef Hashing(int64_t num_bins, HashingOptions options) {
  return std::make_shared<HashingLayer>(num_bins, std::move(options));
}
LayerRef HashedCrossing(int64_t num_bins, HashedCrossingOptions options) {
  return std::make_shared<HashedCrossingLayer>(num_bins, std::move(options));
}

}  // namespace andiron::nn
