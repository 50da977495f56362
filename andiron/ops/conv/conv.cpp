#include "andiron/ops/conv/conv.hpp"

#include <algorithm>

#include "andiron/ops/conv/channels.hpp"
#include "andiron/ops/floating.hpp"

namespace andiron::ops {

extern const Op kConvGradSrc;
extern const Op kConvGradWeights;
extern const Op kConv;

namespace {

using Ints = std::vector<int64_t>;

void require_floating(const InferContext& c) {
  for (const Value& v : c.inputs)
    if (v.defined() && (v.dtype() != c.in(0).dtype || !is_floating(v.dtype())))
      fail("[{}] operands must have one floating point dtype; got {} and {}", c.op, str(c.in(0)),
           str(v.type()));
}

std::vector<AttributeSpec> with(std::vector<AttributeSpec> attributes,
                                std::vector<AttributeSpec> more) {
  attributes.insert(attributes.end(), more.begin(), more.end());
  return attributes;
}

Attributes with(Attributes attributes, const Attributes& more) {
  for (const auto& [name, value] : more) attributes.set(name, value);
  return attributes;
}

// Calls f(x offset, w offset, y offset) for each product of the sums of y = conv(x, w).
template <class F>
void for_each_product(const ConvShape& s, F f) {
  const WindowLoop loop(s.window, s.src.sizes(), s.dst.sizes());
  const int64_t c = s.channels / s.groups, o = s.filters / s.groups, taps = s.window.taps();
  for (int64_t n = 0; n < s.src[0].size(); ++n)
    for (int64_t k = 0; k < s.filters; ++k)
      for (int64_t y = 0; y < loop.n_out(); ++y)
        for (int64_t i = 0; i < c; ++i)
          loop.taps_of(y, [&](int64_t x, int64_t tap) {
            f((n * s.channels + k / o * c + i) * loop.n_in() + x, (k * c + i) * taps + tap,
              (n * s.filters + k) * loop.n_out() + y);
          });
}

// A tensor with channels at axis 1 as a list of numbers to compute with, and back.
template <class T>
std::vector<Compute<T>> numbers(const Tensor& t, bool channels_last = false) {
  const Tensor dense = channels_first_view(t, channels_last).contiguous();
  return {dense.data<T>(), dense.data<T>() + dense.count()};
}

template <class T>
void write(const std::vector<Compute<T>>& values, Tensor& dst, bool channels_last = false) {
  Tensor view = channels_first_view(dst, channels_last);
  Tensor dense(dst.dtype(), view.sizes());
  std::copy(values.begin(), values.end(), dense.data<T>());
  view.copy_from(dense);
}

// What a reference kernel knows is tensors: their node is made again.
ConvShape shape_of(const Op& op, const ReferenceContext& c) {
  std::vector<Value> inputs;
  for (const Tensor& t : c.src)
    inputs.push_back(t.defined() ? input("x", t.dtype(), Shape(t.sizes())) : Value());
  return conv_shape(make_node(op, inputs, c.attributes)[0].node());
}

BatchKind rows_if_weights_are_fixed(const Node&, std::span<const BatchKind> in) {
  for (size_t i = 1; i < in.size(); ++i)
    if (in[i] != BatchKind::fixed) return BatchKind::blocked;
  return in[0];
}

Attributes gradient_attributes(const ConvShape& s) {
  return with(explicit_attributes(s.window),
              {{"groups", s.groups}, {"channels_last", s.channels_last}});
}

Value grad_src(const ConvShape& s, const Value& g, const Value& w) {
  return make_value(
      kConvGradSrc, {g, w},
      with(gradient_attributes(s), {{"shape", channels_last(s.src, s.channels_last)}}));
}

std::vector<Value> grad_weights(const ConvShape& s, const Value& x, const Value& g, bool bias) {
  return make_node(kConvGradWeights, {x, g},
                   with(gradient_attributes(s), {{"kernel", s.window.kernel}, {"bias", bias}}));
}

Value forward(const ConvShape& s, const Value& x, const Value& w, const Value& bias = {}) {
  std::vector<Value> inputs{x, w};
  if (bias.defined()) inputs.push_back(bias);
  return make_value(kConv, std::move(inputs),
                    with(gradient_attributes(s), {{"padding", std::string("explicit")}}));
}

// y = bias: one number for each filter.
template <class T>
void spread_bias(const ReferenceContext& c, const ConvShape& s, std::vector<Compute<T>>& y) {
  if (c.src.size() < 3 || !c.src[2].defined()) return;
  const auto n = static_cast<int64_t>(y.size()) / std::max<int64_t>(1, s.dst[0].size() * s.filters);
  for (size_t i = 0; i < y.size(); ++i)
    y[i] = static_cast<Compute<T>>(c.src[2].data<T>()[static_cast<int64_t>(i) / n % s.filters]);
}

}  // namespace

extern const Op kConv = {
    .name = "conv",
    .summary = "Convolution (cross-correlation) over 1 to 3 spatial axes.",
    .formula =
        "dst[n, o, i] = bias[o] + sum over c, t of "
        "w[o, c, t] x[n, group(o) + c, i stride - begin + t dilation]",
    .reference_source = "Dumoulin and Visin, A guide to convolution arithmetic, 2016",
    .inputs = {{"x", "[N, C, spatial...]"},
               {"weights", "[O, C/groups, kernel...]"},
               {"bias", "[O]", true}},
    .attributes = with(window_attributes(),
                       {{"groups", int64_t{1}, "C and O fall into as many separate parts"},
                        channels_last_attribute()}),
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      require_floating(c);
      const ConvShape s = conv_forward_shape(c.op, c.attributes, c.shape(0), c.shape(1));
      if (c.n() > 2 && c.inputs[2].defined() && c.shape(2) != Shape{s.dst[1]})
        fail("[conv] bias must be [{}]; got {}", s.filters, c.shape(2).str());
      return {{c.in(0).dtype, channels_last(s.dst, s.channels_last)}};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const ConvShape s = conv_shape(c.node);
      const bool bias = c.node.inputs.size() > 2 && c.in(2).defined();
      std::vector<Value> grads{grad_src(s, c.grad(), c.in(1))};
      for (Value& v : grad_weights(s, c.in(0), c.grad(), bias)) grads.push_back(std::move(v));
      return grads;
    },
    .reference =
        [](const ReferenceContext& c) {
          const ConvShape s = shape_of(kConv, c);
          visit_floating(c.dst[0].dtype(), [&]<class T>() {
            const auto x = numbers<T>(c.src[0], s.channels_last), w = numbers<T>(c.src[1]);
            std::vector<Compute<T>> y(static_cast<size_t>(c.dst[0].count()));
            spread_bias<T>(c, s, y);
            for_each_product(s, [&](int64_t i, int64_t k, int64_t o) {
              y[static_cast<size_t>(o)] += x[static_cast<size_t>(i)] * w[static_cast<size_t>(k)];
            });
            write<T>(y, c.dst[0], s.channels_last);
          });
        },
    .batch = rows_if_weights_are_fixed,
    .flops = conv_flops,
    .cases = {{{"f32[2,3,7]", "f32[4,3,3]", "f32[4]"}},
              {{"f32[2,3,6,5]", "f32[4,3,3,2]"},
               {{"strides", Ints{2, 1}}, {"padding", std::string("same")}}},
              {{"f32[2,4,6,6]", "f32[6,2,3,3]", "f32[6]"},
               {{"groups", int64_t{2}},
                {"padding", std::string("explicit")},
                {"pads_begin", Ints{1, 0}},
                {"pads_end", Ints{2, 1}}}},
              {{"f32[2,3,8,7]", "f32[3,1,3,3]", "f32[3]"}, {{"groups", int64_t{3}}}},
              {{"f32[1,2,9,9]", "f32[4,1,3,3]"}, {{"groups", int64_t{2}}, {"dilations", Ints{2}}}},
              {{"f32[2,2,4,3,5]", "f32[3,2,2,2,2]"}, {{"padding", std::string("same")}}},
              {{"f32[2,16,5,5]", "f32[32,16,1,1]"}},
              {{"f32[2,7,6,3]", "f32[5,3,3,2]", "f32[5]"},
               {{"channels_last", true}, {"padding", std::string("same")}}},
              {{"f32[1,4,19,20]", "f32[20,1,3,2]", "f32[20]"},
               {{"channels_last", true},
                {"groups", int64_t{20}},
                {"dilations", Ints{2, 1}},
                {"padding", std::string("same")}}},
              {{"f32[2,5,5,32]", "f32[32,1,3,3]"},
               {{"channels_last", true}, {"groups", int64_t{32}}, {"strides", Ints{2}}}},
              {{"f32[2,9,9,16]", "f32[32,16,3,3]", "f32[32]"}, {{"channels_last", true}}},
              {{"f32[0,3,5,5]", "f32[4,3,3,3]"}},
              {{"bf16[2,3,5,5]", "bf16[4,3,3,3]", "bf16[4]"}}},
};

