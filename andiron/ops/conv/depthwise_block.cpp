#include "andiron/ops/conv/depthwise_block.hpp"

#include <algorithm>

#include "andiron/ops/conv/channels.hpp"
#include "andiron/ops/conv/conv.hpp"
#include "andiron/ops/floating.hpp"
#include "andiron/ops/reference.hpp"

namespace andiron::ops {

extern const Op kFusedConv;
extern const Op kDepthwiseBlock;

namespace {

constexpr size_t kX = 0, kDepthwise = 1, kProject = 3, kResidual = 5, kExpand = 6;

// The attributes of one of the convolutions stand under its name.
void set_activation(const Attributes& from, const std::string& prefix, Attributes* to) {
  for (const char* name : {"activation", "low", "high"})
    to->set(name, *from.find(prefix.empty() ? name : prefix + "_" + name));
}

void get_activation(const Node& conv, const std::string& prefix, Attributes* to) {
  const bool fused = conv.is("fused_conv");
  const std::string before = prefix.empty() ? "" : prefix + "_";
  to->set(before + "activation", fused ? conv.attr<std::string>("activation") : "linear");
  to->set(before + "low", fused ? conv.attr<double>("low") : 0.0);
  to->set(before + "high", fused ? conv.attr<double>("high") : 0.0);
}

Value pointwise(const std::vector<Value>& in, const Attributes& from, const std::string& prefix) {
  Attributes attributes;
  attributes.set("channels_last", *from.find("channels_last"));
  set_activation(from, prefix, &attributes);
  return make_value(kFusedConv, in, std::move(attributes));
}

void check_weights(const InferContext& c) {
  auto is_one = [](const Dim& d) { return d == Dim(1); };
  for (const size_t i : {kDepthwise, kProject, kExpand}) {
    if (i >= c.n()) continue;
    const Shape& w = c.shape(i);
    const bool depthwise = i == kDepthwise;
    if (w.rank() < 3 || !w.known() ||
        !std::all_of(w.begin() + (depthwise ? 1 : 2), depthwise ? w.begin() + 2 : w.end(), is_one))
      fail("[depthwise_block] {} must be {}; got {}",
           depthwise ? "depthwise_weights" : (i == kProject ? "weights" : "expand_weights"),
           depthwise ? "[M, 1, kernel...]" : "[O, C, 1...]", str(c.in(i)));
  }
}

DepthwiseBlockParts parts_of(std::span<const Value> in, const Attributes& from) {
  DepthwiseBlockParts parts;
  Value x = in[kX];
  if (in.size() > kExpand)
    x = parts.expand = pointwise({x, in[kExpand], in[kExpand + 1]}, from, "expand");
  Attributes attributes;
  for (const char* name :
       {"strides", "dilations", "padding", "pads_begin", "pads_end", "channels_last"})
    attributes.set(name, *from.find(name));
  attributes.set("groups", in[kDepthwise].shape()[0].size());
  set_activation(from, "depthwise", &attributes);
  parts.depthwise =
      make_value(kFusedConv, {x, in[kDepthwise], in[kDepthwise + 1]}, std::move(attributes));
  std::vector<Value> last{parts.depthwise, in[kProject], in[kProject + 1]};
  if (in.size() > kResidual && in[kResidual].defined()) last.push_back(in[kResidual]);
  parts.project = pointwise(last, from, "");
  return parts;
}

Value bias_of(const Node& conv) {
  if (conv.inputs.size() > 2 && conv.inputs[2].defined()) return conv.inputs[2];
  return constant(Tensor::zeros(conv.outputs[0].dtype, {conv.inputs[1].shape()[0].size()}));
}

std::vector<AttributeSpec> attributes_of_block() {
  std::vector<AttributeSpec> attributes = window_attributes();
  attributes.push_back(channels_last_attribute());
  for (const std::string before : {"expand_", "depthwise_", ""}) {
    attributes.push_back({before + "activation", std::string("linear"), "or relu, clip"});
    attributes.push_back({before + "low", 0.0, "the bound of clip"});
    attributes.push_back({before + "high", 0.0, "the bound of clip"});
  }
  return attributes;
}

}  // namespace

DepthwiseBlockParts depthwise_block_parts(const Node& node) {
  return parts_of(node.inputs, node.attributes);
}

Value depthwise_block(const Node* expand, const Node& depthwise, const Node& project,
                      const Value& residual) {
  Attributes attributes;
  for (const char* name :
       {"strides", "dilations", "padding", "pads_begin", "pads_end", "channels_last"})
    attributes.set(name, *depthwise.attributes.find(name));
  get_activation(depthwise, "depthwise", &attributes);
  get_activation(project, "", &attributes);
  const Value x = (expand != nullptr ? *expand : depthwise).inputs[0];
  std::vector<Value> inputs{x, depthwise.inputs[1], bias_of(depthwise), project.inputs[1],
                            bias_of(project)};
  if (residual.defined()) inputs.push_back(residual);
  if (expand != nullptr) {
    get_activation(*expand, "expand", &attributes);
    inputs.resize(kExpand);
    inputs.push_back(expand->inputs[1]);
    inputs.push_back(bias_of(*expand));
  }
  return make_value(kDepthwiseBlock, std::move(inputs), std::move(attributes));
}

extern const Op kDepthwiseBlock = {
    .name = "depthwise_block",
    .summary = "Inverted residual or separable convolution at inference, made by the fusion pass.",
    .formula =
        "dst = project(depthwise(expand(x))) + residual, each a fused_conv; expand and "
        "project are of size 1",
    .inputs = {{"x", "[N, C, height, width]"},
               {"depthwise_weights", "[M, 1, kernel...]"},
               {"depthwise_bias", "[M]"},
               {"weights", "[O, M, 1, 1]"},
               {"bias", "[O]"},
               {"residual", "of the result's shape", true},
               {"expand_weights", "[M, C, 1, 1]", true},
               {"expand_bias", "[M]", true}},
    .attributes = attributes_of_block(),
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      if (c.n() == kExpand + 1) fail("[depthwise_block] expand_weights come with an expand_bias");
      check_weights(c);
      return {parts_of(c.inputs, c.attributes).project.type()};
    },
    .why_not_differentiable = "made after differentiation",
    .reference =
        [](const ReferenceContext& c) {
          // As one kernel would: what is in between is not rounded to bfloat16.
          const DType dtype = c.dst[0].dtype(), wide = dtype == DType::bf16 ? DType::f32 : dtype;
          std::vector<Value> in;
          for (const Tensor& t : c.src)
            in.push_back(t.defined() ? constant(t.dtype() == wide ? t : t.cast(wide)) : Value());
          const Value y = parts_of(in, c.attributes).project;
          const Tensor result = evaluate_reference(std::vector<Value>{y})[0];
          c.dst[0].copy_from(wide == dtype ? result : result.cast(dtype));
        },
    .batch =
        [](const Node&, std::span<const BatchKind> in) {
          for (size_t i = 1; i < in.size(); ++i)
            if (i != kResidual && in[i] != BatchKind::fixed) return BatchKind::blocked;
          return in.size() <= kResidual || in[kResidual] == in[0] ? in[0] : BatchKind::blocked;
        },
    .flops =
        [](const Node& node) {
          const DepthwiseBlockParts parts = depthwise_block_parts(node);
          double total = conv_flops(parts.depthwise.node()) + conv_flops(parts.project.node());
          if (parts.expand.defined()) total += conv_flops(parts.expand.node());
          return total;
        },
    .cases =
        [] {
          const std::string relu = "relu", clip = "clip";
          const Attributes same = {{"padding", std::string("same")},
                                   {"channels_last", true},
                                   {"expand_activation", clip},
                                   {"expand_high", 0.5},
                                   {"depthwise_activation", relu}};
          const Attributes strided = {{"strides", std::vector<int64_t>{2}},
                                      {"pads_begin", std::vector<int64_t>{1}},
                                      {"pads_end", std::vector<int64_t>{1}},
                                      {"padding", std::string("explicit")},
                                      {"channels_last", true},
                                      {"activation", relu}};
          return std::vector<Case>{
              {{"f32[2,5,6,8]", "f32[24,1,3,3]", "f32[24]", "f32[8,24,1,1]", "f32[8]",
                "f32[2,5,6,8]", "f32[24,8,1,1]", "f32[24]"},
               same,
               false},
              {{"f32[2,7,6,16]", "f32[16,1,3,3]", "f32[16]", "f32[24,16,1,1]", "f32[24]"},
               strided,
               false},
              {{"f32[1,16,4,5]", "f32[16,1,3,3]", "f32[16]", "f32[3,16,1,1]", "f32[3]"},
               {},
               false}};
        }(),
};

}  // namespace andiron::ops
