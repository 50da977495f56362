#include "andiron/nn/layers/encoding.hpp"

#include <iterator>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/ops/category/category.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

namespace {
constexpr const char* kModes[] = {"int", "one_hot", "multi_hot", "count", "tf_idf"};
}  // namespace

const char* name_of(OutputMode mode) { return kModes[static_cast<size_t>(mode)]; }

OutputMode output_mode_from(const char* layer, const std::string& name, bool with_tf_idf) {
  const size_t n = with_tf_idf ? 5 : 4;
  for (size_t i = 0; i < n; ++i)
    if (name == kModes[i]) return static_cast<OutputMode>(i);
  fail("[{}] output_mode is int, one_hot, multi_hot{}; got '{}'", layer,
       with_tf_idf ? ", count or tf_idf" : " or count", name);
}

Value encode_categories(const char* layer, const Value& ids, OutputMode mode, int64_t depth,
                        const Value& count_weights) {
  if (mode == OutputMode::integer) return ids;
  if (mode == OutputMode::one_hot) {
    const bool single = ids.rank() > 1 && ids.shape().back() == Dim(1);
    return ops::multi_hot(single ? ids : ops::expand_dims(ids, -1), depth);
  }
  if (ids.rank() < 2)
    fail(
        "[{}] output_mode {} needs ids [batch, k], a sample of k ids each; got {}. For one id a "
        "sample take one_hot",
        layer, name_of(mode), ids.shape().str());
  return ops::multi_hot(ids, depth, mode != OutputMode::multi_hot, count_weights);
}

CategoryEncodingLayer::CategoryEncodingLayer(int64_t num_tokens, CategoryEncodingOptions options)
    : Layer({.name = options.name}),
      num_tokens_(num_tokens),
      mode_(output_mode_from("CategoryEncoding", options.output_mode)) {
  if (num_tokens < 1) fail("[CategoryEncoding] num_tokens must be positive; got {}", num_tokens);
  if (mode_ == OutputMode::integer)
    fail("[CategoryEncoding] output_mode is one_hot, multi_hot or count; got 'int'");
}

nlohmann::json CategoryEncodingLayer::config() const {
  nlohmann::json config = Layer::config();
  config["num_tokens"] = num_tokens_;
  config["output_mode"] = name_of(mode_);
  return config;
}

LayerPtr CategoryEncodingLayer::from_config(const nlohmann::json& config) {
  return std::make_shared<CategoryEncodingLayer>(
      config.at("num_tokens").get<int64_t>(),
      CategoryEncodingOptions{.output_mode = config.value("output_mode", "multi_hot")});
}

std::vector<Value> CategoryEncodingLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  if (inputs.empty() || inputs.size() > 2)
    reject(fmt::format("takes ids, or ids and count_weights; got {} inputs", inputs.size()));
  Value ids = inputs[0], weights;
  if (ids.dtype() != DType::i32 && ids.dtype() != DType::i64) ids = ops::cast(ids, DType::i32);
  if (inputs.size() == 2) {
    if (mode_ != OutputMode::count)
      reject(fmt::format("count_weights are for output_mode 'count'; it has '{}'", name_of(mode_)));
    weights = inputs[1].dtype() == DType::f32 ? inputs[1] : ops::cast(inputs[1], DType::f32);
  }
  return {encode_categories("CategoryEncoding", ids, mode_, num_tokens_, weights)};
}

LayerRef CategoryEncoding(int64_t num_tokens, CategoryEncodingOptions options) {
  return std::make_shared<CategoryEncodingLayer>(num_tokens, std::move(options));
}

}  // namespace andiron::nn
