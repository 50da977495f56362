#include "andiron/nn/layers/lookup.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <unordered_set>

#include "andiron/base/error.hpp"
#include "andiron/base/fingerprint.hpp"
#include "andiron/nn/layers/hashing.hpp"
#include "andiron/ops/category/category.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

using Json = nlohmann::json;

namespace {

constexpr int64_t kMissing = -2;  // -1 is the mask, whose id is left out of vectors

int64_t key_of(const std::string& text) { return static_cast<int64_t>(fingerprint64(text)); }
int64_t key_of(int64_t number) { return number; }

std::string shown(const std::string& token) { return "'" + token + "'"; }
std::string shown(int64_t token) { return std::to_string(token); }

std::string token_from(const std::string& line, const std::string*) { return line; }
int64_t token_from(const std::string& line, const int64_t*) {
  int64_t value = 0;
  const char* end = line.data() + line.size();
  const auto [at, error] = std::from_chars(line.data(), end, value);
  if (error != std::errc() || at != end)
    fail("[IntegerLookup] a vocabulary file has one integer a line; got '{}'", line);
  return value;
}

// Files are JSON, which is UTF-8.
bool can_be_saved(const std::string& token) {
  try {
    (void)Json(token).dump();
    return true;
  } catch (const Json::exception&) {
    return false;
  }
}
bool can_be_saved(int64_t) { return true; }

}  // namespace

template <class T>
std::string LookupLayer<T>::class_name() const {
  return std::is_same_v<T, std::string> ? "StringLookup" : "IntegerLookup";
}

template <class T>
LookupLayer<T>::LookupLayer(LookupOptions<T> options)
    : Layer({.name = options.name}),
      options_(std::move(options)),
      mode_(output_mode_from(class_name().c_str(), options_.output_mode, true)) {
  const std::string layer = class_name();
  if (options_.max_tokens && *options_.max_tokens <= 1)
    fail("[{}] max_tokens must be above 1; got {}", layer, *options_.max_tokens);
  if (options_.num_oov_indices < 0)
    fail("[{}] num_oov_indices must not be negative; got {}", layer, options_.num_oov_indices);
  if (options_.pad_to_max_tokens && !options_.max_tokens)
    fail("[{}] pad_to_max_tokens needs max_tokens", layer);
  if (options_.invert && mode_ != OutputMode::integer)
    fail("[{}] output_mode must be 'int' when invert is true; got '{}'", layer, name_of(mode_));
  if (options_.oov_method != "floormod" && options_.oov_method != "farmhash")
    fail("[{}] oov_method is floormod or farmhash; got '{}'", layer, options_.oov_method);
  if (!options_.salt.empty() && options_.salt.size() != 2)
    fail("[{}] salt is one number or two; got {}", layer, options_.salt.size());
  if (std::is_same_v<T, int64_t> && !options_.salt.empty() && options_.oov_method != "farmhash")
    fail("[{}] salt is for oov_method='farmhash'", layer);
}

template <class T>
Json LookupLayer<T>::config() const {
  Json config = Layer::config();
  config["max_tokens"] = options_.max_tokens ? Json(*options_.max_tokens) : Json();
  config["num_oov_indices"] = options_.num_oov_indices;
  config["mask_token"] = options_.mask_token ? Json(*options_.mask_token) : Json();
  config["oov_token"] = options_.oov_token;
  config["vocabulary"] = tokens_.empty() ? Json() : Json(tokens_);
  // By id, special tokens and pads included.
  config["idf_weights"] = idf_.empty() ? Json() : Json(idf_);
  config["invert"] = options_.invert;
  config["output_mode"] = name_of(mode_);
  config["pad_to_max_tokens"] = options_.pad_to_max_tokens;
  config["oov_method"] = options_.oov_method;
  config["salt"] = options_.salt.empty() ? Json() : Json(options_.salt);
  return config;
}

template <class T>
LayerPtr LookupLayer<T>::from_config(const Json& config) {
  auto given = [&](const char* key) { return config.contains(key) && !config.at(key).is_null(); };
  LookupOptions<T> o;
  if (given("max_tokens")) o.max_tokens = config.at("max_tokens").get<int64_t>();
  o.num_oov_indices = config.value("num_oov_indices", o.num_oov_indices);
  if (given("mask_token")) o.mask_token = config.at("mask_token").get<T>();
  if (given("oov_token")) o.oov_token = config.at("oov_token").get<T>();
  o.invert = config.value("invert", false);
  o.output_mode = config.value("output_mode", o.output_mode);
  o.pad_to_max_tokens = config.value("pad_to_max_tokens", false);
  o.oov_method = config.value("oov_method", o.oov_method);
  if (given("salt"))
    o.salt = config.at("salt").is_array()
                 ? config.at("salt").get<std::vector<int64_t>>()
                 : std::vector<int64_t>(2, config.at("salt").get<int64_t>());
  auto layer = std::make_shared<LookupLayer<T>>(o);
  if (!given("vocabulary")) return layer;
  std::vector<double> idf;
  if (given("idf_weights")) idf = config.at("idf_weights").get<std::vector<double>>();
  auto tokens = config.at("vocabulary").get<std::vector<T>>();
  const auto depth = static_cast<size_t>(
      o.pad_to_max_tokens ? *o.max_tokens
                          : layer->token_start() + static_cast<int64_t>(tokens.size()));
  if (idf.size() == depth && idf.size() != tokens.size()) {  // what `config` wrote
    layer->set_vocabulary(std::move(tokens), std::vector<double>(tokens.size(), 1.0));
    layer->idf_.assign(idf.begin(), idf.end());
  } else {
    layer->set_vocabulary(std::move(tokens), std::move(idf));
  }
  return layer;
}

