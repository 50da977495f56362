#include <gtest/gtest.h>

#include <cmath>

#include "andiron/base/error.hpp"
#include "andiron/base/philox.hpp"
#include "andiron/linear/cross_validation.hpp"
#include "andiron/linear/line_search.hpp"

namespace andiron::linear {
namespace {

constexpr int64_t kRows = 300, kFeatures = 7, kClasses = 3;

float uniform(uint64_t at) { return uniform_float(Philox{7}(at)[0]) * 2.0F - 1.0F; }

Tensor features() {
  Tensor x(DType::f32, {kRows, kFeatures});
  for (int64_t i = 0; i < x.count(); ++i)
    x.data<float>()[i] = uniform(static_cast<uint64_t>(i)) + 3.0F;
  return x;
}

int64_t label_of(const Tensor& x, int64_t row) {
  const float* v = x.data<float>() + row * kFeatures;
  return v[0] + 0.3F * v[1] > 4.2F ? 0 : v[2] > v[3] ? 1 : 2;
}

Tensor labels(const Tensor& x) {
  Tensor y(DType::i64, {kRows});
  for (int64_t i = 0; i < kRows; ++i) y.data<int64_t>()[i] = label_of(x, i);
  return y;
}

Tensor one_hot(const Tensor& x) {
  Tensor y = Tensor::zeros(DType::f32, {kRows, kClasses});
  for (int64_t i = 0; i < kRows; ++i) y.data<float>()[i * kClasses + label_of(x, i)] = 1.0F;
  return y;
}

Examples examples_of(Loss loss) {
  const Tensor x = features();
  return {x, loss == Loss::softmax ? labels(x) : one_hot(x), Tensor(), kClasses, loss, true};
}

// The gradient of the objective in double, from its definition.
double largest_gradient(const Fit& fit, Loss loss, double c) {
  const Tensor x = features();
  std::vector<double> g(kClasses * (kFeatures + 1), 0.0);
  for (int64_t i = 0; i < kRows; ++i) {
    const float* v = x.data<float>() + i * kFeatures;
    std::vector<double> z(kClasses), r(kClasses);
    double total = 0;
    for (int64_t k = 0; k < kClasses; ++k) {
      const auto at = static_cast<size_t>(k);
      z[at] = fit.bias[at];
      for (int64_t j = 0; j < kFeatures; ++j)
        z[at] += static_cast<double>(fit.weights[static_cast<size_t>(k * kFeatures + j)]) *
                 static_cast<double>(v[j]);
      total += std::exp(z[at]);
    }
    for (int64_t k = 0; k < kClasses; ++k) {
      const auto at = static_cast<size_t>(k);
      const double y = label_of(x, i) == k ? 1.0 : 0.0, t = 2 * y - 1;
      r[at] = loss == Loss::softmax   ? std::exp(z[at]) / total - y
              : loss == Loss::sigmoid ? 1 / (1 + std::exp(-z[at])) - y
                                      : -2 * t * std::max(0.0, 1 - t * z[at]);
      for (int64_t j = 0; j < kFeatures; ++j)
        g[static_cast<size_t>(k * kFeatures + j)] += r[at] * static_cast<double>(v[j]) / kRows;
      g[static_cast<size_t>(kClasses * kFeatures + k)] += r[at] / kRows;
    }
  }
  double most = 0;
  for (size_t i = 0; i < g.size(); ++i) {
    if (i < fit.weights.size()) g[i] += static_cast<double>(fit.weights[i]) / (c * kRows);
    most = std::max(most, std::abs(g[i]));
  }
  return most;
}

TEST(Linear, the_gradient_vanishes_where_fit_ends) {
  for (const Loss loss : {Loss::softmax, Loss::sigmoid, Loss::squared_hinge})
    for (const double c : {0.01, 1.0, 100.0}) {
      const Examples examples = examples_of(loss);
      const Fit found = fit(examples, {{0, kRows}}, {.c = c, .tol = 2e-6});
      EXPECT_TRUE(found.converged) << name_of(loss) << " " << c;
      EXPECT_LT(largest_gradient(found, loss, c), 2e-5) << name_of(loss) << " " << c;
    }
}

TEST(Linear, a_warm_start_ends_where_a_cold_one_does) {
  const Examples examples = examples_of(Loss::softmax);
  const Fit weak = fit(examples, {{0, kRows}}, {.c = 0.1, .tol = 1e-6});
  const Fit warm = fit(examples, {{0, kRows}}, {.c = 1, .tol = 1e-6}, &weak);
  const Fit cold = fit(examples, {{0, kRows}}, {.c = 1, .tol = 1e-6});
  EXPECT_NEAR(warm.value, cold.value, 1e-8);
  EXPECT_EQ(fit(examples, {{0, kRows}}, {.c = 1, .tol = 1e-5}, &cold).iterations, 0);
}

TEST(Linear, threads_do_not_change_the_bits_of_cross_validation) {
  const Examples examples = examples_of(Loss::softmax);
  const std::vector<Rows> folds = {{0, 90}, {90, 200}, {200, kRows}};
  const CrossValidation one = cross_validate(examples, folds, {0.1, 1.0}, {.threads = 1}, true);
  const CrossValidation three = cross_validate(examples, folds, {0.1, 1.0}, {.threads = 3}, true);
  for (int64_t i = 0; i < one.scores.count(); ++i)
    ASSERT_EQ(one.scores.data<float>()[i], three.scores.data<float>()[i]);
}

TEST(Linear, cross_validation_judges_rows_by_fits_that_did_not_see_them) {
  const Examples examples = examples_of(Loss::softmax);
  const std::vector<Rows> folds = {{0, 90}, {90, 200}, {200, kRows}};
  const CrossValidation found = cross_validate(examples, folds, {1.0}, {.tol = 1e-6}, true);
  const Fit without = fit(examples, {{0, 90}, {200, kRows}}, {.c = 1, .tol = 1e-6});
  std::vector<float> z(110 * kClasses);
  scores(examples, folds[1], without, 1, z.data());
  int64_t right = 0;
  for (int64_t i = 0; i < 110; ++i) {
    const float* row = z.data() + i * kClasses;
    right += std::max_element(row, row + kClasses) - row == examples.label(90 + i);
    for (int64_t k = 0; k < kClasses; ++k)
      ASSERT_EQ(row[k], found.scores.data<float>()[(90 + i) * kClasses + k]);
  }
  EXPECT_DOUBLE_EQ(found.folds[0][1].correct, static_cast<double>(right) / 110);
  EXPECT_GT(found.folds[0][1].correct, 0.8);
}

TEST(Linear, a_row_of_weight_two_counts_as_two_rows) {
  const Tensor x = features(), y = labels(x);
  Tensor weights = Tensor::full(DType::f32, {kRows}, 1.0);
  for (int64_t i = 0; i < 100; ++i) weights.data<float>()[i] = 2.0F;
  const Examples weighed(x, y, weights, kClasses, Loss::softmax, true);
  Tensor x2(DType::f32, {kRows + 100, kFeatures}), y2(DType::i64, {kRows + 100});
  std::copy_n(x.data<float>(), x.count(), x2.data<float>());
  std::copy_n(x.data<float>(), 100 * kFeatures, x2.data<float>() + x.count());
  std::copy_n(y.data<int64_t>(), kRows, y2.data<int64_t>());
  std::copy_n(y.data<int64_t>(), 100, y2.data<int64_t>() + kRows);
  const Examples doubled(x2, y2, Tensor(), kClasses, Loss::softmax, true);
  const Fit a = fit(weighed, {{0, kRows}}, {.tol = 1e-6});
  const Fit b = fit(doubled, {{0, kRows + 100}}, {.tol = 1e-6});
  for (size_t i = 0; i < a.weights.size(); ++i) EXPECT_NEAR(a.weights[i], b.weights[i], 2e-4);
}

TEST(Linear, a_step_fulfils_the_strong_wolfe_conditions) {
  // (t - 3)^4 + t^2 / 10, from steps that are too short and too long.
  auto along = [](double t) {
    return Slope{std::pow(t - 3, 4) + 0.1 * t * t, 4 * std::pow(t - 3, 3) + 0.2 * t};
  };
  for (const double first : {1e-3, 1.0, 50.0}) {
    const Found found = search_line(along, along(0), first, 0.1);
    EXPECT_LE(std::abs(found.slope.derivative), 0.1 * std::abs(along(0).derivative)) << first;
    EXPECT_LE(found.slope.value, along(0).value + 1e-4 * found.t * along(0).derivative) << first;
  }
}

TEST(Linear, refuses_what_it_cannot_learn_from) {
  Tensor x = features();
  const Tensor y = labels(x);
  EXPECT_THROW(Examples(x, y, Tensor(), 2, Loss::softmax, true), Error);
  EXPECT_THROW(Examples(x, y, Tensor(), 3, Loss::sigmoid, true), Error);
  const Examples good(x, y, Tensor(), kClasses, Loss::softmax, true);
  EXPECT_THROW(fit(good, {{0, kRows}}, {.c = 0}), Error);
  EXPECT_THROW(cross_validate(good, {{0, 10}, {11, kRows}}, {1.0}, {}, false), Error);
  x.data<float>()[5] = NAN;
  EXPECT_THROW(Examples(x, y, Tensor(), kClasses, Loss::softmax, true), Error);
}

}  // namespace
}  // namespace andiron::linear
