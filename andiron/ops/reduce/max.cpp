#include "andiron/ops/reduce/reduce.hpp"

namespace andiron::ops {

extern const Op kMax = {
    .name = "max",
    .summary = "The greatest element along axes.",
    .formula = "dst = max of x over axes; NaN if any is; equal ones share the gradient evenly",
    .inputs = {{"x", "any shape, any numeric dtype; the reduced axes must not be empty"}},
    .attributes = reduce_attributes(),
    .infer = infer_reduce_nonempty,
    .gradient = share_among_equals,
    .reference =
        [](const ReferenceContext& c) {
          reduce(
              c, []<class T>(T x) { return x; },
              []<class T>(T best, T x) { return x > best || x != x ? x : best; });
        },
    .batch = batch_of_reduce,
    .cases = reduce_cases(),
};

Value max(const Value& x, std::vector<int64_t> axes, bool keepdims) {
  return make_value(kMax, {x}, {{"axes", std::move(axes)}, {"keepdims", keepdims}});
}

}  // namespace andiron::ops
