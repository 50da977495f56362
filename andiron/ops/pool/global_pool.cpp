#include <algorithm>

#include "andiron/base/error.hpp"
#include "andiron/ops/conv/window.hpp"
#include "andiron/ops/ops.hpp"
#include "andiron/ops/resize/resample.hpp"

namespace andiron::ops {

namespace {

std::vector<int64_t> spatial_axes(const Value& x) {
  std::vector<int64_t> axes;
  for (int64_t i = 2; i < x.rank(); ++i) axes.push_back(i);
  return axes;
}

// One entry for each spatial axis of x, all positive.
std::vector<int64_t> output_sizes(const char* op, const Value& x, std::vector<int64_t> output) {
  const auto sizes = spatial_sizes(op, x.shape());
  output = for_each_axis(op, "output_size", std::move(output), sizes.size());
  for (size_t i = 0; i < sizes.size(); ++i)
    if (output.empty() || output[i] < 1 || sizes[i] < 1)
      fail("[{}] output_size and the sizes of {} must be positive; got {}", op, x.shape().str(),
           str(output));
  return output;
}

// Place i of `out` along an axis of `in` places looks at [begin, end).
int64_t begin_of(int64_t i, int64_t in, int64_t out) { return i * in / out; }
int64_t end_of(int64_t i, int64_t in, int64_t out) { return ((i + 1) * in + out - 1) / out; }

bool divides(const std::vector<int64_t>& out, const std::vector<int64_t>& in) {
  for (size_t i = 0; i < in.size(); ++i)
    if (in[i] % out[i] != 0) return false;
  return true;
}

std::vector<int64_t> quotients(const std::vector<int64_t>& in, const std::vector<int64_t>& out) {
  std::vector<int64_t> kernel;
  for (size_t i = 0; i < in.size(); ++i) kernel.push_back(in[i] / out[i]);
  return kernel;
}

}  // namespace

Value global_avg_pool(const Value& x, bool keepdims) {
  (void)spatial_sizes("global_avg_pool", x.shape());
  return mean(x, spatial_axes(x), keepdims);
}

Value global_max_pool(const Value& x, bool keepdims) {
  (void)spatial_sizes("global_max_pool", x.shape());
  return max(x, spatial_axes(x), keepdims);
}

// Means over boxes are means along one axis after the other.
Value adaptive_avg_pool(const Value& x, std::vector<int64_t> output_size) {
  const auto in = spatial_sizes("adaptive_avg_pool", x.shape());
  const auto out = output_sizes("adaptive_avg_pool", x, std::move(output_size));
  if (divides(out, in)) return avg_pool(x, quotients(in, out));
  Value y = x;
  for (size_t a = 0; a < in.size(); ++a) {
    AxisWeights weights(in[a], out[a]);
    for (int64_t i = 0; i < out[a]; ++i) {
      const int64_t begin = begin_of(i, in[a], out[a]), end = end_of(i, in[a], out[a]);
      for (int64_t j = begin; j < end; ++j)
        weights.add(i, j, 1.0 / static_cast<double>(end - begin));
    }
    y = resample(y, static_cast<int64_t>(a) + 2, weights);
  }
  return y;
}

Value adaptive_max_pool(const Value& x, std::vector<int64_t> output_size) {
  const auto in = spatial_sizes("adaptive_max_pool", x.shape());
  const auto out = output_sizes("adaptive_max_pool", x, std::move(output_size));
  if (divides(out, in)) return max_pool(x, quotients(in, out));
  Value y = x;
  for (size_t a = 0; a < in.size(); ++a) {
    const auto axis = static_cast<int64_t>(a) + 2;
    std::vector<Value> parts;
    for (int64_t i = 0; i < out[a]; ++i) {
      std::vector<int64_t> begin(static_cast<size_t>(y.rank()), 0);
      std::vector<int64_t> size(static_cast<size_t>(y.rank()), -1);
      begin[a + 2] = begin_of(i, in[a], out[a]);
      size[a + 2] = end_of(i, in[a], out[a]) - begin[a + 2];
      parts.push_back(max(slice(y, begin, size), {axis}, true));
    }
    y = parts.size() == 1 ? parts[0] : concat(parts, axis);
  }
  return y;
}

}  // namespace andiron::ops
