#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kGatherGrad;

namespace {

void check_indices(const InferContext& c, const TensorType& indices) {
  if (indices.dtype != DType::i32 && indices.dtype != DType::i64)
    fail("[{}] indices must be int32 or int64; got {}", c.op, str(indices));
}

// x [outer, n, inner], indices [m] <-> [outer, m, inner]. Calls f(x offset, offset in the other,
// inner) for every block of `inner` contiguous elements.
template <class F>
void for_each_block(const char* op, const Sizes& x, int64_t axis_attribute, const Tensor& indices,
                    F f) {
  const int64_t axis = normalize_axis(op, axis_attribute, static_cast<int64_t>(x.size()));
  const int64_t n = x[static_cast<size_t>(axis)], m = indices.count();
  int64_t outer = 1, inner = 1;
  for (int64_t i = 0; i < static_cast<int64_t>(x.size()); ++i) {
    if (i < axis) outer *= x[static_cast<size_t>(i)];
    if (i > axis) inner *= x[static_cast<size_t>(i)];
  }
  visit_dtype(indices.dtype(), [&]<class I>() {
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t j = 0; j < m; ++j) {
        const auto index = static_cast<int64_t>(indices.data<I>()[j]);
        if (index < 0 || index >= n)
          fail("[{}] index {} is out of range for axis {} of size {}", op, index, axis, n);
        f((o * n + index) * inner, (o * m + j) * inner, inner);
      }
  });
}

// Rows of the result follow rows of the indices (x fixed, axis 0), or rows of x (axis > 0).
BatchKind batch_of_gather(int64_t axis, BatchKind x, BatchKind indices) {
  if (axis == 0 && x == BatchKind::fixed) return indices;
  if (axis > 0 && indices == BatchKind::fixed) return x;
  return BatchKind::blocked;
}

}  // namespace

extern const Op kGather = {
    .name = "gather",
    .summary = "Takes elements along an axis by their positions.",
    .formula = "dst[a.., i.., b..] = x[a.., indices[i..], b..]",
    .inputs = {{"x", "any shape of rank >= 1, any dtype"},
               {"indices", "int32 or int64, each in [0, x.shape[axis])"}},
    .attributes = {{"axis", int64_t{0}, "the axis along which elements are taken"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      const int64_t axis = normalize_axis(c.op, c.attr<int64_t>("axis"), c.shape(0).rank());
      check_indices(c, c.in(1));
      Shape shape(c.shape(0).begin(), c.shape(0).begin() + axis);
      shape.insert(shape.end(), c.shape(1).begin(), c.shape(1).end());
      shape.insert(shape.end(), c.shape(0).begin() + axis + 1, c.shape(0).end());
      return {{c.in(0).dtype, shape}};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {make_value(kGatherGrad, {c.grad(), c.in(1)},
                         {{"shape", c.in(0).shape()}, {"axis", c.attr<int64_t>("axis")}}),
              Value()};
    },
    .reference =
        [](const ReferenceContext& c) {
          visit_dtype(c.dst[0].dtype(), [&]<class T>() {
            for_each_block("gather", c.src[0].sizes(), c.attr<int64_t>("axis"), c.src[1],
                           [&](int64_t from, int64_t to, int64_t n) {
                             for (int64_t i = 0; i < n; ++i)
                               c.dst[0].data<T>()[to + i] = c.src[0].data<T>()[from + i];
                           });
          });
        },
    .batch =
        [](const Node& node, std::span<const BatchKind> in) {
          return batch_of_gather(
              normalize_axis("gather", node.attr<int64_t>("axis"), node.inputs[0].rank()), in[0],
              in[1]);
        },
    .cases = {{{"f32[5,3]", "i32[4]@0:4"}},
              {{"f32[5,3]", "i64[2,2]@0:4"}},
              {{"f32[2,5,3]", "i32[4]@0:4"}, {{"axis", int64_t{1}}}},
              {{"f32[2,5]", "i32[]@0:4"}, {{"axis", int64_t{-1}}}},
              {{"f32[5,3]", "i32[0]"}},
              {{"i64[5]", "i32[9]@0:4"}},
              {{"bf16[5,2]", "i32[3]@0:4"}}},
};

extern const Op kGatherGrad = {
    .name = "gather_grad",
    .summary = "The gradient of gather: adds elements up at their positions along an axis.",
    .formula = "dst[a.., j, b..] = sum of g[a.., i.., b..] over the i with indices[i..] = j",
    .inputs = {{"g", "what gather would give"}, {"indices", "int32 or int64"}},
    .attributes = {{"shape", {}, "the sizes of the result", Shape()},
                   {"axis", int64_t{0}, "the axis along which elements are added"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      const auto& shape = c.attr<Shape>("shape");
      const int64_t axis = normalize_axis(c.op, c.attr<int64_t>("axis"), shape.rank());
      check_indices(c, c.in(1));
      if (!is_floating(c.in(0).dtype))
        fail("[gather_grad] takes floating point values; got {}", str(c.in(0)));
      Shape expected(shape.begin(), shape.begin() + axis);
      expected.insert(expected.end(), c.shape(1).begin(), c.shape(1).end());
      expected.insert(expected.end(), shape.begin() + axis + 1, shape.end());
      if (expected != c.shape(0))
        fail("[gather_grad] g must be {}; got {}", expected.str(), c.shape(0).str());
      return {{c.in(0).dtype, shape}};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {gather(c.grad(), c.in(1), c.attr<int64_t>("axis")), Value()};
    },
    .reference =
        [](const ReferenceContext& c) {
          visit_dtype(c.dst[0].dtype(), [&]<class T>() {
            using C = std::conditional_t<std::is_same_v<T, bool>, uint8_t, Compute<T>>;
            std::vector<C> total(static_cast<size_t>(c.dst[0].count()));
            for_each_block("gather_grad", c.dst[0].sizes(), c.attr<int64_t>("axis"), c.src[1],
                           [&](int64_t to, int64_t from, int64_t n) {
                             for (int64_t i = 0; i < n; ++i)
                               total[static_cast<size_t>(to + i)] +=
                                   static_cast<C>(c.src[0].data<T>()[from + i]);
                           });
            for (size_t i = 0; i < total.size(); ++i)
              c.dst[0].data<T>()[i] = static_cast<T>(total[i]);
          });
        },
    .batch =
        [](const Node& node, std::span<const BatchKind> in) {
          const int64_t axis = normalize_axis("gather_grad", node.attr<int64_t>("axis"),
                                              node.outputs[0].shape.rank());
          if (axis == 0 && in[0] == BatchKind::rows && in[1] == BatchKind::rows)
            return BatchKind::partial_sum;
          return axis > 0 && in[1] == BatchKind::fixed ? in[0] : BatchKind::blocked;
        },
    .cases = {{{"f32[4,3]", "i32[4]@0:2"}, {{"shape", Shape{5, 3}}}},
              {{"f32[2,4,3]", "i64[4]@0:4"}, {{"shape", Shape{2, 5, 3}}, {"axis", int64_t{1}}}},
              {{"f32[0,3]", "i32[0]"}, {{"shape", Shape{5, 3}}}},
              {{"bf16[4,3]", "i32[4]@0:2"}, {{"shape", Shape{5, 3}}}}},
};

Value gather(const Value& x, const Value& indices, int64_t axis) {
  return make_value(kGather, {x, indices}, {{"axis", axis}});
}

}  // namespace andiron::ops
