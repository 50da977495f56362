#include <algorithm>

#include "andiron/ops/elementwise.hpp"
#include "andiron/ops/shape/block.hpp"
#include "andiron/ops/shape/pad.hpp"

namespace andiron::ops {

namespace {

size_t axis_of(const Node& node) {
  return static_cast<size_t>(
      normalize_axis("concat", node.attr<int64_t>("axis"), node.outputs[0].shape.rank()));
}

std::vector<TensorType> infer(const InferContext& c) {
  if (c.n() == 0) fail("[concat] takes at least 1 value; got none");
  Shape shape = c.shape(0);
  const auto axis =
      static_cast<size_t>(normalize_axis(c.op, c.attr<int64_t>("axis"), c.shape(0).rank()));
  for (size_t i = 1; i < c.n(); ++i) {
    if (c.in(i).dtype != c.in(0).dtype)
      fail("[concat] values must have one dtype; got {} and {}", str(c.in(0)), str(c.in(i)));
    Shape expected = c.shape(0);
    if (c.shape(i).rank() == expected.rank()) expected[axis] = c.shape(i)[axis];
    if (expected != c.shape(i))
      fail("[concat] shapes must agree except along axis {}; got {} and {}", axis, c.shape(0).str(),
           c.shape(i).str());
    shape[axis] = shape[axis] + c.shape(i)[axis];
  }
  return {{c.in(0).dtype, shape}};
}

std::vector<Value> gradient(const GradContext& c) {
  const size_t axis = axis_of(c.node);
  Shape begin(static_cast<size_t>(c.out().rank()), 0);
  std::vector<Value> grads;
  for (const Value& x : c.node.inputs) {
    Shape size(begin.size(), -1);
    size[axis] = x.shape()[axis];
    grads.push_back(slice_block(c.grad(), begin, size));
    begin[axis] = begin[axis] + x.shape()[axis];
  }
  return grads;
}

// Rows stay rows when every value has the batch; a fixed one would have to be cut into tiles too.
BatchKind batch(const Node& node, std::span<const BatchKind> in) {
  const bool all_rows =
      std::all_of(in.begin(), in.end(), [](BatchKind kind) { return kind == BatchKind::rows; });
  return all_rows && axis_of(node) != 0 ? BatchKind::rows : BatchKind::blocked;
}

}  // namespace

extern const Op kConcat = {
    .name = "concat",
    .summary = "Joins values along an axis.",
    .formula = "dst = [values[0], values[1], ...] along axis",
    .inputs = {{.name = "values", .doc = "equal shapes except along the axis", .variadic = true}},
    .attributes = {{"axis", int64_t{-1}, "the axis along which they are joined"}},
    .infer = infer,
    .gradient = gradient,
    .reference =
        [](const ReferenceContext& c) {
          const auto axis = static_cast<size_t>(
              normalize_axis("concat", c.attr<int64_t>("axis"), c.dst[0].rank()));
          Sizes begin(static_cast<size_t>(c.dst[0].rank()), 0);
          for (const Tensor& x : c.src) {
            block_of(c.dst[0], begin, x.sizes()).copy_from(x);
            begin[axis] += x.sizes()[axis];
          }
        },
    .batch = batch,
    .cases = {{{"f32[2,3]", "f32[2,1]", "f32[2,4]"}},
              {{"f32[2,3]", "f32[4,3]"}, {{"axis", int64_t{0}}}},
              {{"f32[2,3,2]", "f32[2,1,2]"}, {{"axis", int64_t{1}}}},
              {{"f32[2,3]", "f32[2,0]"}},
              {{"f32[3]"}},
              {{"i64[2]", "i64[3]"}},
              {{"bf16[2,2]", "bf16[2,3]"}}},
};

Value concat(const std::vector<Value>& values, int64_t axis) {
  return make_value(kConcat, values, {{"axis", axis}});
}

}  // namespace andiron::ops