extern const Op kConvGradSrc = {
    .name = "conv_grad_src",
    .summary = "The gradient of conv with respect to x; as a forward op, transposed convolution.",
    .formula = "dst[n, c, j] = sum of w[o, c, t] g[n, o, i] over the o, i, t that meet x[n, c, j]",
    .reference_source = "Dumoulin and Visin, A guide to convolution arithmetic, 2016",
    .inputs = {{"g", "what conv would give: [N, O, spatial...]"},
               {"weights", "[O, C/groups, kernel...]"}},
    .attributes = with(explicit_window_attributes(), {{"groups", int64_t{1}, "as in conv"},
                                                      {"shape", {}, "of x", Shape()},
                                                      channels_last_attribute()}),
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      require_floating(c);
      const ConvShape s = conv_grad_src_shape(c.op, c.attributes, c.shape(0), c.shape(1));
      return {{c.in(0).dtype, channels_last(s.src, s.channels_last)}};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const ConvShape s = conv_shape(c.node);
      return {forward(s, c.grad(), c.in(1)), grad_weights(s, c.grad(), c.in(0), false)[0]};
    },
    .reference =
        [](const ReferenceContext& c) {
          const ConvShape s = shape_of(kConvGradSrc, c);
          visit_floating(c.dst[0].dtype(), [&]<class T>() {
            const auto g = numbers<T>(c.src[0], s.channels_last), w = numbers<T>(c.src[1]);
            std::vector<Compute<T>> x(static_cast<size_t>(c.dst[0].count()));
            for_each_product(s, [&](int64_t i, int64_t k, int64_t o) {
              x[static_cast<size_t>(i)] += g[static_cast<size_t>(o)] * w[static_cast<size_t>(k)];
            });
            write<T>(x, c.dst[0], s.channels_last);
          });
        },
    .batch = rows_if_weights_are_fixed,
    .flops = conv_flops,
    .cases = {{{"f32[2,4,5]", "f32[4,3,3]"},
               {{"strides", Ints{1}},
                {"dilations", Ints{1}},
                {"pads_begin", Ints{0}},
                {"pads_end", Ints{0}},
                {"shape", Shape{2, 3, 7}}}},
              {{"f32[2,4,3,2]", "f32[4,3,3,2]"},
               {{"strides", Ints{2, 3}},
                {"dilations", Ints{1, 2}},
                {"pads_begin", Ints{1, 0}},
                {"pads_end", Ints{0, 1}},
                {"shape", Shape{2, 3, 6, 6}}}},
              {{"f32[2,6,4,4]", "f32[6,2,3,3]"},
               {{"strides", Ints{1, 1}},
                {"dilations", Ints{1, 1}},
                {"pads_begin", Ints{1, 1}},
                {"pads_end", Ints{1, 1}},
                {"groups", int64_t{2}},
                {"shape", Shape{2, 4, 4, 4}}}},
              {{"f32[2,4,4,16]", "f32[16,16,3,3]"},
               {{"strides", Ints{2, 2}},
                {"dilations", Ints{1, 1}},
                {"pads_begin", Ints{1, 1}},
                {"pads_end", Ints{1, 1}},
                {"channels_last", true},
                {"shape", Shape{2, 8, 7, 16}}}},
              {{"f32[1,2,2,2,2]", "f32[2,2,2,2,2]"},
               {{"strides", Ints{1, 1, 1}},
                {"dilations", Ints{1, 1, 1}},
                {"pads_begin", Ints{0, 0, 0}},
                {"pads_end", Ints{0, 0, 0}},
                {"shape", Shape{1, 2, 3, 3, 3}}}},
              {{"f32[0,2,2]", "f32[2,2,2]"},
               {{"strides", Ints{1}},
                {"dilations", Ints{1}},
                {"pads_begin", Ints{0}},
                {"pads_end", Ints{0}},
                {"shape", Shape{0, 2, 3}}}},
              {{"bf16[1,2,2]", "bf16[2,2,2]"},
               {{"strides", Ints{1}},
                {"dilations", Ints{1}},
                {"pads_begin", Ints{0}},
                {"pads_end", Ints{0}},
                {"shape", Shape{1, 2, 3}}}}},
};

