#include <unordered_map>

#include "andiron/base/error.hpp"
#include "andiron/graph/graph.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::ops {

namespace {

const Graph& body_of(const Attributes& attributes) {
  return *attributes.get<std::shared_ptr<const Graph>>("body");
}

// Node by node, by the ops' own reference kernels.
void reference(const ReferenceContext& c) {
  const Graph& body = body_of(c.attributes);
  std::unordered_map<Value, Tensor, ValueHash> done;
  for (size_t i = 0; i < c.src.size(); ++i) done[body.inputs()[i]] = c.src[i];
  for (const Node* node : body.nodes()) {
    if (node->is("input")) continue;
    std::vector<Tensor> src, dst;
    for (const Value& v : node->inputs) src.push_back(v.defined() ? done.at(v) : Tensor());
    for (const TensorType& type : node->outputs) dst.emplace_back(type.dtype, type.shape.sizes());
    if (node->is("constant")) {
      dst[0] = node->attr<Tensor>("tensor");
    } else {
      node->op->reference(ReferenceContext{src, dst, node->attributes, c.first_row});
    }
    for (size_t i = 0; i < dst.size(); ++i)
      done[Value(node->shared_from_this(), static_cast<int>(i))] = dst[i];
  }
  for (size_t i = 0; i < c.dst.size(); ++i) c.dst[i].copy_from(done.at(body.outputs()[i]));
}

}  // namespace

extern const Op kFused = {
    .name = "fused",
    .summary = "A graph of elementwise ops and reductions that runs in one sweep; made by fuse.",
    .formula = "dst = body(inputs)",
    .inputs = {{.name = "inputs", .doc = "the body's placeholders", .variadic = true}},
    .outputs = {"dst..."},
    .attributes =
        {{"body", {}, "what is computed; its shapes are concrete", std::shared_ptr<const Graph>()}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      const Graph& body = body_of(c.attributes);
      if (c.n() != body.inputs().size())
        fail("[fused] the body takes {} inputs; got {}", body.inputs().size(), c.n());
      for (size_t i = 0; i < c.n(); ++i)
        if (c.in(i) != body.inputs()[i].type())
          fail("[fused] input {} must be {}; got {}", i, str(body.inputs()[i].type()),
               str(c.in(i)));
      std::vector<TensorType> types;
      for (const Value& v : body.outputs()) types.push_back(v.type());
      return types;
    },
    .why_not_differentiable = "it is made after differentiation",
    .reference = reference,
    .flops =
        [](const Node& node) {
          double sum = 0;
          for (const Node* n : body_of(node.attributes).nodes()) {
            if (n->is("input") || n->is("constant")) continue;
            sum += n->op->flops != nullptr
                       ? n->op->flops(*n)
                       : static_cast<double>(n->outputs[0].shape.count().size());
          }
          return sum;
        },
};

}  // namespace andiron::ops
