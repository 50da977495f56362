#include <cmath>

#include "andiron/ops/elementary.hpp"
#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

namespace {

const char* const kFlat = "its derivative is zero wherever it exists";

std::vector<Case> rounding_cases() {
  return {{{"f32[2,9]@-9:9"}}, {{"f32[0]"}}, {{"i32[5]"}}, {{"bf16[7]"}}};
}

// Integers are round already.
template <class F>
void map_rounding(const ReferenceContext& c, F f) {
  map_unary(c, [=]<class T>(T x) {
    if constexpr (std::is_floating_point_v<T>)
      return static_cast<T>(f(x));
    else
      return x;
  });
}

}  // namespace

extern const Op kFloor = {
    .name = "floor",
    .summary = "The greatest whole number that is not above.",
    .formula = "dst = floor(x)",
    .inputs = {{"x", "any shape"}},
    .infer = infer_numeric,
    .why_not_differentiable = kFlat,
    .reference =
        [](const ReferenceContext& c) { map_rounding(c, [](auto x) { return std::floor(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = rounding_cases(),
};

extern const Op kCeil = {
    .name = "ceil",
    .summary = "The least whole number that is not below.",
    .formula = "dst = ceil(x)",
    .inputs = {{"x", "any shape"}},
    .infer = infer_numeric,
    .why_not_differentiable = kFlat,
    .reference =
        [](const ReferenceContext& c) { map_rounding(c, [](auto x) { return std::ceil(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = rounding_cases(),
};

extern const Op kRound = {
    .name = "round",
    .summary = "The nearest whole number; halves go to the even one.",
    .formula = "dst = round(x): 0.5 -> 0, 1.5 -> 2, 2.5 -> 2",
    .inputs = {{"x", "any shape"}},
    .infer = infer_numeric,
    .why_not_differentiable = kFlat,
    .reference =
        [](const ReferenceContext& c) {
          map_rounding(c, [](auto x) { return std::nearbyint(x); });
        },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = rounding_cases(),
};

extern const Op kTrunc = {
    .name = "trunc",
    .summary = "The whole number next towards zero.",
    .formula = "dst = trunc(x)",
    .inputs = {{"x", "any shape"}},
    .infer = infer_numeric,
    .why_not_differentiable = kFlat,
    .reference =
        [](const ReferenceContext& c) { map_rounding(c, [](auto x) { return std::trunc(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = rounding_cases(),
};

Value floor(const Value& x) { return make_value(kFloor, {x}); }
Value ceil(const Value& x) { return make_value(kCeil, {x}); }
Value round(const Value& x) { return make_value(kRound, {x}); }
Value trunc(const Value& x) { return make_value(kTrunc, {x}); }

}  // namespace andiron::ops
