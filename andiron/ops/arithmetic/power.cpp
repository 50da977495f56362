#include <cmath>

#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kPower = {
    .name = "power",
    .summary = "Raises to a power elementwise, with broadcasting.",
    .formula = "dst = base^exponent; NaN for a negative base and a fraction",
    .inputs = {{"base", "any shape"}, {"exponent", "of the same dtype"}},
    .infer = infer_floating,
    // 0^0 = 1 has slope 0, and 0^y stays 0: limits where the formulas give 0 * inf.
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Value &base = c.in(0), &exponent = c.in(1), &g = c.grad();
      const Value zero = constant(0.0, g.dtype());
      const Value slope =
          where(equal(exponent, zero), zero, exponent * power(base, exponent - 1.0));
      const Value flat = logical_and(equal(base, zero), greater_equal(exponent, zero));
      const Value growth = where(flat, zero, c.out() * log(base));
      return {sum_to(g * slope, base.shape()), sum_to(g * growth, exponent.shape())};
    },
    .reference =
        [](const ReferenceContext& c) {
          map_binary(c, []<class T>(T a, T b) { return std::pow(a, b); });
        },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[2,3]@0.3:2", "f32[2,3]@0.3:2"}},
              {{"f32[4,1,3]@0.3:2", "f32[2,1]@0.3:2"}},
              {{"f32[5]@0.3:2", "f32[]@0.3:2"}},
              {{"f32[0,3]", "f32[3]"}},
              {{"bf16[3,5]@0.3:2", "bf16[5]@0.3:2"}}},
};

Value power(const Value& base, const Value& exponent) {
  return make_value(kPower, {base, exponent});
}

}  // namespace andiron::ops
