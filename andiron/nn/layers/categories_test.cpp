#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/base/fingerprint.hpp"
#include "andiron/nn/layer_testing.hpp"
#include "andiron/nn/layers.hpp"
#include "andiron/nn/model.hpp"
#include "andiron/nn/predictor.hpp"
#include "andiron/nn/texts.hpp"

namespace andiron::nn {
namespace {

using testing::error_of;
using testing::expect_near;
using testing::f32;
using testing::i32;
using testing::run_layer_test;

TensorType i64(std::vector<int64_t> sizes) {
  TensorType type = i32(std::move(sizes));
  type.dtype = DType::i64;
  return type;
}

Tensor texts(const std::vector<std::string>& values) {
  Tensor t(DType::i64, {static_cast<int64_t>(values.size())});
  for (size_t i = 0; i < values.size(); ++i)
    t.data<int64_t>()[i] = static_cast<int64_t>(fingerprint64(values[i]));
  return t;
}

SymbolicTensor text_input() { return TextInput({}, "word"); }

TEST(Categories, layers_are_saved_and_loaded) {
  const auto check = [](const LayerRef& layer, TensorType in, TensorType out) {
    run_layer_test(layer, {.inputs = {std::move(in)},
                           .outputs = {std::move(out)},
                           .differentiable = false,
                           .max_id = 3});
  };
  check(Hashing(5), i32({2}), i64({2}));
  check(Hashing(5, {.mask_value = int64_t{1}, .salt = {1, 2}, .output_mode = "count"}), i32({2}),
        f32({5}));
  check(IntegerLookup({7, 1, 2}), i64({2}), i64({2}));
  check(IntegerLookup({1, 2}, {.num_oov_indices = 3, .mask_token = 0, .output_mode = "multi_hot"}),
        i64({2}), f32({5}));
  check(IntegerLookup({7, 1, 2}, {.invert = true}), i64({2}), i64({2}));
  check(CategoryEncoding(4, {.output_mode = "one_hot"}), i32({1}), f32({4}));
  check(CategoryEncoding(4), i32({3}), f32({4}));
  check(Discretization({.bin_boundaries = {-0.5, 0.5}}), f32({2}), [] {
    TensorType type = i32({2});
    return type;
  }());
  run_layer_test(HashedCrossing(9),
                 {.inputs = {i32({1}), i64({1})}, .outputs = {i64({1})}, .differentiable = false});
}

TEST(Categories, texts_are_looked_up_in_a_model) {
  const SymbolicTensor word = text_input();
  const LayerRef lookup = StringLookup({"red", "green"});
  const ModelPtr model = Model(word, Dense(2)(Embedding(3, 4)(lookup(Reshape({1})(word)))));
  EXPECT_EQ(text_inputs(*model), std::vector<bool>{true});
  const Tensor ids =
      Predictor(Model(word, lookup(word))).predict({texts({"green", "x", "red"})})[0];
  EXPECT_EQ(ids.item(0), 2);
  EXPECT_EQ(ids.item(1), 0);
  EXPECT_EQ(ids.item(2), 1);
  // A network that was traced keeps its vocabulary.
  auto* core = dynamic_cast<StringLookupLayer*>(&*lookup);
  EXPECT_NE(error_of([&] { core->set_vocabulary({"blue"}); }).find("keeps its vocabulary"),
            std::string::npos);
}

TEST(Categories, numbers_and_texts_are_told_apart) {
  const SymbolicTensor word = text_input(), number = Input({}, {.dtype = DType::i64});
  EXPECT_NE(error_of([&] { Dense(2)(Reshape({1})(word)); }).find("takes numbers; got texts"),
            std::string::npos);
  EXPECT_NE(error_of([&] { StringLookup({"a"})(number); }).find("takes texts"), std::string::npos);
  EXPECT_NE(error_of([&] { IntegerLookup({1})(word); }).find("takes integers; got texts"),
            std::string::npos);
  const LayerRef hash = Hashing(4);
  hash(word);
  EXPECT_NE(error_of([&] { hash(number); }).find("was used for texts; got integers"),
            std::string::npos);
}

TEST(Categories, tokens_are_counted_in_kerass_order) {
  TokenCounts<std::string> counts;
  for (const char* token : {"b", "a", "c", "a", "c", "d"}) counts.add(token);
  StringLookupLayer layer({.max_tokens = 4, .oov_token = "[UNK]"});
  layer.adapt(counts);
  EXPECT_EQ(layer.vocabulary(), (std::vector<std::string>{"[UNK]", "c", "a", "d"}));
}

TEST(Categories, what_is_not_in_a_vocabulary_without_oov_ids_is_an_error) {
  const SymbolicTensor x = Input({}, {.dtype = DType::i64});
  const Predictor p(Model(x, IntegerLookup({5, 6}, {.num_oov_indices = 0})(x)));
  EXPECT_EQ(p.predict({Tensor::from<int64_t>({6, 5}, {2})})[0].item(0), 1);
  EXPECT_THROW((void)p.predict({Tensor::from<int64_t>({6, 7}, {2})}), Error);
}

TEST(Layers, noise_masks_and_merging) {
  run_layer_test(GaussianNoise(0.5), {.inputs = {f32({3})}, .outputs = {f32({3})}});
  run_layer_test(GaussianDropout(0.5), {.inputs = {f32({3})}, .outputs = {f32({3})}});
  run_layer_test(AlphaDropout(0.5), {.inputs = {f32({3})}, .outputs = {f32({3})}});
  run_layer_test(ActivityRegularization(0.1, 0.2), {.inputs = {f32({3})}, .outputs = {f32({3})}});
  run_layer_test(Identity(), {.inputs = {f32({3})}, .outputs = {f32({3})}});
  run_layer_test(RepeatVector(2), {.inputs = {f32({3})}, .outputs = {f32({2, 3})}});
  run_layer_test(Cropping2D({{1, 0}, {0, 2}}),
                 {.inputs = {f32({2, 3, 4})}, .outputs = {f32({2, 2, 2})}});
  run_layer_test(Rescaling({2.0}, {.offset = {1.0}}),
                 {.inputs = {i32({3})}, .outputs = {f32({3})}});
  run_layer_test(Resizing(2, 3), {.inputs = {f32({2, 4, 4})}, .outputs = {f32({2, 2, 3})}});
  for (const LayerRef& layer : {Average(), Maximum(), Minimum(), Subtract()})
    run_layer_test(layer, {.inputs = {f32({3}), f32({3})}, .outputs = {f32({3})}});
}

TEST(Layers, products) {
  run_layer_test(Bilinear(4), {.inputs = {f32({2}), f32({3})},
                               .outputs = {f32({4})},
                               .n_weights = 2,
                               .n_trainable = 2,
                               .n_params = 28});
  run_layer_test(Highway({.activation = "tanh"}), {.inputs = {f32({3})},
                                                   .outputs = {f32({3})},
                                                   .n_weights = 4,
                                                   .n_trainable = 4,
                                                   .n_params = 24});
  run_layer_test(MaxoutDense(2, {.nb_feature = 3, .use_bias = false}), {.inputs = {f32({4})},
                                                                        .outputs = {f32({2})},
                                                                        .n_weights = 1,
                                                                        .n_trainable = 1,
                                                                        .n_params = 24});
  run_layer_test(EinsumDense("abc,cde->abde", {-1, 2, 3}, {.bias_axes = "e"}),
                 {.inputs = {f32({5, 4})},
                  .outputs = {f32({5, 2, 3})},
                  .n_weights = 2,
                  .n_trainable = 2,
                  .n_params = 27});
  run_layer_test(TimeDistributed(Dense(2)), {.inputs = {f32({5, 4})},
                                             .outputs = {f32({5, 2})},
                                             .n_weights = 2,
                                             .n_trainable = 2,
                                             .n_params = 10});
}

}  // namespace
}  // namespace andiron::nn