template <class T>
void LookupLayer<T>::take_texts(const std::vector<bool>& texts) {
  expect_inputs(texts.size(), 1);
  const bool wants = std::is_same_v<T, std::string> && !options_.invert;
  if (texts[0] == wants) return;
  reject(wants ? "takes texts: an Input of dtype \"string\"; got numbers"
               : "takes integers; got texts");
}

template <class T>
void LookupLayer<T>::settle() {
  if (tokens_.empty()) reject("has no vocabulary: give one, or call adapt");
  settled_ = true;
}

template <class T>
void LookupLayer<T>::may_change() const {
  if (settled_)
    reject(
        "is part of a model that was compiled or has predicted, which keeps its vocabulary: set it "
        "before, or make the layer anew");
}

template <class T>
void LookupLayer<T>::set_vocabulary(std::vector<T> vocabulary, std::vector<double> idf_weights) {
  may_change();
  if (vocabulary.empty()) reject("a vocabulary has one token or more; got none");
  if ((mode_ == OutputMode::tf_idf) != !idf_weights.empty())
    reject(mode_ == OutputMode::tf_idf ? "needs idf_weights beside a vocabulary, or call adapt"
                                       : "idf_weights are for output_mode 'tf_idf'");
  if (!idf_weights.empty() && idf_weights.size() != vocabulary.size())
    reject(fmt::format("idf_weights must be one for each of {} tokens; got {}", vocabulary.size(),
                       idf_weights.size()));
  std::vector<T> specials;
  if (oov_start() == 1) specials.push_back(*options_.mask_token);
  specials.insert(specials.end(), static_cast<size_t>(options_.num_oov_indices),
                  options_.oov_token);
  const bool with_specials = vocabulary.size() >= specials.size() &&
                             std::equal(specials.begin(), specials.end(), vocabulary.begin()) &&
                             !specials.empty();
  std::vector<T> before = std::move(tokens_);
  tokens_.assign(vocabulary.begin() + (with_specials ? std::ssize(specials) : 0), vocabulary.end());
  try {
    check_tokens();
  } catch (...) {
    tokens_ = std::move(before);
    throw;
  }
  if (mode_ == OutputMode::tf_idf) set_idf(std::move(idf_weights), with_specials);
}

template <class T>
void LookupLayer<T>::check_tokens() const {
  std::unordered_set<T> seen;
  std::unordered_set<int64_t> keys;
  for (const T& token : tokens_) {
    if (!can_be_saved(token)) reject("the vocabulary has a text that is not UTF-8");
    if (!seen.insert(token).second)
      reject(fmt::format("the vocabulary has {} twice", shown(token)));
    if (!keys.insert(key_of(token)).second)
      reject(fmt::format("two tokens have the fingerprint of {}", shown(token)));
    if ((options_.mask_token && token == *options_.mask_token) ||
        (options_.invert && token == options_.oov_token))
      reject(fmt::format("{} may stand in the vocabulary among the special tokens in front only",
                         shown(token)));
  }
  const int64_t size = vocabulary_size();
  if (options_.max_tokens && size > *options_.max_tokens)
    reject(
        fmt::format("a vocabulary of {} tokens, special ones included, is larger than "
                    "max_tokens={}",
                    size, *options_.max_tokens));
}

// Weights of the tokens alone: special tokens get their mean.
template <class T>
void LookupLayer<T>::set_idf(std::vector<double> weights, bool with_specials) {
  if (!with_specials) {
    const double mean =
        std::accumulate(weights.begin(), weights.end(), 0.0) / static_cast<double>(weights.size());
    weights.insert(weights.begin(), static_cast<size_t>(token_start()), mean);
  }
  if (options_.pad_to_max_tokens) weights.resize(static_cast<size_t>(*options_.max_tokens), 0.0);
  idf_.assign(weights.begin(), weights.end());
}

template <class T>
void LookupLayer<T>::load_vocabulary(const std::string& path) {
  if (mode_ == OutputMode::tf_idf) reject("tf_idf takes no vocabulary from a file");
  std::ifstream file(path);
  if (!file) fail("[{}] cannot read the vocabulary file '{}'", class_name(), path);
  std::vector<T> tokens;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    tokens.push_back(token_from(line, static_cast<const T*>(nullptr)));
  }
  set_vocabulary(std::move(tokens));
}

