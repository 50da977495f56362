#include "andiron/ops/elementwise.hpp"
#include "andiron/ops/ops.hpp"
#include "andiron/ops/reference.hpp"

namespace andiron::ops {

// A training step of several workers puts an exchange in its place
// (nn/optimizers/step_workers.cpp), so there is nothing to compute here.
extern const Op kSumOverWorkers = {
    .name = "sum_over_workers",
    .summary =
        "The sum of the workers' values in a training by several, the value itself in others.",
    .formula = "dst = sum over the workers of their x",
    .inputs = {{"x", "any shape that does not depend on the batch"}},
    .infer = infer_floating,
    // Each worker's result depends on all workers' x, and the loss is the sum of theirs.
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {sum_over_workers(c.grad())};
    },
    .reference = [](const ReferenceContext& c) { c.dst[0].copy_from(c.src[0]); },
    .batch = [](const Node&, std::span<const BatchKind>) { return BatchKind::blocked; },
    .flops = [](const Node&) { return 0.0; },
    .traits = {.inplace = {0}},
    .cases = {{{"f32[5]"}}, {{"f32[]"}}, {{"f32[0]"}}, {{"bf16[3]"}}},
};

Value sum_over_workers(const Value& x) { return make_value(kSumOverWorkers, {x}); }

}  // namespace andiron::ops
