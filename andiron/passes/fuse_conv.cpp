#include "andiron/passes/fuse_conv.hpp"

#include "andiron/graph/schema.hpp"
#include "andiron/ops/conv/conv.hpp"
#include "andiron/ops/conv/fused_conv.hpp"
#include "andiron/passes/uses.hpp"

namespace andiron {

namespace {

// A constant with one number for each filter of the convolution beside it; undefined otherwise.
Tensor by_filter(const Value& v, const Node& conv) {
  if (!v.node().is("constant") || v.dtype() != DType::f32) return {};
  const bool last = conv.attr<bool>("channels_last");
  const int64_t filters = conv.inputs[1].shape()[0].size();
  // [O] beside channels that are last, [O, 1, ...] before the spatial axes.
  const int64_t rank = last ? 1 : conv.inputs[0].rank() - 1;
  if (v.rank() != rank || v.shape().count() != Dim(filters) || v.shape()[0] != Dim(filters))
    return {};
  return v.node().attr<Tensor>("tensor").contiguous().reshape({filters});
}

class FuseConv {
 public:
  explicit FuseConv(const Graph& graph) : uses_(uses_of(graph)) {}

  std::vector<Value> operator()(const Node& node, const std::vector<Value>& in) const {
    for (size_t i = 0; i < in.size() && i < 2; ++i) {
      if (!in[i].defined() || uses_.at(node.inputs[i]) != 1) continue;
      const Node& conv = in[i].node();
      if (!ops::is_open_constant_conv(conv)) continue;
      // Its layer is the one by whose name people know it, not the activation's.
      NameScope scope(conv.name.empty() ? node.name : conv.name);
      const Value made = absorbed(node, conv, in.size() == 2 ? in[1 - i] : Value());
      if (made.defined()) return {made};
    }
    return {};
  }

 private:
  static Value absorbed(const Node& node, const Node& conv, const Value& other) {
    const bool has_residual = conv.inputs.size() > 3;
    if ((node.is("multiply") || node.is("add")) && other.defined()) {
      const Tensor c = by_filter(other, conv);
      if (c.defined() && !has_residual)
        return node.is("multiply") ? ops::conv_times(conv, c) : ops::conv_plus(conv, c);
      const bool beside = node.is("add") && other.type() == conv.outputs[0];
      return beside && !has_residual && !other.node().is("constant")
                 ? ops::conv_with_residual(conv, other)
                 : Value();
    }
    // What the kernel library applies as it writes.
    if (node.is("relu")) return ops::conv_with_activation(conv, "relu", 0.0, 0.0);
    if (node.is("clip"))
      return ops::conv_with_activation(conv, "clip", node.attr<double>("low"),
                                       node.attr<double>("high"));
    return {};
  }

  Uses uses_;
};

}  // namespace

Graph fuse_conv(const Graph& graph) {
  const FuseConv fuse(graph);
  Rewriter rewrite([&](const Node& node, const std::vector<Value>& in) { return fuse(node, in); });
  return rewrite(graph);
}

}  // namespace andiron