template <class T>
void LookupLayer<T>::adapt(const TokenCounts<T>& counts) {
  may_change();
  if (counts.empty()) reject("adapt got no data: 0 tokens");
  std::vector<T> tokens;
  std::vector<double> idf;
  const auto most = options_.max_tokens ? *options_.max_tokens - token_start() : INT64_MAX;
  for (const auto& [token, entry] : counts.sorted()) {
    if (static_cast<int64_t>(tokens.size()) >= most) break;
    if ((options_.mask_token && token == *options_.mask_token) || token == options_.oov_token)
      continue;
    tokens.push_back(token);
    if (mode_ == OutputMode::tf_idf)
      idf.push_back(std::log(1.0 + static_cast<double>(counts.documents()) /
                                       (1.0 + static_cast<double>(entry.documents))));
  }
  set_vocabulary(std::move(tokens), std::move(idf));
}

template <class T>
std::vector<T> LookupLayer<T>::vocabulary(bool specials) const {
  std::vector<T> out;
  if (specials) {
    if (oov_start() == 1) out.push_back(*options_.mask_token);
    out.insert(out.end(), static_cast<size_t>(options_.num_oov_indices), options_.oov_token);
  }
  out.insert(out.end(), tokens_.begin(), tokens_.end());
  return out;
}

template <class T>
int64_t LookupLayer<T>::vocabulary_size() const {
  return token_start() + static_cast<int64_t>(tokens_.size());
}

template <class T>
Value LookupLayer<T>::looked_up(Value x) const {
  std::vector<int64_t> keys, ids;
  for (const T& token : tokens_) {
    ids.push_back(token_start() + static_cast<int64_t>(keys.size()));
    keys.push_back(key_of(token));
  }
  if (options_.mask_token) {
    keys.push_back(key_of(*options_.mask_token));
    ids.push_back(mode_ == OutputMode::integer ? 0 : -1);
  }
  const ops::LookupTable table = ops::make_lookup_table(keys, ids);
  const int64_t n_oov = options_.num_oov_indices;
  const Value found = ops::lookup(x, constant(table.keys), constant(table.ids),
                                  n_oov == 1 ? oov_start() : kMissing, n_oov == 0);
  if (n_oov <= 1) return found;
  const bool text = std::is_same_v<T, std::string>;
  const bool hashed = options_.oov_method == "farmhash";
  const Value buckets = ops::hash_bins(x, n_oov,
                                       text     ? "fingerprint"
                                       : hashed ? "digits"
                                                : "remainder",
                                       options_.salt);
  return ops::where(ops::equal(found, integer_constant(kMissing)),
                    buckets + integer_constant(oov_start()), found);
}

template <class T>
Value LookupLayer<T>::tokens_of(Value ids) const {
  if constexpr (std::is_same_v<T, std::string>) {
    (void)ids;
    reject(
        "with invert it makes texts, which no network computes with: call it on what predict "
        "gives");
  } else {
    const std::vector<int64_t> all = vocabulary();
    const Value table = constant(Tensor::from(all, {static_cast<int64_t>(all.size())}));
    const Value known =
        ops::logical_and(ops::greater_equal(ids, integer_constant(0)),
                         ops::less(ids, integer_constant(static_cast<int64_t>(all.size()))));
    return ops::where(known, ops::gather(table, ops::where(known, ids, integer_constant(0))),
                      integer_constant(options_.oov_token));
  }
}

template <class T>
std::vector<Value> LookupLayer<T>::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 1);
  Value x = inputs[0];
  if (x.dtype() != DType::i64) x = ops::cast(x, DType::i64);
  if (options_.invert) return {tokens_of(x)};
  if (mode_ != OutputMode::integer && tokens_.empty() && !options_.pad_to_max_tokens)
    reject("has no vocabulary, which says how long its vectors are: give one, or call adapt");
  const int64_t depth = options_.pad_to_max_tokens ? *options_.max_tokens : vocabulary_size();
  const OutputMode mode = mode_ == OutputMode::tf_idf ? OutputMode::count : mode_;
  const Value y = encode_categories(class_name().c_str(), looked_up(x), mode, depth);
  if (mode_ != OutputMode::tf_idf) return {y};
  if (idf_.empty()) reject("has no idf_weights: give them with the vocabulary, or call adapt");
  return {y * constant(Tensor::from(idf_, {depth}))};
}

template class LookupLayer<std::string>;
template class LookupLayer<int64_t>;

LayerRef StringLookup(std::vector<std::string> vocabulary, StringLookupOptions options) {
  auto layer = std::make_shared<StringLookupLayer>(std::move(options));
  layer->set_vocabulary(std::move(vocabulary));
  return layer;
}

LayerRef IntegerLookup(std::vector<int64_t> vocabulary, IntegerLookupOptions options) {
  auto layer = std::make_shared<IntegerLookupLayer>(std::move(options));
  layer->set_vocabulary(std::move(vocabulary));
  return layer;
}

}  // namespace andiron::nn
