#include "andiron/ops/conv/fused_conv.hpp"

#include <algorithm>

#include "andiron/ops/conv/channels.hpp"
#include "andiron/ops/conv/conv.hpp"
#include "andiron/ops/floating.hpp"
#include "andiron/ops/reference.hpp"

namespace andiron::ops {

extern const Op kConv;
extern const Op kFusedConv;

namespace {

constexpr const char* kOfConv[] = {"strides",  "dilations", "padding",      "pads_begin",
                                   "pads_end", "groups",    "channels_last"};

Attributes conv_attributes(const Attributes& from) {
  Attributes attributes;
  for (const char* name : kOfConv) attributes.set(name, *from.find(name));
  return attributes;
}

Tensor constant_of(const Value& v) { return v.node().attr<Tensor>("tensor"); }

bool is_constant(const Value& v) { return v.node().is("constant"); }

// The same op with other weights and bias.
Value with_weights(const Node& conv, Tensor weights, Tensor bias) {
  std::vector<Value> inputs = conv.inputs;
  inputs[1] = constant(std::move(weights));
  inputs.resize(std::max<size_t>(inputs.size(), 3));
  inputs[2] = constant(std::move(bias));
  return make_value(*conv.op, std::move(inputs), conv.attributes);
}

Tensor bias_of(const Node& conv) {
  if (conv.inputs.size() > 2) return constant_of(conv.inputs[2]);
  return Tensor::zeros(conv.outputs[0].dtype, {conv.inputs[1].shape()[0].size()});
}

Value fused(const Node& conv, std::vector<Value> inputs, const std::string& activation, double low,
            double high) {
  Attributes attributes = conv_attributes(conv.attributes);
  attributes.set("activation", activation);
  attributes.set("low", low);
  attributes.set("high", high);
  return make_value(kFusedConv, std::move(inputs), std::move(attributes));
}

}  // namespace

bool is_open_constant_conv(const Node& node) {
  if (node.op != &kConv && node.op != &kFusedConv) return false;
  if (node.outputs[0].dtype != DType::f32 || !is_constant(node.inputs[1])) return false;
  if (node.inputs.size() > 2 && !is_constant(node.inputs[2])) return false;
  return node.op == &kConv || node.attr<std::string>("activation") == "linear";
}

Value conv_times(const Node& conv, const Tensor& factor) {
  const Tensor w = constant_of(conv.inputs[1]);
  Shape wide(static_cast<size_t>(w.rank()), Dim(1));
  wide[0] = factor.count();
  const auto products = evaluate_reference({multiply(constant(w), reshape(constant(factor), wide)),
                                            multiply(constant(bias_of(conv)), constant(factor))});
  return with_weights(conv, products[0], products[1]);
}

Value conv_plus(const Node& conv, const Tensor& shift) {
  const auto sums = evaluate_reference({add(constant(bias_of(conv)), constant(shift))});
  return with_weights(conv, constant_of(conv.inputs[1]), sums[0]);
}

Value conv_with_residual(const Node& conv, const Value& residual) {
  return fused(conv, {conv.inputs[0], conv.inputs[1], constant(bias_of(conv)), residual}, "linear",
               0.0, 0.0);
}

Value conv_with_activation(const Node& conv, const std::string& activation, double low,
                           double high) {
  return fused(conv, conv.inputs, activation, low, high);
}

extern const Op kFusedConv = {
    .name = "fused_conv",
    .summary = "conv with what follows it at inference, made by the fusion pass.",
    .formula =
        "dst = activation(conv(x, weights, bias) + residual); relu is x > 0 ? x : 0, so that "
        "a NaN does not pass it",
    .inputs = {{"x", "[N, C, spatial...]"},
               {"weights", "[O, C/groups, kernel...]"},
               {"bias", "[O]", true},
               {"residual", "of the result's shape", true}},
    .attributes =
        [] {
          std::vector<AttributeSpec> attributes = window_attributes();
          attributes.push_back({"groups", int64_t{1}, "C and O fall into as many separate parts"});
          attributes.push_back(channels_last_attribute());
          attributes.push_back({"activation", std::string("linear"), "or relu, clip"});
          attributes.push_back({"low", 0.0, "the bound of clip"});
          attributes.push_back({"high", 0.0, "the bound of clip"});
          return attributes;
        }(),
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      std::vector<Value> inputs(c.inputs.begin(), c.inputs.begin() + std::min<size_t>(c.n(), 3));
      const Value y = make_value(kConv, inputs, conv_attributes(c.attributes));
      if (c.n() > 3 && c.in(3) != y.type())
        fail("[fused_conv] residual must be {}; got {}", str(y.type()), str(c.in(3)));
      const auto& activation = c.attr<std::string>("activation");
      if (activation != "linear" && activation != "relu" && activation != "clip")
        fail("[fused_conv] activation is linear, relu or clip; got '{}'", activation);
      if (const double low = c.attr<double>("low"), high = c.attr<double>("high");
          activation == "clip" && !(low <= high))
        fail("[fused_conv] low must not exceed high; got {} and {}", low, high);
      return {y.type()};
    },
    .why_not_differentiable = "made after differentiation",
    .reference =
        [](const ReferenceContext& c) {
          std::vector<Value> in;
          for (const Tensor& t : c.src) in.push_back(constant(t));
          Value y = make_value(kConv, {in.begin(), in.begin() + std::min<size_t>(in.size(), 3)},
                               conv_attributes(c.attributes));
          if (in.size() > 3) y = add(y, in[3]);
          const Tensor sum = evaluate_reference(std::vector<Value>{y})[0];
          const auto& activation = c.attr<std::string>("activation");
          const double low = activation == "clip" ? c.attr<double>("low") : 0.0;
          const double high = c.attr<double>("high");
          visit_floating(sum.dtype(), [&]<class T>() {
            using C = Compute<T>;
            for (int64_t i = 0; i < sum.count(); ++i) {
              auto v = static_cast<C>(sum.data<T>()[i]);
              if (activation != "linear") v = v > static_cast<C>(low) ? v : static_cast<C>(low);
              if (activation == "clip") v = v < static_cast<C>(high) ? v : static_cast<C>(high);
              c.dst[0].data<T>()[i] = static_cast<T>(v);
            }
          });
        },
    .batch =
        [](const Node&, std::span<const BatchKind> in) {
          const bool fixed =
              in[1] == BatchKind::fixed && (in.size() < 3 || in[2] == BatchKind::fixed);
          const bool together = in.size() < 4 || in[3] == in[0];
          return fixed && together ? in[0] : BatchKind::blocked;
        },
    .flops = conv_flops,
    .cases = {{{"f32[2,5,5,16]", "f32[32,16,3,3]", "f32[32]"},
               {{"channels_last", true}, {"activation", std::string("relu")}},
               false},
              {{"f32[2,5,4,16]", "f32[16,16,1,1]", "f32[16]", "f32[2,5,4,16]"},
               {{"channels_last", true}, {"activation", std::string("relu")}},
               false},
              {{"f32[2,5,5,16]", "f32[16,1,3,3]", "f32[16]"},
               {{"channels_last", true},
                {"groups", int64_t{16}},
                {"activation", std::string("clip")},
                {"high", 1.5}},
               false},
              {{"f32[1,7,7,3]", "f32[5,3,3,3]"},
               {{"channels_last", true}, {"activation", std::string("relu")}},
               false},
              {{"f32[2,2,4,4]", "f32[2,2,3,3]", "f32[2]", "f32[2,2,2,2]"}, {}, false}},
};

}  // namespace andiron::ops
