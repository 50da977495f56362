#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "andiron/nn/layers/encoding.hpp"
#include "andiron/nn/settled.hpp"
#include "andiron/nn/texts.hpp"
#include "andiron/nn/token_counts.hpp"

namespace andiron::nn {

/// Keras's: "[UNK]" and -1.
template <class T>
T default_oov_token() {
  if constexpr (std::is_same_v<T, std::string>)
    return "[UNK]";
  else
    return -1;
}

/// Settings of StringLookup (T is std::string) and IntegerLookup (int64_t), with Keras's names.
template <class T>
struct LookupOptions {
  std::optional<int64_t> max_tokens = {};  ///< special tokens included
  int64_t num_oov_indices = 1;  ///< ids for tokens that are not in the vocabulary; 0: an error
  std::optional<T> mask_token = {};
  T oov_token = default_oov_token<T>();
  bool invert = false;  ///< ids to tokens
  std::string output_mode = "int";
  bool pad_to_max_tokens = false;
  /// Which of several oov ids an integer gets: "floormod", or "farmhash" of its digits.
  std::string oov_method = "floormod";
  std::vector<int64_t> salt = {};  ///< of the oov ids: none, or SipHash's key
  std::string name = {};
};

/// Tokens as ids in the order of a vocabulary, behind the ids of the mask token (0, with "int"
/// only) and of unknown tokens. The vocabulary is given, or counted by `adapt`; a network that has
/// been traced keeps the one it saw, so it must not change later.
template <class T>
class LookupLayer : public Layer, public TakesTexts, public Settles {
 public:
  explicit LookupLayer(LookupOptions<T> options = {});
  std::string class_name() const override;
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);
  void take_texts(const std::vector<bool>& texts) override;
  void settle() override;

  /// With or without the special tokens in front. `idf_weights`: with tf_idf only, one for each
  /// entry. Throws Error for repeated tokens and for more than max_tokens.
  void set_vocabulary(std::vector<T> vocabulary, std::vector<double> idf_weights = {});
  /// One token a line (UTF-8).
  void load_vocabulary(const std::string& path);
  /// The most frequent tokens of data.
  void adapt(const TokenCounts<T>& counts);
  /// By id; the mask token (with "int") and the oov token in front where `specials`.
  std::vector<T> vocabulary(bool specials = true) const;
  int64_t vocabulary_size() const;

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  int64_t oov_start() const { return options_.mask_token && mode_ == OutputMode::integer ? 1 : 0; }
  int64_t token_start() const { return oov_start() + options_.num_oov_indices; }
  void may_change() const;
  void check_tokens() const;
  void set_idf(std::vector<double> weights, bool with_specials);
  Value looked_up(Value x) const;
  Value tokens_of(Value ids) const;

  LookupOptions<T> options_;
  OutputMode mode_;
  std::vector<T> tokens_;   // without special ones
  std::vector<float> idf_;  // by id, with pads
  bool settled_ = false;
};

using StringLookupLayer = LookupLayer<std::string>;
using IntegerLookupLayer = LookupLayer<int64_t>;
using StringLookupOptions = LookupOptions<std::string>;
using IntegerLookupOptions = LookupOptions<int64_t>;

LayerRef StringLookup(std::vector<std::string> vocabulary, StringLookupOptions options = {});
LayerRef IntegerLookup(std::vector<int64_t> vocabulary, IntegerLookupOptions options = {});

}  // namespace andiron::nn