extern const Op kConvGradWeights = {
    .name = "conv_grad_weights",
    .summary = "The gradients of conv with respect to its weights and, if told, its bias.",
    .formula =
        "grad_weights[o, c, t] = sum over n, i of "
        "g[n, o, i] x[n, group(o) + c, i stride - begin + t dilation]; "
        "grad_bias[o] = sum over n, i of g[n, o, i]",
    .inputs = {{"x", "[N, C, spatial...]"}, {"g", "what conv would give: [N, O, spatial...]"}},
    .outputs = {"grad_weights", "grad_bias"},
    .attributes =
        with(explicit_window_attributes(), {{"groups", int64_t{1}, "as in conv"},
                                            {"kernel", {}, "the weights' spatial sizes", Ints()},
                                            {"bias", false, "whether there is a second result"},
                                            channels_last_attribute()}),
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      require_floating(c);
      const ConvShape s = conv_grad_weights_shape(c.op, c.attributes, c.shape(0), c.shape(1));
      if (s.src[0] != s.dst[0])
        fail("[{}] x and g must have as many rows; got {} and {}", c.op, s.src.str(), s.dst.str());
      Shape w = {Dim(s.filters), Dim(s.channels / s.groups)};
      for (int64_t k : s.window.kernel) w.emplace_back(k);
      std::vector<TensorType> types{{c.in(0).dtype, w}};
      if (c.attr<bool>("bias")) types.push_back({c.in(0).dtype, Shape{Dim(s.filters)}});
      return types;
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const ConvShape s = conv_shape(c.node);
      const bool bias = c.attr<bool>("bias") && c.grad(1).defined();
      const Value w =
          c.grad(0).defined()
              ? c.grad(0)
              : constant(Tensor::zeros(c.in(0).dtype(), c.node.outputs[0].shape.sizes()));
      return {grad_src(s, c.in(1), w), forward(s, c.in(0), w, bias ? c.grad(1) : Value())};
    },
    .reference =
        [](const ReferenceContext& c) {
          const ConvShape s = shape_of(kConvGradWeights, c);
          visit_floating(c.dst[0].dtype(), [&]<class T>() {
            const auto x = numbers<T>(c.src[0], s.channels_last);
            const auto g = numbers<T>(c.src[1], s.channels_last);
            std::vector<Compute<T>> w(static_cast<size_t>(c.dst[0].count()));
            for_each_product(s, [&](int64_t i, int64_t k, int64_t o) {
              w[static_cast<size_t>(k)] += x[static_cast<size_t>(i)] * g[static_cast<size_t>(o)];
            });
            write<T>(w, c.dst[0]);
            if (c.dst.size() < 2) return;
            std::vector<Compute<T>> b(static_cast<size_t>(s.filters));
            const auto n =
                static_cast<int64_t>(g.size()) / std::max<int64_t>(1, s.dst[0].size() * s.filters);
            for (size_t i = 0; i < g.size(); ++i)
              b[static_cast<size_t>(static_cast<int64_t>(i) / n % s.filters)] += g[i];
            write<T>(b, c.dst[1]);
          });
        },
    .batch =
        [](const Node&, std::span<const BatchKind> in) {
          return in[0] == BatchKind::rows && in[1] == BatchKind::rows ? BatchKind::partial_sum
                                                                      : BatchKind::blocked;
        },
    .flops = conv_flops,
    .cases = {{{"f32[2,3,7]", "f32[2,4,5]"},
               {{"strides", Ints{1}},
                {"dilations", Ints{1}},
                {"pads_begin", Ints{0}},
                {"pads_end", Ints{0}},
                {"kernel", Ints{3}}}},
              {{"f32[2,4,6,6]", "f32[2,6,3,2]"},
               {{"strides", Ints{2, 3}},
                {"dilations", Ints{1, 2}},
                {"pads_begin", Ints{1, 0}},
                {"pads_end", Ints{0, 1}},
                {"kernel", Ints{3, 2}},
                {"groups", int64_t{2}},
                {"bias", true}}},
              {{"f32[2,5,5,16]", "f32[2,5,5,32]"},
               {{"strides", Ints{1, 1}},
                {"dilations", Ints{1, 1}},
                {"pads_begin", Ints{1, 1}},
                {"pads_end", Ints{1, 1}},
                {"kernel", Ints{3, 3}},
                {"channels_last", true},
                {"bias", true}}},
              {{"f32[2,3,3,3,3]", "f32[2,2,2,2,2]"},
               {{"strides", Ints{1, 1, 1}},
                {"dilations", Ints{1, 1, 1}},
                {"pads_begin", Ints{0, 0, 0}},
                {"pads_end", Ints{0, 0, 0}},
                {"kernel", Ints{2, 2, 2}}}},
              {{"f32[0,2,3]", "f32[0,2,2]"},
               {{"strides", Ints{1}},
                {"dilations", Ints{1}},
                {"pads_begin", Ints{0}},
                {"pads_end", Ints{0}},
                {"kernel", Ints{2}},
                {"bias", true}}},
              {{"bf16[1,2,3]", "bf16[1,2,2]"},
               {{"strides", Ints{1}},
                {"dilations", Ints{1}},
                {"pads_begin", Ints{0}},
                {"pads_end", Ints{0}},
                {"kernel", Ints{2}}}}},
};

Value conv(const Value& x, const Value& weights, const Value& bias, const ConvOptions& options) {
  std::vector<Value> inputs{x, weights};
  if (bias.defined()) inputs.push_back(bias);
  return make_value(kConv, std::move(inputs),
                    {{"strides", options.strides},
                     {"dilations", options.dilations},
                     {"padding", options.padding},
                     {"pads_begin", options.pads_begin},
                     {"pads_end", options.pads_end},
                     {"groups", options.groups}});
}

}  // namespace andiron::ops
