#include <cmath>

#include "andiron/ops/elementary.hpp"
#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

namespace {

std::vector<Case> cases_in(const std::string& range) {
  return {{{"f32[2,3]" + range}}, {{"f32[0]"}}, {{"f32[37]" + range}}, {{"bf16[7]" + range}}};
}

}  // namespace

extern const Op kSin = {
    .name = "sin",
    .summary = "Sine.",
    .formula = "dst = sin x, x in radians",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() * cos(c.in(0))};
    },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::sin(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = cases_in(""),
};

extern const Op kCos = {
    .name = "cos",
    .summary = "Cosine.",
    .formula = "dst = cos x, x in radians",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {-c.grad() * sin(c.in(0))};
    },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::cos(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = cases_in(""),
};

extern const Op kAtan = {
    .name = "atan",
    .summary = "Arc tangent.",
    .formula = "dst = atan x, in (-pi/2, pi/2)",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() / (square(c.in(0)) + 1.0)};
    },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::atan(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = cases_in(""),
};

extern const Op kTan = {
    .name = "tan",
    .summary = "Tangent.",
    .formula = "dst = tan x, x in radians",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() * (square(c.out()) + 1.0)};
    },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::tan(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = cases_in("@-1.2:1.2"),
};

extern const Op kAsin = {
    .name = "asin",
    .summary = "Arc sine.",
    .formula = "dst = asin x, in [-pi/2, pi/2]; NaN beyond 1 and -1",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() * rsqrt(1.0 - square(c.in(0)))};
    },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::asin(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = cases_in("@-0.9:0.9"),
};

extern const Op kAcos = {
    .name = "acos",
    .summary = "Arc cosine.",
    .formula = "dst = acos x, in [0, pi]; NaN beyond 1 and -1",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {-c.grad() * rsqrt(1.0 - square(c.in(0)))};
    },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::acos(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = cases_in("@-0.9:0.9"),
};

extern const Op kAtan2 = {
    .name = "atan2",
    .summary = "The angle of the point (x, y), with broadcasting.",
    .formula = "dst = atan(y / x) in the quadrant of the point, in [-pi, pi]",
    .inputs = {{"y", "any shape"}, {"x", "of the same dtype"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Value &y = c.in(0), &x = c.in(1);
      const Value g = c.grad() / (square(x) + square(y));
      return {sum_to(g * x, y.shape()), sum_to(-g * y, x.shape())};
    },
    .reference =
        [](const ReferenceContext& c) {
          map_binary(c, []<class T>(T y, T x) { return std::atan2(y, x); });
        },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[2,3]@0.3:2", "f32[2,3]@-2:-0.3"}},
              {{"f32[4,1,3]@-2:-0.3", "f32[2,1]@0.3:2"}},
              {{"f32[37]", "f32[]@-2:-0.3"}, {}, false},
              {{"f32[0,3]", "f32[3]"}},
              {{"bf16[3,5]@0.3:2", "bf16[5]@0.3:2"}}},
};

Value sin(const Value& x) { return make_value(kSin, {x}); }
Value cos(const Value& x) { return make_value(kCos, {x}); }
Value atan(const Value& x) { return make_value(kAtan, {x}); }
Value tan(const Value& x) { return make_value(kTan, {x}); }
Value asin(const Value& x) { return make_value(kAsin, {x}); }
Value acos(const Value& x) { return make_value(kAcos, {x}); }
Value atan2(const Value& y, const Value& x) { return make_value(kAtan2, {y, x}); }

}  // namespace andiron::ops
