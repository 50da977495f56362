#include "andiron/passes/fuse_blocks.hpp"

#include <algorithm>

#include "andiron/graph/schema.hpp"
#include "andiron/ops/conv/conv.hpp"
#include "andiron/ops/conv/depthwise_block.hpp"
#include "andiron/passes/uses.hpp"

namespace andiron {

namespace {

constexpr int64_t kMinChannels = 16, kMaxKernel = 16;

// A convolution of images in float32 with channels last and constant weights.
bool is_constant_conv(const Node& node) {
  if (!node.is("conv") && !node.is("fused_conv")) return false;
  if (node.outputs[0].dtype != DType::f32 || node.outputs[0].shape.rank() != 4) return false;
  if (!node.attr<bool>("channels_last") || !node.outputs[0].shape.known()) return false;
  for (size_t i = 1; i < std::min<size_t>(node.inputs.size(), 3); ++i)
    if (node.inputs[i].defined() && !node.inputs[i].node().is("constant")) return false;
  return true;
}

bool are(const std::vector<int64_t>& values, int64_t value) {
  return std::all_of(values.begin(), values.end(), [=](int64_t v) { return v == value; });
}

// Of size 1, pixel by pixel.
bool is_pointwise(const Node& node) {
  if (!is_constant_conv(node)) return false;
  const ops::ConvShape s = ops::conv_shape(node);
  const ops::Window& w = s.window;
  return s.groups == 1 && are(w.kernel, 1) && are(w.strides, 1) && are(w.begin, 0) && are(w.end, 0);
}

// One filter for each channel.
bool is_depthwise(const Node& node) {
  if (!is_constant_conv(node) || node.inputs.size() > 3) return false;
  const ops::ConvShape s = ops::conv_shape(node);
  const ops::Window& w = s.window;
  auto fits = [](int64_t n) { return n >= 0 && n <= kMaxKernel; };
  return s.groups == s.channels && s.filters == s.channels && s.channels >= kMinChannels &&
         std::all_of(w.kernel.begin(), w.kernel.end(), fits) &&
         std::all_of(w.begin.begin(), w.begin.end(), fits);
}

}  // namespace

Graph fuse_blocks(const Graph& graph) {
  const Uses uses = uses_of(graph);

  Rewriter rewrite([&](const Node& node, const std::vector<Value>& in) -> std::vector<Value> {
    if (!is_pointwise(node) || uses.at(node.inputs[0]) != 1) return {};
    const Node& before = node.inputs[0].node();  // as the graph had it
    if (!is_depthwise(before)) return {};
    const Node& depthwise = in[0].node();
    const Node* expand = nullptr;
    if (uses.at(before.inputs[0]) == 1 && is_pointwise(depthwise.inputs[0].node()) &&
        depthwise.inputs[0].node().inputs.size() <= 3)
      expand = &depthwise.inputs[0].node();
    NameScope scope(node.name);
    return {ops::depthwise_block(expand, depthwise, node, in.size() > 3 ? in[3] : Value())};
  });
  return rewrite(graph);
}

}  // namespace andiron
