#include "andiron/exec/native/vector_ops.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "andiron/tensor/dtype.hpp"

namespace andiron::exec {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::vector<Isa> isas() {
  std::vector<Isa> all = {Isa::avx2};
  if (has_isa(Isa::avx512)) all.push_back(Isa::avx512);
  return all;
}

// Every 2^11th float, denormals, infinities and NaN among them, between low and high.
std::vector<float> sweep(float low, float high) {
  std::vector<float> xs;
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += 2039) {
    const float x = std::bit_cast<float>(static_cast<uint32_t>(bits));
    if (x >= low && x <= high) xs.push_back(x);
  }
  for (float x : {0.0F, -0.0F, 1.0F, -1.0F, kInf, -kInf, kNaN})
    if (!(x < low) && !(x > high)) xs.push_back(x);
  return xs;
}

// The error in units in the last place of the true value.
double error_in_ulp(float got, double wanted) {
  if (std::isnan(wanted)) return std::isnan(got) ? 0 : kInf;
  const auto nearest = static_cast<float>(wanted);
  if (got == nearest) return 0;
  if (std::isinf(nearest) || std::isinf(got) || std::isnan(got)) return kInf;
  const float next = std::nextafter(std::abs(nearest), kInf);
  return std::abs(got - wanted) / (static_cast<double>(next) - std::abs(nearest));
}

struct Function {
  const char* name;
  VectorOp op;
  std::function<double(double)> exact;
  double max_ulp;
  float low = -kInf, high = kInf;
  double absolute = 0;  ///< errors below this do not count
};

double gelu(double x) { return x * 0.5 * std::erfc(-x / std::sqrt(2.0)); }

class EveryFunction : public testing::TestWithParam<Function> {};

TEST_P(EveryFunction, agrees_with_double_precision_over_all_exponents) {
  const Function& f = GetParam();
  const std::vector<float> xs = sweep(f.low, f.high);
  ASSERT_GT(xs.size(), 1000U);
  for (Isa isa : isas()) {
    std::vector<float> ys(xs.size());
    vector_table(isa).op[static_cast<size_t>(f.op)](ys.data(), xs.data(), nullptr, nullptr,
                                                    static_cast<int64_t>(xs.size()), nullptr);
    double worst = 0;
    float where = 0;
    for (size_t i = 0; i < xs.size(); ++i) {
      const double wanted = f.exact(static_cast<double>(xs[i]));
      if (std::abs(ys[i] - wanted) <= f.absolute) continue;
      const double error = error_in_ulp(ys[i], wanted);
      if (error > worst) {
        worst = error;
        where = xs[i];
      }
    }
    EXPECT_LE(worst, f.max_ulp) << f.name << "(" << where << ")";
    RecordProperty("worst_ulp", std::to_string(worst));
  }
}

