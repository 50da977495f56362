#include "andiron/nn/layers/normalization.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "andiron/nn/layer_testing.hpp"
#include "andiron/nn/model.hpp"
#include "andiron/nn/moments.hpp"
#include "andiron/nn/predictor.hpp"

namespace andiron::nn {
namespace {

using testing::error_of;
using testing::expect_near;
using testing::f32;
using testing::i32;
using testing::run_layer_test;

Tensor normalized(const LayerRef& layer, const Tensor& x) {
  Shape shape(x.sizes());
  shape.erase(shape.begin());
  const auto entry = Input(shape, {.dtype = x.dtype()});
  return Predictor(Model(entry, layer(entry))).predict({x})[0];
}

TEST(Normalization, does_what_a_layer_must) {
  run_layer_test(Normalization(),
                 {.inputs = {f32({3})}, .outputs = {f32({3})}, .n_weights = 2, .n_params = 6});
  run_layer_test(Normalization({.axis = {}}),
                 {.inputs = {f32({})}, .outputs = {f32({})}, .n_weights = 2, .n_params = 2});
  run_layer_test(
      Normalization({.axis = {-1, 1}, .invert = true}),
      {.inputs = {f32({2, 5, 3})}, .outputs = {f32({2, 5, 3})}, .n_weights = 2, .n_params = 12});
  run_layer_test(Normalization({.axis = {1}}), {.inputs = {i32({2, 3})},
                                                .outputs = {f32({2, 3})},
                                                .n_weights = 2,
                                                .n_params = 4,
                                                .differentiable = false});
  run_layer_test(Normalization({.mean = Tensor::scalar(0.5), .variance = Tensor::scalar(4.0)}),
                 {.inputs = {f32({3})}, .outputs = {f32({3})}});
  run_layer_test(Normalization({.axis = {1, 2},
                                .mean = Tensor::from<float>({1, 2, 3}, {3}),
                                .variance = Tensor::from<float>({4, 0, 16}, {3})}),
                 {.inputs = {f32({2, 3})}, .outputs = {f32({2, 3})}});
}

// Mean and variance in long double, over all data at once.
void expect_moments(const Tensor& data, const std::vector<int64_t>& kept, const Moments& found) {
  std::vector<std::vector<long double>> places;
  for (int64_t i = 0; i < data.count(); ++i) {
    size_t place = 0;
    for (int64_t axis : kept) {
      const int64_t at = i / dense_strides(data.sizes())[static_cast<size_t>(axis)];
      place =
          place * static_cast<size_t>(data.size(axis)) + static_cast<size_t>(at % data.size(axis));
    }
    if (place >= places.size()) places.resize(place + 1);
    places[place].push_back(data.item(i));
  }
  const Tensor mean = found.mean(), variance = found.variance();
  ASSERT_EQ(mean.count(), static_cast<int64_t>(places.size()));
  for (size_t p = 0; p < places.size(); ++p) {
    long double sum = 0, squares = 0;
    for (long double v : places[p]) sum += v;
    const long double m = sum / static_cast<long double>(places[p].size());
    for (long double v : places[p]) squares += (v - m) * (v - m);
    const auto at = static_cast<int64_t>(p);
    EXPECT_NEAR(mean.item(at), static_cast<double>(m), 1e-6 * std::abs(static_cast<double>(m)));
    const auto v = static_cast<double>(squares / static_cast<long double>(places[p].size()));
    EXPECT_NEAR(variance.item(at), v, 1e-6 * v);
  }
}

TEST(Normalization, moments_of_pieces_are_those_of_the_whole) {
  for (const std::vector<int64_t>& kept :
       {std::vector<int64_t>{}, {1}, {2}, {3}, {1, 3}, {1, 2, 3}}) {
    Tensor data = testing::random_tensor(f32({3, 2, 5}), 97);
    // Far from zero: sums of squares would lose the variance.
    for (int64_t i = 0; i < data.count(); ++i)
      data.data<float>()[i] += 1000.0F * static_cast<float>(i % 5);
    Moments whole(kept), pieces(kept);
    whole.add(data);
    for (const auto& [begin, end] : {std::pair{0, 1}, {1, 50}, {50, 50}, {50, 97}})
      pieces.add(data.rows(begin, end));
    EXPECT_EQ(pieces.rows(), 97);
    expect_moments(data, kept, whole);
    expect_moments(data, kept, pieces);
  }
}

TEST(Normalization, adapted_data_have_mean_0_and_variance_1) {
  const Tensor x = testing::random_tensor(f32({4}), 60);
  auto layer = std::make_shared<NormalizationLayer>();
  layer->adapt(x);
  const Tensor y = normalized(layer, x);
  for (int64_t c = 0; c < 4; ++c) {
    double sum = 0, squares = 0;
    for (int64_t r = 0; r < 60; ++r) {
      sum += y.item(r * 4 + c);
      squares += y.item(r * 4 + c) * y.item(r * 4 + c);
    }
    EXPECT_NEAR(sum / 60, 0.0, 1e-6);
    EXPECT_NEAR(squares / 60, 1.0, 1e-5);
  }
  auto back = std::make_shared<NormalizationLayer>(NormalizationOptions{.invert = true});
  back->adapt(x);
  expect_near(normalized(back, y), x, 1e-6);
}

TEST(Normalization, a_constant_feature_is_divided_by_epsilon) {
  const LayerRef layer =
      Normalization({.mean = Tensor::scalar(2.0), .variance = Tensor::scalar(0.0)});
  const Tensor y = normalized(layer, Tensor::from<float>({2.0F, 3.0F}, {2, 1}));
  EXPECT_EQ(y.item(0), 0.0);
  EXPECT_NEAR(y.item(1), 1e7, 1.0);
}

TEST(Normalization, mistakes_are_one_sentence) {
  EXPECT_EQ(
      error_of([] { Normalization({.mean = Tensor::scalar(1.0)}); }),
      "[Normalization] mean and variance are given together, or neither is; adapt finds both");
  EXPECT_EQ(error_of([] {
              Normalization({.mean = Tensor::scalar(1.0), .variance = Tensor::scalar(-1.0)});
            }),
            "[Normalization] mean must be finite and variance not negative; got 1 and -1");
  EXPECT_EQ(error_of([] { Normalization({.name = "n"})(Input({})); }),
            "[Normalization] layer 'n': axis -1 of [batch] is the batch: without axes there is one "
            "mean for all");
  EXPECT_EQ(error_of([] { Normalization({.axis = {2}, .name = "n"})(Input({3})); }),
            "[Normalization] layer 'n': axis 2 is not one of [batch,3]");
  EXPECT_EQ(error_of([] {
              const Tensor two = Tensor::from<float>({1, 2}, {2});
              Normalization({.mean = two, .variance = two, .name = "n"})(Input({3}));
            }),
            "[Normalization] layer 'n': its mean has 2 places along axis 1; got [batch,3]");
  NormalizationLayer layer({.name = "n"});
  EXPECT_EQ(error_of([&] { layer.adapt(Tensor::zeros(DType::f32, {0, 2})); }),
            "[Normalization] layer 'n': adapt got no data: 0 rows");
  Tensor bad = Tensor::zeros(DType::f32, {9, 2});
  bad.data<float>()[13] = NAN;
  EXPECT_EQ(error_of([&] { layer.adapt(bad); }), "[adapt] data must be finite; row 6 has nan");
  EXPECT_EQ(error_of([&] { layer.adapt(Tensor::zeros(DType::f32, {9, 3})); }),
            "[Normalization] layer 'n': its mean has 2 places along axis 1; got [batch,3]");
  for (const VariablePtr& v : layer.variables())  // nothing has changed it
    EXPECT_EQ(v->value().item(0), v == layer.variables()[0] ? 0.0 : 1.0);
}

}  // namespace
}  // namespace andiron::nn
