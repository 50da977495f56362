#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kStopGradient = {
    .name = "stop_gradient",
    .summary = "The value itself, which counts as a constant for gradients.",
    .formula = "dst = x",
    .inputs = {{"x", "any shape, any dtype"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> { return {c.in(0)}; },
    .why_not_differentiable = "it is there to stop gradients",
    .reference = [](const ReferenceContext& c) { c.dst[0].copy_from(c.src[0]); },
    .batch = [](const Node&, std::span<const BatchKind> in) { return in[0]; },
    .traits = {.view = true},
    .cases = {{{"f32[2,3]"}}, {{"i32[4]"}}, {{"f32[0]"}}},
};

Value stop_gradient(const Value& x) { return make_value(kStopGradient, {x}); }

}  // namespace andiron::ops
