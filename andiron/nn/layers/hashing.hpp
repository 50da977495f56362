#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "andiron/nn/layers/encoding.hpp"
#include "andiron/nn/texts.hpp"

namespace andiron::nn {

/// A category as users write it: none, an integer, or a text.
using Category = std::variant<std::monostate, int64_t, std::string>;

struct HashingOptions {
  Category mask_value = {};        ///< gets id 0, and no other category does
  std::vector<int64_t> salt = {};  ///< none, or the two words of SipHash's key
  std::string output_mode = "int";
  /// Whether the inputs are texts. Found out at the first use in a network; needed for `call` on
  /// Values.
  std::optional<bool> texts = {};
  std::string name = {};
};

/// Integers or texts as ids in [0, num_bins): FarmHash64 of the text, or of the integer's digits,
/// modulo num_bins, which is what Keras computes. With a salt SipHash-2-4 in its place; of texts it
/// takes the fingerprint's bytes, not the text as Keras does.
class HashingLayer : public Layer, public TakesTexts {
 public:
  explicit HashingLayer(int64_t num_bins, HashingOptions options = {});
  std::string class_name() const override { return "Hashing"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);
  void take_texts(const std::vector<bool>& texts) override;

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  int64_t num_bins_;
  HashingOptions options_;
  OutputMode mode_;
};

struct HashedCrossingOptions {
  std::string output_mode = "int";  ///< or "one_hot"
  std::string name = {};
};

/// Integer or text features of one shape, [batch] or [batch, 1], hashed together to ids in
/// [0, num_bins), as Keras (tf.sparse.cross_hashed) does.
class HashedCrossingLayer : public Layer, public TakesTexts {
 public:
  explicit HashedCrossingLayer(int64_t num_bins, HashedCrossingOptions options = {});
  std::string class_name() const override { return "HashedCrossing"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);
  void take_texts(const std::vector<bool>&) override {}  // a text's fingerprint is its number

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  int64_t num_bins_;
  OutputMode mode_;
};

LayerRef Hashing(int64_t num_bins, HashingOptions options = {});
LayerRef HashedCrossing(int64_t num_bins, HashedCrossingOptions options = {});

/// An int64 constant, exact.
Value integer_constant(int64_t value);
Category category_from(const nlohmann::json& config, const char* key);
nlohmann::json category_config(const Category& category);

}  // namespace andiron::nn
