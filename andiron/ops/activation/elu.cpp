#include <cmath>

#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kElu = {
    .name = "elu",
    .summary = "Exponential linear unit.",
    .formula = "dst = x if x > 0 else alpha * (e^x - 1)",
    .reference_source = "Clevert et al., Fast and Accurate Deep Network Learning by ELUs, 2016",
    .inputs = {{"x", "any shape"}},
    .attributes = {{"alpha", 1.0, "the limit below zero is -alpha"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Value &x = c.in(0), &g = c.grad();
      // alpha * e^x = dst + alpha
      return {
          where(greater(x, constant(0.0, x.dtype())), g, g * (c.out() + c.attr<double>("alpha")))};
    },
    .reference =
        [](const ReferenceContext& c) {
          const double alpha = c.attr<double>("alpha");
          map_unary(c, [=]<class T>(T x) {
            return x > T(0) ? x : static_cast<T>(static_cast<T>(alpha) * std::expm1(x));
          });
        },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[2,3]"}}, {{"f32[7]"}, {{"alpha", 0.5}}}, {{"f32[0]"}}, {{"bf16[7]"}}},
};

Value elu(const Value& x, double alpha) { return make_value(kElu, {x}, {{"alpha", alpha}}); }

}  // namespace andiron::ops
