#include "andiron/ops/elementwise.hpp"
#include "andiron/ops/shape/block.hpp"

namespace andiron::ops {

extern const Op kSplit = {
    .name = "split",
    .summary = "Cuts a value into blocks along an axis.",
    .formula = "concat(dst, axis) = x",
    .inputs = {{"x", "any shape of rank >= 1, any dtype"}},
    .outputs = {"blocks"},
    .attributes = {{"sizes", {}, "the size of each block along the axis", std::vector<int64_t>{}},
                   {"axis", int64_t{-1}, "the axis that is cut"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      const auto& sizes = c.attr<std::vector<int64_t>>("sizes");
      const int64_t axis = normalize_axis(c.op, c.attr<int64_t>("axis"), c.shape(0).rank());
      const Dim whole = c.shape(0)[static_cast<size_t>(axis)];
      Dim total = 0;
      for (int64_t size : sizes) {
        if (size < 0) fail("[split] sizes must not be negative; got {}", str(sizes));
        total = total + size;
      }
      if (sizes.empty() || whole != total)
        fail("[split] sizes {} do not add up to {}, axis {} of {}", str(sizes), whole.str(), axis,
             c.shape(0).str());
      std::vector<TensorType> types(sizes.size(), c.in(0));
      for (size_t i = 0; i < sizes.size(); ++i)
        types[i].shape[static_cast<size_t>(axis)] = sizes[i];
      return types;
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      std::vector<Value> grads(c.grads.begin(), c.grads.end());
      for (size_t i = 0; i < grads.size(); ++i) {
        if (grads[i].defined()) continue;
        const TensorType& type = c.node.outputs[i];
        if (!is_floating(type.dtype)) return {Value()};
        grads[i] = broadcast_to(constant(0.0, type.dtype), type.shape);
      }
      return {concat(grads, c.attr<int64_t>("axis"))};
    },
    .reference =
        [](const ReferenceContext& c) {
          const auto axis = static_cast<size_t>(
              normalize_axis("split", c.attr<int64_t>("axis"), c.src[0].rank()));
          Sizes begin(static_cast<size_t>(c.src[0].rank()), 0);
          for (Tensor& dst : c.dst) {
            dst.copy_from(block_of(c.src[0], begin, dst.sizes()));
            begin[axis] += dst.sizes()[axis];
          }
        },
    .batch =
        [](const Node& node, std::span<const BatchKind> in) {
          const int64_t axis =
              normalize_axis("split", node.attr<int64_t>("axis"), node.inputs[0].rank());
          return axis != 0 ? in[0] : BatchKind::blocked;
        },
    .cases = {{{"f32[2,6]"}, {{"sizes", std::vector<int64_t>{1, 3, 2}}}},
              {{"f32[4,3]"}, {{"sizes", std::vector<int64_t>{2, 2}}, {"axis", int64_t{0}}}},
              {{"f32[2,3]"}, {{"sizes", std::vector<int64_t>{3, 0}}}},
              {{"f32[0,3]"}, {{"sizes", std::vector<int64_t>{1, 2}}}},
              {{"i32[4]"}, {{"sizes", std::vector<int64_t>{1, 3}}}},
              {{"bf16[4]"}, {{"sizes", std::vector<int64_t>{1, 3}}}}},
};

std::vector<Value> split(const Value& x, std::vector<int64_t> sizes, int64_t axis) {
  return make_node(kSplit, {x}, {{"sizes", std::move(sizes)}, {"axis", axis}});
}

}  // namespace andiron::ops
