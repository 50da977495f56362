#include "andiron/base/error.hpp"
#include "andiron/ops/conv/channels.hpp"
#include "andiron/ops/conv/conv.hpp"

namespace andiron::ops {

extern const Op kConvGradSrc;
extern const Op kConvGradWeights;

namespace {

using Ints = std::vector<int64_t>;

// Weights [O, C/groups, kernel...] against x with `channels`; returns the kernel's sizes.
Ints kernel_of(std::string_view op, const Shape& w, const Dim& channels, int64_t groups,
               const Shape& x) {
  if (w.rank() != x.rank())
    fail("[{}] weights must be [O, C/groups, kernel...] with as many spatial axes as {}; got {}",
         op, x.str(), w.str());
  if (!w.known() || !channels.known())
    fail("[{}] the numbers of channels and the kernel must be known; got {} and {}", op, x.str(),
         w.str());
  const Ints sizes = w.sizes();
  if (w.count() == Dim(0)) fail("[{}] weights are empty: {}", op, w.str());
  if (groups < 1) fail("[{}] groups must be positive; got {}", op, groups);
  if (channels.size() % groups != 0)
    fail("[{}] groups={} does not divide C={}; src is {}", op, groups, channels.size(), x.str());
  if (sizes[0] % groups != 0)
    fail("[{}] groups={} does not divide O={}; weights are {}", op, groups, sizes[0], w.str());
  const Dim taken = Dim(sizes[1]) * Dim(groups);
  if (taken != channels)
    fail("[{}] weights {} take {} channels in {} groups; src is {}", op, w.str(), taken.str(),
         groups, x.str());
  return Ints(sizes.begin() + 2, sizes.end());
}

Shape dst_shape(std::string_view op, const Window& window, const Shape& x, const Dim& filters) {
  Shape shape = {x[0], filters};
  for (int64_t n : window_places(op, window, x)) shape.emplace_back(n);
  return shape;
}

}  // namespace

ConvShape conv_forward_shape(std::string_view op, const Attributes& attributes, const Shape& x,
                             const Shape& w) {
  ConvShape s;
  s.channels_last = attributes.get<bool>("channels_last");
  s.src = channels_first(x, s.channels_last);
  (void)spatial_sizes(op, s.src);
  s.groups = attributes.get<int64_t>("groups");
  const Ints kernel = kernel_of(op, w, s.src[1], s.groups, s.src);
  s.channels = s.src[1].size();
  s.filters = w[0].size();
  s.window = window_of(op, attributes, s.src, kernel);
  s.dst = dst_shape(op, s.window, s.src, w[0]);
  return s;
}

ConvShape conv_grad_src_shape(std::string_view op, const Attributes& attributes, const Shape& g,
                              const Shape& w) {
  ConvShape s;
  s.channels_last = attributes.get<bool>("channels_last");
  s.src = channels_first(attributes.get<Shape>("shape"), s.channels_last);
  s.dst = channels_first(g, s.channels_last);
  (void)spatial_sizes(op, s.src);
  s.groups = attributes.get<int64_t>("groups");
  s.window = explicit_window(attributes, kernel_of(op, w, s.src[1], s.groups, s.src));
  s.channels = s.src[1].size();
  s.filters = w[0].size();
  const Shape expected = dst_shape(op, s.window, s.src, w[0]);
  if (expected != s.dst)
    fail("[{}] g must be {} for src {}; got {}", op, expected.str(), s.src.str(), s.dst.str());
  return s;
}

ConvShape conv_grad_weights_shape(std::string_view op, const Attributes& attributes, const Shape& x,
                                  const Shape& g) {
  ConvShape s;
  s.channels_last = attributes.get<bool>("channels_last");
  s.src = channels_first(x, s.channels_last);
  s.dst = channels_first(g, s.channels_last);
  (void)spatial_sizes(op, s.src);
  s.groups = attributes.get<int64_t>("groups");
  if (s.dst.rank() != s.src.rank() || !s.dst[1].known() || !s.src[1].known() || s.groups < 1)
    fail("[{}] g and x must be [N, channels, spatial...] with known channels; got {} and {}", op,
         s.dst.str(), s.src.str());
  s.channels = s.src[1].size();
  s.filters = s.dst[1].size();
  Shape w = {s.dst[1], Dim(s.channels / s.groups)};
  for (int64_t k : attributes.get<Ints>("kernel")) w.emplace_back(k);
  s.window = explicit_window(attributes, kernel_of(op, w, s.src[1], s.groups, s.src));
  const Shape expected = dst_shape(op, s.window, s.src, w[0]);
  if (expected != s.dst)
    fail("[{}] g must be {} for src {}; got {}", op, expected.str(), s.src.str(), s.dst.str());
  return s;
}

ConvShape conv_shape(const Node& node) {
  const Shape& second = node.inputs[1].shape();
  const Shape& first = node.inputs[0].shape();
  if (node.op == &kConvGradSrc)
    return conv_grad_src_shape(node.op->name, node.attributes, first, second);
  if (node.op == &kConvGradWeights)
    return conv_grad_weights_shape(node.op->name, node.attributes, first, second);
  return conv_forward_shape(node.op->name, node.attributes, first, second);
}

double conv_flops(const Node& node) {
  const ConvShape s = conv_shape(node);
  return 2.0 * static_cast<double>(s.dst.count().size()) *
         static_cast<double>(s.channels / s.groups * s.window.taps());
}

}  // namespace andiron::ops
