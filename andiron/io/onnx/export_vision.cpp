#include <algorithm>

#include "andiron/io/onnx/export_call.hpp"
#include "andiron/ops/conv/conv.hpp"
#include "andiron/ops/pool/pool.hpp"

// Convolution, pooling, resampling. Channels are axis 1 in traced networks; the layout pass, which
// moves them, works on plans.
namespace andiron::io::onnx {

namespace {

void require_channels_first(ExportCall& c) {
  if (c.attr<bool>("channels_last"))
    unsupported("[onnx] {} with channels_last: export the model, not its plan", c.node().op->name);
}

ExportCall::Attributes attributes_of(const ops::Window& w) {
  std::vector<int64_t> pads = w.begin;
  pads.insert(pads.end(), w.end.begin(), w.end.end());
  return {ExportCall::ints("kernel_shape", w.kernel), ExportCall::ints("strides", w.strides),
          ExportCall::ints("dilations", w.dilations), ExportCall::ints("pads", pads)};
}

void conv(ExportCall& c) {
  require_channels_first(c);
  const ops::ConvShape s = ops::conv_shape(c.node());
  ExportCall::Attributes attributes = attributes_of(s.window);
  attributes.push_back(ExportCall::i("group", s.groups));
  std::vector<std::string> inputs = {c.in(0), c.in(1)};
  if (c.node().inputs.size() > 2 && c.node().inputs[2].defined()) inputs.push_back(c.in(2));
  c.give(c.add("Conv", inputs, attributes));
}

// As a forward op it is a transposed convolution, whose filters are x's channels.
void conv_grad_src(ExportCall& c) {
  require_channels_first(c);
  const ops::ConvShape s = ops::conv_shape(c.node());
  ExportCall::Attributes attributes = attributes_of(s.window);
  attributes.push_back(ExportCall::i("group", s.groups));
  std::vector<int64_t> more;
  for (size_t i = 0; i < s.window.rank(); ++i) {
    const int64_t in = c.type(0).shape[i + 2].size();
    const int64_t plain =
        (in - 1) * s.window.strides[i] - s.window.begin[i] - s.window.end[i] + s.window.extent(i);
    more.push_back(c.node().outputs[0].shape[i + 2].size() - plain);
  }
  attributes.push_back(ExportCall::ints("output_padding", more));
  c.give(c.add("ConvTranspose", {c.in(0), c.in(1)}, attributes));
}

// Dilated average pooling came with opset 19.
void pool(ExportCall& c) {
  require_channels_first(c);
  const bool average = c.node().is("avg_pool");
  const ops::PoolShape s = ops::pool_shape(c.node());
  ExportCall::Attributes attributes = attributes_of(s.window);
  if (average && c.opset() < 19) {
    const auto& d = s.window.dilations;
    if (std::any_of(d.begin(), d.end(), [](int64_t n) { return n != 1; }))
      unsupported("[onnx] dilated average pooling needs opset 19");
    std::erase_if(attributes, [](const AttributeProto& a) { return a.name == "dilations"; });
  }
  attributes.push_back(ExportCall::i("ceil_mode", c.attr<bool>("ceil") ? 1 : 0));
  if (average) attributes.push_back(ExportCall::i("count_include_pad", s.count_pads ? 1 : 0));
  c.give(c.add(average ? "AveragePool" : "MaxPool", {c.in(0)}, attributes));
}

void lrn(ExportCall& c) {
  const int64_t size = c.attr<int64_t>("size");
  if (normalize_axis("lrn", c.attr<int64_t>("axis"), c.type(0).shape.rank()) != 1 || size % 2 == 0)
    unsupported("[onnx] lrn has a form in ONNX along axis 1 with an odd size");
  c.give(c.add("LRN", {c.in(0)},
               {ExportCall::i("size", size), ExportCall::f("alpha", c.attr<double>("alpha")),
                ExportCall::f("beta", c.attr<double>("beta")),
                ExportCall::f("bias", c.attr<double>("bias"))}));
}

// A product with the matrix of the weights: ONNX's Resize has other forms at some edges.
void resample(ExportCall& c) {
  const auto& first = c.attr<std::vector<int64_t>>("first");
  const auto& weights = c.attr<std::vector<double>>("weights");
  const bool transpose = c.attr<bool>("transpose");
  const auto wide = c.attr<int64_t>("size"), narrow = static_cast<int64_t>(first.size());
  const Shape& shape = c.type(0).shape;
  const int64_t axis = normalize_axis("resample", c.attr<int64_t>("axis"), shape.rank());
  const int64_t taps = narrow == 0 ? 0 : static_cast<int64_t>(weights.size()) / narrow;
  const int64_t rows = transpose ? narrow : wide, columns = transpose ? wide : narrow;
  std::vector<double> matrix(static_cast<size_t>(rows * columns));
  for (int64_t o = 0; o < narrow; ++o)
    for (int64_t t = 0; t < taps; ++t) {
      const int64_t i = first[static_cast<size_t>(o)] + t;
      matrix[static_cast<size_t>(transpose ? o * columns + i : i * columns + o)] +=
          weights[static_cast<size_t>(o * taps + t)];
    }
  const std::string m = c.tensor(Tensor::from(matrix, {rows, columns}).cast(c.type(0).dtype));
  std::vector<int64_t> order;
  for (int64_t i = 0; i < shape.rank(); ++i) order.push_back(i);
  std::swap(order[static_cast<size_t>(axis)], order.back());
  std::string x = c.in(0);
  const bool last = axis == shape.rank() - 1;
  if (!last) x = c.add("Transpose", {x}, {ExportCall::ints("perm", order)});
  x = c.add("MatMul", {x, m});
  if (!last) x = c.add("Transpose", {x}, {ExportCall::ints("perm", order)});
  c.give(x);
}

constexpr ExportMapping kMappings[] = {
    {"conv", conv}, {"conv_grad_src", conv_grad_src}, {"max_pool", pool}, {"avg_pool", pool},
    {"lrn", lrn},   {"resample", resample},
};

}  // namespace

std::span<const ExportMapping> vision_exports() { return kMappings; }

}  // namespace andiron::io::onnx