INSTANTIATE_TEST_SUITE_P(
    VectorOps, EveryFunction,
    testing::Values(
        Function{"exp", VectorOp::exp, [](double x) { return std::exp(x); }, 2},
        Function{"log", VectorOp::log, [](double x) { return std::log(x); }, 2},
        Function{"log1p", VectorOp::log1p, [](double x) { return std::log1p(x); }, 2},
        Function{"log2", VectorOp::log2, [](double x) { return std::log2(x); }, 3},
        Function{"log10", VectorOp::log10, [](double x) { return std::log10(x); }, 3},
        Function{"exp2", VectorOp::exp2, [](double x) { return std::exp2(x); }, 2},
        Function{"expm1", VectorOp::expm1, [](double x) { return std::expm1(x); }, 2},
        Function{"floor", VectorOp::floor, [](double x) { return std::floor(x); }, 0},
        Function{"ceil", VectorOp::ceil, [](double x) { return std::ceil(x); }, 0},
        Function{"trunc", VectorOp::trunc, [](double x) { return std::trunc(x); }, 0},
        Function{"round", VectorOp::round, [](double x) { return std::nearbyint(x); }, 0},
        Function{"sin", VectorOp::sin, [](double x) { return std::sin(x); }, 2},
        Function{"cos", VectorOp::cos, [](double x) { return std::cos(x); }, 2},
        Function{"tan", VectorOp::tan, [](double x) { return std::tan(x); }, 4},
        Function{"asin", VectorOp::asin, [](double x) { return std::asin(x); }, 3},
        Function{"acos", VectorOp::acos, [](double x) { return std::acos(x); }, 3},
        Function{"atan", VectorOp::atan, [](double x) { return std::atan(x); }, 3},
        Function{"sinh", VectorOp::sinh, [](double x) { return std::sinh(x); }, 4},
        Function{"cosh", VectorOp::cosh, [](double x) { return std::cosh(x); }, 4},
        Function{"asinh", VectorOp::asinh, [](double x) { return std::asinh(x); }, 4},
        Function{"acosh", VectorOp::acosh, [](double x) { return std::acosh(x); }, 4},
        Function{"atanh", VectorOp::atanh, [](double x) { return std::atanh(x); }, 4},
        Function{"erf", VectorOp::erf, [](double x) { return std::erf(x); }, 3},
        Function{"erfc", VectorOp::erfc, [](double x) { return std::erfc(x); }, 60},
        Function{"sqrt", VectorOp::sqrt, [](double x) { return std::sqrt(x); }, 0.51},
        Function{"rsqrt", VectorOp::rsqrt, [](double x) { return 1 / std::sqrt(x); }, 1.5},
        Function{"tanh", VectorOp::tanh, [](double x) { return std::tanh(x); }, 2},
        Function{"sigmoid", VectorOp::sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, 4},
        Function{
            "softplus", VectorOp::softplus,
            [](double x) { return std::fmax(x, 0) + std::log1p(std::exp(-std::abs(x))) + 0 * x; },
            3, -3e38F, 3e38F},
        Function{"gelu", VectorOp::gelu, gelu, 40, -kInf, kInf, 2e-9},
        Function{"gelu_tanh", VectorOp::gelu_tanh,
                 [](double x) {
                   const double u = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
                   return x * (1 / (1 + std::exp(-2 * u)));
                 },
                 8, -kInf, kInf, 5e-8},
        Function{"gelu_derivative", VectorOp::gelu_derivative,
                 [](double x) {
                   return 0.5 * std::erfc(-x / std::sqrt(2.0)) +
                          x * std::exp(-0.5 * x * x) / std::sqrt(2 * M_PI);
                 },
                 4, -kInf, kInf, 2e-7}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(VectorOps, erfinv_is_the_inverse_of_erf) {
  const std::vector<float> ys = sweep(-1.0F, 1.0F);
  for (Isa isa : isas()) {
    std::vector<float> xs(ys.size());
    vector_table(isa).op[static_cast<size_t>(VectorOp::erfinv)](
        xs.data(), ys.data(), nullptr, nullptr, static_cast<int64_t>(xs.size()), nullptr);
    for (size_t i = 0; i < ys.size(); ++i) {
      const double x = xs[i];
      if (!(std::abs(ys[i]) < 1.0F)) {
        EXPECT_TRUE(std::isnan(ys[i]) ? std::isnan(xs[i]) : xs[i] == ys[i] * kInf) << ys[i];
        continue;
      }
      // As far as the rounding of y lets it be known.
      const double slope = 2 / std::sqrt(M_PI) * std::exp(-x * x);
      ASSERT_LE(std::abs(std::erf(x) - static_cast<double>(ys[i])),
                4e-6 * std::abs(x) * slope + 1e-45)
          << ys[i];
    }
  }
}

// Of a[i] and b[i].
void expect_binary(VectorOp op, const std::vector<float>& a, const std::vector<float>& b,
                   double (*exact)(double, double), double max_ulp, double absolute = 0) {
  for (Isa isa : isas()) {
    std::vector<float> ys(a.size());
    vector_table(isa).op[static_cast<size_t>(op)](ys.data(), a.data(), b.data(), nullptr,
                                                  static_cast<int64_t>(ys.size()), nullptr);
    for (size_t i = 0; i < ys.size(); ++i) {
      const double wanted = exact(static_cast<double>(a[i]), static_cast<double>(b[i]));
      if (std::abs(ys[i] - wanted) <= absolute) continue;
      ASSERT_LE(error_in_ulp(ys[i], wanted), max_ulp) << a[i] << " and " << b[i];
    }
  }
}

// Ordinary numbers, large and small ones, and each special one with each.
void add_pairs(std::vector<float>& a, std::vector<float>& b) {
  const std::vector<float> xs = sweep(-kInf, kInf);
  for (size_t i = 0; i < xs.size(); ++i) {
    a.push_back(xs[i]);
    b.push_back(xs[i * 7919 % xs.size()]);
    a.push_back(static_cast<float>(static_cast<int>(i * 37 % 801) - 400) / 61.0F);
    b.push_back(static_cast<float>(static_cast<int>(i * 53 % 1201) - 600) / 61.0F);
  }
  for (float x : {0.0F, -0.0F, 1.0F, -1.0F, kInf, -kInf, kNaN, 3e38F, 1e-40F})
    for (float y : {0.0F, -0.0F, 1.0F, -2.0F, kInf, -kInf, kNaN, 2e38F}) {
      a.push_back(x);
      b.push_back(y);
    }
}

TEST(VectorOps, functions_of_two_agree_with_double_precision_and_have_their_special_cases) {
  std::vector<float> a, b;
  add_pairs(a, b);
  expect_binary(VectorOp::remainder, a, b, [](double x, double y) { return std::fmod(x, y); }, 0);
  expect_binary(
      VectorOp::atan2, a, b, [](double x, double y) { return std::atan2(x, y); }, 4, 1e-44);
  expect_binary(
      VectorOp::logaddexp, a, b,
      [](double x, double y) {
        const double apart = x == y ? 0.0 : -std::abs(x - y);
        return (x > y || std::isnan(x) ? x : y) + std::log1p(std::exp(apart));
      },
      2, 1e-7);
}

TEST(VectorOps, power_agrees_with_double_precision_and_has_its_special_cases) {
  std::vector<float> bases = sweep(1e-30F, 1e30F), exponents;
  for (size_t i = 0; i < bases.size(); ++i)
    exponents.push_back(static_cast<float>(static_cast<int>(i * 37 % 801) - 400) / 61.0F);
  for (float b : {0.0F, -0.0F, 1.0F, -1.0F, -2.0F, kInf, -kInf, kNaN, 1e-40F})
    for (float e : {0.0F, 1.0F, 2.0F, 3.0F, 0.5F, -1.0F, -2.0F, kInf, -kInf, kNaN}) {
      bases.push_back(b);
      exponents.push_back(e);
    }
  for (Isa isa : isas()) {
    std::vector<float> ys(bases.size());
    vector_table(isa).op[static_cast<size_t>(VectorOp::power)](
        ys.data(), bases.data(), exponents.data(), nullptr, static_cast<int64_t>(ys.size()),
        nullptr);
    for (size_t i = 0; i < ys.size(); ++i)
      ASSERT_LE(error_in_ulp(ys[i], std::pow(static_cast<double>(bases[i]),
                                             static_cast<double>(exponents[i]))),
                1.0)
          << bases[i] << "^" << exponents[i];
  }
}

TEST(VectorOps, rounding_to_bfloat16_is_that_of_the_type) {
  const std::vector<float> xs = sweep(-kInf, kInf);
  std::vector<float> ys(xs.size());
  std::vector<bfloat16> narrow(xs.size());
  for (Isa isa : isas()) {
    const auto n = static_cast<int64_t>(xs.size());
    vector_table(isa).op[static_cast<size_t>(VectorOp::round_bf16)](ys.data(), xs.data(), nullptr,
                                                                    nullptr, n, nullptr);
    vector_table(isa).to_bf16(narrow.data(), xs.data(), n);
    for (size_t i = 0; i < xs.size(); ++i) {
      const bfloat16 wanted(xs[i]);
      ASSERT_EQ(narrow[i].bits, wanted.bits) << xs[i];
      ASSERT_EQ(std::bit_cast<uint32_t>(ys[i]), static_cast<uint32_t>(wanted.bits) << 16) << xs[i];
    }
  }
}

}  // namespace
}  // namespace andiron::exec
