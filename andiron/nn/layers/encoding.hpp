#pragma once

#include <string>

#include "andiron/nn/layer.hpp"

/// What the layers of categories make of ids: Keras's output modes.
namespace andiron::nn {

enum class OutputMode : uint8_t { integer, one_hot, multi_hot, count, tf_idf };

/// "int", "one_hot", "multi_hot", "count", and where the layer has it "tf_idf". Throws Error naming
/// the layer otherwise.
OutputMode output_mode_from(const char* layer, const std::string& name, bool with_tf_idf = false);
const char* name_of(OutputMode mode);

/// ids [batch, ..., k] as vectors of `depth` numbers in float32. one_hot: one for each id, over a
/// last axis of 1 or behind the last axis; others: one of all ids along the last axis. Negative ids
/// are left out; ids from depth on are an error at run time.
Value encode_categories(const char* layer, const Value& ids, OutputMode mode, int64_t depth,
                        const Value& count_weights = {});

struct CategoryEncodingOptions {
  std::string output_mode = "multi_hot";
  std::string name = {};
};

/// Ids in [0, num_tokens) as vectors; with "count" a second input weights them.
class CategoryEncodingLayer : public Layer {
 public:
  explicit CategoryEncodingLayer(int64_t num_tokens, CategoryEncodingOptions options = {});
  std::string class_name() const override { return "CategoryEncoding"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  int64_t num_tokens_;
  OutputMode mode_;
};

LayerRef CategoryEncoding(int64_t num_tokens, CategoryEncodingOptions options = {});

}  // namespace andiron::nn
