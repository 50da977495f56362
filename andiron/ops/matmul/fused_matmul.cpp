#include "andiron/ops/matmul/fused_matmul.hpp"

#include "andiron/base/error.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/ops/reference.hpp"

namespace andiron::ops {

// Made by passes/fuse_matmul only, after differentiation. Its reference runs the ops it stands for.
extern const Op kFusedMatmul = {
    .name = "fused_matmul",
    .summary = "Matrix product with bias and activation, made by the fusion pass.",
    .formula = "dst = activation(A B + bias)",
    .inputs = {{"a", "[m, k], or [k, m] with transpose_a"},
               {"b", "[k, n], or [n, k] with transpose_b"},
               {"bias", "[n]", true}},
    .attributes = {{"transpose_a", false, "swap the axes of a"},
                   {"transpose_b", false, "swap the axes of b"},
                   {"activation", std::string("linear"), "an elementwise op without attributes"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      const Value product = matmul(c.inputs[0], c.inputs[1], c.attr<bool>("transpose_a"),
                                   c.attr<bool>("transpose_b"));
      if (product.rank() != 2) fail("[fused_matmul] takes matrices; got {}", str(c.in(0)));
      if (c.n() > 2 && c.inputs[2].defined() && c.shape(2) != Shape{product.shape()[1]})
        fail("[fused_matmul] bias must be [{}]; got {}", product.shape()[1].str(),
             c.shape(2).str());
      return {product.type()};
    },
    .why_not_differentiable = "made after differentiation",
    .reference =
        [](const ReferenceContext& c) {
          std::vector<Value> in;
          for (const Tensor& t : c.src) in.push_back(constant(t));
          Value y = matmul(in[0], in[1], c.attr<bool>("transpose_a"), c.attr<bool>("transpose_b"));
          if (in.size() > 2) y = add(y, in[2]);
          y = activation(c.attr<std::string>("activation"), y);
          c.dst[0].copy_from(evaluate_reference(std::vector<Value>{y})[0]);
        },
    .batch =
        [](const Node& node, std::span<const BatchKind> in) {
          const bool rows = in[0] == BatchKind::rows && in[1] == BatchKind::fixed &&
                            !node.attr<bool>("transpose_a");
          return rows ? BatchKind::rows : BatchKind::blocked;
        },
    .flops =
        [](const Node& node) {
          const Shape& a = node.inputs[0].shape();
          const int64_t k = a[node.attr<bool>("transpose_a") ? 0 : 1].size();
          return 2.0 * static_cast<double>(k * node.outputs[0].shape.count().size());
        },
    .cases = {{{"f32[4,3]", "f32[3,5]", "f32[5]"}, {{"activation", std::string("relu")}}, false},
              {{"f32[4,3]", "f32[5,3]"}, {{"transpose_b", true}}, false}},
};

Value fused_matmul(const Value& a, const Value& b, const Value& bias, bool transpose_a,
                   bool transpose_b, const std::string& activation) {
  std::vector<Value> inputs{a, b};
  if (bias.defined()) inputs.push_back(bias);
  return make_value(
      kFusedMatmul, std::move(inputs),
      {{"transpose_a", transpose_a}, {"transpose_b", transpose_b}, {"activation", activation}});
}

}  // namespace andiron::ops
