#include <algorithm>

#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

namespace {

std::vector<int64_t> permutation_of(std::string_view op, std::vector<int64_t> permutation,
                                    int64_t rank) {
  if (permutation.empty())
    for (int64_t i = rank; i-- > 0;) permutation.push_back(i);
  std::vector<bool> seen(static_cast<size_t>(rank), false);
  for (int64_t& axis : permutation) {
    axis = normalize_axis(op, axis, rank);
    seen[static_cast<size_t>(axis)] = true;
  }
  if (static_cast<int64_t>(permutation.size()) != rank ||
      std::find(seen.begin(), seen.end(), false) != seen.end())
    fail("[{}] permutation {} must name each of the {} axes once", op, str(permutation), rank);
  return permutation;
}

}  // namespace

extern const Op kTranspose = {
    .name = "transpose",
    .summary = "Permutes the axes.",
    .formula = "dst.shape[i] = x.shape[permutation[i]]",
    .inputs = {{"x", "any shape, any dtype"}},
    .attributes = {{"permutation", std::vector<int64_t>{},
                    "where each axis of the result comes from; empty reverses the axes"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      Shape shape;
      for (int64_t axis :
           permutation_of(c.op, c.attr<std::vector<int64_t>>("permutation"), c.shape(0).rank()))
        shape.push_back(c.shape(0)[static_cast<size_t>(axis)]);
      return {{c.in(0).dtype, shape}};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const auto permutation =
          permutation_of("transpose", c.attr<std::vector<int64_t>>("permutation"), c.in(0).rank());
      std::vector<int64_t> inverse(permutation.size());
      for (size_t i = 0; i < permutation.size(); ++i)
        inverse[static_cast<size_t>(permutation[i])] = static_cast<int64_t>(i);
      return {transpose(c.grad(), inverse)};
    },
    .reference =
        [](const ReferenceContext& c) {
          const Tensor& x = c.src[0];
          Sizes strides;
          for (int64_t axis :
               permutation_of("transpose", c.attr<std::vector<int64_t>>("permutation"), x.rank()))
            strides.push_back(x.strides()[static_cast<size_t>(axis)]);
          c.dst[0].copy_from(
              Tensor(x.buffer(), x.dtype(), c.dst[0].sizes(), strides, x.byte_offset()));
        },
    .batch =
        [](const Node& node, std::span<const BatchKind> in) {
          const auto permutation = permutation_of(
              "transpose", node.attr<std::vector<int64_t>>("permutation"), node.inputs[0].rank());
          const bool keeps_rows = permutation.empty() || permutation[0] == 0;
          return keeps_rows ? in[0] : BatchKind::blocked;
        },
    .cases = {{{"f32[2,3]"}},
              {{"f32[2,3,4]"}, {{"permutation", std::vector<int64_t>{0, 2, 1}}}},
              {{"f32[2,3,4,5]"}, {{"permutation", std::vector<int64_t>{2, 0, -1, 1}}}},
              {{"f32[]"}},
              {{"f32[0,3]"}},
              {{"i64[2,3]"}},
              {{"bf16[3,2]"}}},
};

Value transpose(const Value& x, std::vector<int64_t> permutation) {
  return make_value(kTranspose, {x}, {{"permutation", std::move(permutation)}});
}

}  // namespace andiron::ops
