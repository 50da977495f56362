#include "andiron/base/wrapping.hpp"
#include "andiron/ops/elementary.hpp"
#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

namespace {

std::vector<AttributeSpec> cumulative_attributes() {
  return {{"axis", int64_t{-1}, "the axis along which it runs"},
          {"exclusive", false, "without the element itself"},
          {"reverse", false, "from the end of the axis"}};
}

std::vector<TensorType> infer(const InferContext& c) {
  if (c.in(0).dtype == DType::boolean) fail("[{}] takes numbers; got {}", c.op, str(c.in(0)));
  normalize_axis(c.op, c.attr<int64_t>("axis"), c.shape(0).rank());
  return {c.in(0)};
}

// dst[i] = fold(...fold(start, x[0])..., x[i]) along the axis.
template <class Fold>
void accumulate(const ReferenceContext& c, int start, Fold fold) {
  const Sizes& sizes = c.dst[0].sizes();
  const int64_t axis =
      normalize_axis("cumsum", c.attr<int64_t>("axis"), static_cast<int64_t>(sizes.size()));
  const bool exclusive = c.attr<bool>("exclusive"), reverse = c.attr<bool>("reverse");
  int64_t outer = 1, inner = 1;
  const int64_t n = sizes[static_cast<size_t>(axis)];
  for (int64_t i = 0; i < static_cast<int64_t>(sizes.size()); ++i)
    (i < axis ? outer : inner) *= i == axis ? 1 : sizes[static_cast<size_t>(i)];
  visit_dtype(c.dst[0].dtype(), [&]<class T>() {
    using C = std::conditional_t<std::is_same_v<T, bool>, int, Compute<T>>;
    const T* x = c.src[0].data<T>();
    T* y = c.dst[0].data<T>();
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t i = 0; i < inner; ++i) {
        C total = static_cast<C>(start);
        for (int64_t j = 0; j < n; ++j) {
          const int64_t at = (o * n + (reverse ? n - 1 - j : j)) * inner + i;
          const C next = static_cast<C>(fold(total, static_cast<C>(x[at])));
          y[at] = static_cast<T>(exclusive ? total : next);
          total = next;
        }
      }
  });
}

BatchKind batch(const Node& node, std::span<const BatchKind> in) {
  const int64_t axis =
      normalize_axis(node.op->name, node.attr<int64_t>("axis"), node.inputs[0].rank());
  return axis != 0 ? in[0] : BatchKind::blocked;
}

std::vector<Case> cases(const char* range) {
  const std::string at = range;
  return {{{"f32[4,5]" + at}},
          {{"f32[2,3,4]" + at}, {{"axis", int64_t{1}}, {"reverse", true}}},
          {{"f32[5]" + at}, {{"exclusive", true}}},
          {{"f32[4,3]" + at}, {{"axis", int64_t{0}}, {"exclusive", true}, {"reverse", true}}},
          {{"f32[0,3]"}},
          {{"i32[7]@-3:3"}},
          {{"bf16[2,4]" + at}}};
}

}  // namespace

extern const Op kCumsum = {
    .name = "cumsum",
    .summary = "Running sums along an axis.",
    .formula = "dst[i] = x[0] + ... + x[i]",
    .inputs = {{"x", "any shape of rank >= 1, any numeric dtype"}},
    .attributes = cumulative_attributes(),
    .infer = infer,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      if (!is_floating(c.in(0).dtype())) return {Value()};
      return {cumsum(c.grad(), c.attr<int64_t>("axis"), c.attr<bool>("exclusive"),
                     !c.attr<bool>("reverse"))};
    },
    .reference =
        [](const ReferenceContext& c) { accumulate(c, 0, []<class T>(T a, T b) { return wrapping_add(a, b); }); },
    .batch = batch,
    .cases = cases(""),
};

extern const Op kCumprod = {
    .name = "cumprod",
    .summary = "Running products along an axis.",
    .formula = "dst[i] = x[0] * ... * x[i]; the gradient is NaN where an element is 0",
    .inputs = {{"x", "any shape of rank >= 1, any numeric dtype"}},
    .attributes = cumulative_attributes(),
    .infer = infer,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      if (!is_floating(c.in(0).dtype())) return {Value()};
      return {cumsum(c.grad() * c.out(), c.attr<int64_t>("axis"), c.attr<bool>("exclusive"),
                     !c.attr<bool>("reverse")) /
              c.in(0)};
    },
    .reference =
        [](const ReferenceContext& c) { accumulate(c, 1, []<class T>(T a, T b) { return wrapping_multiply(a, b); }); },
    .batch = batch,
    .cases = cases("@0.5:1.5"),
};

Value cumsum(const Value& x, int64_t axis, bool exclusive, bool reverse) {
  return make_value(kCumsum, {x}, {{"axis", axis}, {"exclusive", exclusive}, {"reverse", reverse}});
}
Value cumprod(const Value& x, int64_t axis, bool exclusive, bool reverse) {
  return make_value(kCumprod, {x},
                    {{"axis", axis}, {"exclusive", exclusive}, {"reverse", reverse}});
}

}  // namespace andiron::ops
