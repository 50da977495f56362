#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kLeakyRelu = {
    .name = "leaky_relu",
    .summary = "A relu that keeps a small slope below zero.",
    .formula = "dst = x if x > 0 else negative_slope * x",
    .inputs = {{"x", "any shape"}},
    .attributes = {{"negative_slope", 0.2, "the slope below zero"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Value &x = c.in(0), &g = c.grad();
      return {where(greater(x, constant(0.0, x.dtype())), g, g * c.attr<double>("negative_slope"))};
    },
    .reference =
        [](const ReferenceContext& c) {
          const double slope = c.attr<double>("negative_slope");
          map_unary(c, [=]<class T>(T x) {
            return x > T(0) ? x : static_cast<T>(static_cast<T>(slope) * x);
          });
        },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[2,3]"}},
              {{"f32[7]"}, {{"negative_slope", 0.01}}},
              {{"f32[0]"}},
              {{"bf16[7]"}}},
};

Value leaky_relu(const Value& x, double negative_slope) {
  return make_value(kLeakyRelu, {x}, {{"negative_slope", negative_slope}});
}

}  // namespace andiron::ops
