#include <cmath>

#include "andiron/ops/elementary.hpp"
#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

namespace {

std::vector<Case> cases_in(const std::string& range) {
  return {{{"f32[2,3]" + range}}, {{"f32[0]"}}, {{"f32[37]" + range}}, {{"bf16[7]" + range}}};
}

}  // namespace

extern const Op kExpm1 = {
    .name = "expm1",
    .summary = "e^x - 1, precise near 0.",
    .formula = "dst = e^x - 1",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() * (c.out() + 1.0)};
    },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::expm1(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = cases_in(""),
};

extern const Op kExp2 = {
    .name = "exp2",
    .summary = "Powers of two.",
    .formula = "dst = 2^x",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() * c.out() * M_LN2};
    },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::exp2(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = cases_in(""),
};

extern const Op kLog2 = {
    .name = "log2",
    .summary = "Logarithm to base 2.",
    .formula = "dst = log2 x, NaN below 0",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() / c.in(0) * M_LOG2E};
    },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::log2(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = cases_in("@0.3:3"),
};

extern const Op kLog10 = {
    .name = "log10",
    .summary = "Logarithm to base 10.",
    .formula = "dst = log10 x, NaN below 0",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() / c.in(0) * M_LOG10E};
    },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::log10(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = cases_in("@0.3:3"),
};

extern const Op kLogaddexp = {
    .name = "logaddexp",
    .summary = "ln(e^a + e^b) without overflow, with broadcasting.",
    .formula = "dst = max(a, b) + ln(1 + e^-|a - b|)",
    .inputs = {{"a", "any shape"}, {"b", "of the same dtype"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Value &a = c.in(0), &b = c.in(1);
      return {sum_to(c.grad() * sigmoid(a - b), a.shape()),
              sum_to(c.grad() * sigmoid(b - a), b.shape())};
    },
    .reference =
        [](const ReferenceContext& c) {
          map_binary(c, []<class T>(T a, T b) {
            if constexpr (std::is_floating_point_v<T>) {
              // Equal infinities have no difference.
              const T apart = a == b ? T(0) : -std::abs(a - b);
              return static_cast<T>((a > b ? a : b) + std::log1p(std::exp(apart)));
            } else {
              ANDIRON_ASSERT(!"dtype");
              return a;
            }
          });
        },
    .traits = {.elementwise = true, .commutative = true, .inplace = {0}},
    .cases = {{{"f32[2,3]", "f32[2,3]"}},
              {{"f32[4,1,3]", "f32[2,1]"}},
              {{"f32[37]@-30:30", "f32[]"}},
              {{"f32[0,3]", "f32[3]"}},
              {{"bf16[3,5]", "bf16[5]"}}},
};

Value expm1(const Value& x) { return make_value(kExpm1, {x}); }
Value exp2(const Value& x) { return make_value(kExp2, {x}); }
Value log2(const Value& x) { return make_value(kLog2, {x}); }
Value log10(const Value& x) { return make_value(kLog10, {x}); }
Value logaddexp(const Value& a, const Value& b) { return make_value(kLogaddexp, {a, b}); }

}  // namespace andiron::ops
