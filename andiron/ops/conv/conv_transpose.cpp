#include <algorithm>

#include "andiron/base/error.hpp"
#include "andiron/ops/catalog.hpp"
#include "andiron/ops/conv/conv.hpp"

namespace andiron::ops {

// What conv would have been the gradient of: out = (in - 1) stride - begin - end + extent +
// output_padding.
Value conv_transpose(const Value& x, const Value& weights, const Value& bias,
                     const ConvOptions& options, std::vector<int64_t> output_padding) {
  constexpr const char* kName = "conv_transpose";
  const std::vector<int64_t> sizes = spatial_sizes(kName, x.shape());
  if (weights.rank() != x.rank() || !weights.shape().known())
    fail("[conv_transpose] weights must be [C, O/groups, kernel...]; got {}",
         weights.shape().str());
  if (options.groups < 1) fail("[conv_transpose] groups must be positive; got {}", options.groups);
  std::vector<int64_t> kernel;
  for (size_t i = 2; i < weights.shape().size(); ++i) kernel.push_back(weights.shape()[i].size());
  // Checks the lists. With "same" padding the result has size * stride places.
  const bool same = options.padding == "same";
  Window w = window_of(kName,
                       {{"strides", options.strides},
                        {"dilations", options.dilations},
                        {"padding", same ? std::string("valid") : options.padding},
                        {"pads_begin", options.pads_begin},
                        {"pads_end", options.pads_end}},
                       x.shape(), kernel);
  output_padding = for_each_axis(kName, "output_padding", std::move(output_padding), w.rank());
  output_padding.resize(w.rank(), 0);

  Shape shape = {x.shape()[0], Dim(weights.shape()[1].size() * options.groups)};
  std::vector<int64_t> zeros_behind(w.rank() + 2, 0);
  for (size_t i = 0; i < w.rank(); ++i) {
    if (output_padding[i] < 0)
      fail("[conv_transpose] output_padding must not be negative; got {}", str(output_padding));
    if (same) {
      const int64_t pads = w.extent(i) - w.strides[i];
      w.begin[i] = std::max<int64_t>(pads, 0) / 2;
      w.end[i] = std::max<int64_t>(pads, 0) - w.begin[i];
      output_padding[i] += std::max<int64_t>(-pads, 0);
    }
    // More places at the end: fewer of them are cut off; then they hold zeros, of which conv would
    // not see fewer than a stride.
    const int64_t uncut = std::min(output_padding[i], w.end[i]);
    w.end[i] -= uncut;
    int64_t more = output_padding[i] - uncut;
    if (more >= w.strides[i]) {
      zeros_behind[i + 2] = more;
      more = 0;
    }
    const int64_t size = (sizes[i] - 1) * w.strides[i] - w.begin[i] - w.end[i] + w.extent(i) + more;
    if (sizes[i] < 1 || size < 1)
      fail("[conv_transpose] axis {} of {} would have {} places", i + 2, x.shape().str(), size);
    shape.emplace_back(size);
  }
  Attributes attributes = explicit_attributes(w);
  attributes.set("groups", options.groups);
  attributes.set("shape", shape);
  Value y = make_value(find("conv_grad_src"), {x, weights}, attributes);
  if (std::any_of(zeros_behind.begin(), zeros_behind.end(), [](int64_t n) { return n > 0; }))
    y = pad(y, std::vector<int64_t>(zeros_behind.size(), 0), zeros_behind);
  if (!bias.defined()) return y;
  Shape wide(w.rank() + 1, Dim(1));
  wide[0] = shape[1];
  return add(y, reshape(bias, wide));
}

}  // namespace andiron::ops
