#include <algorithm>

#include "andiron/ops/floating.hpp"

namespace andiron::ops {

namespace {

std::vector<int64_t> other_axes(int64_t rank, int64_t axis) {
  std::vector<int64_t> axes;
  for (int64_t i = 0; i < rank; ++i)
    if (i != axis) axes.push_back(i);
  return axes;
}

// [C] beside x: 1 on the axes behind.
Value along(const Value& v, int64_t rank, int64_t axis) {
  if (axis == rank - 1) return v;
  Shape wide(static_cast<size_t>(rank - axis), Dim(1));
  wide[0] = v.shape()[0];
  return reshape(v, wide);
}

}  // namespace

extern const Op kBatchMoments = {
    .name = "batch_moments",
    .summary = "Mean and variance of each channel, over the batch and all other axes.",
    .formula =
        "mean[c] = mean of x[.., c, ..]; variance[c] = mean of (x[.., c, ..] - mean[c])^2; "
        "0 of nothing",
    .reference_source = "Ioffe and Szegedy, Batch Normalization, 2015",
    .inputs = {{"x", "[N, C, ...], floating point"}},
    .outputs = {"mean", "variance"},
    .attributes = {{"axis", int64_t{1}, "that of the channels"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      if (!is_floating(c.in(0).dtype))
        fail("[batch_moments] takes floating point values; got {}", str(c.in(0)));
      const int64_t axis = normalize_axis(c.op, c.attr<int64_t>("axis"), c.shape(0).rank());
      const TensorType type{c.in(0).dtype, Shape{c.shape(0)[static_cast<size_t>(axis)]}};
      return {type, type};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Value& x = c.in(0);
      const int64_t axis = normalize_axis("batch_moments", c.attr<int64_t>("axis"), x.rank());
      const Value n = count_of(x, other_axes(x.rank(), axis), x.dtype());
      Value grad;
      if (c.grad(1).defined())
        grad = (x - along(c.out(0), x.rank(), axis)) * along(c.grad(1) * (2.0 / n), x.rank(), axis);
      if (c.grad(0).defined()) {
        const Value of_mean = along(c.grad(0) / n, x.rank(), axis);
        grad = grad.defined() ? grad + of_mean : broadcast_to(of_mean, x.shape());
      }
      return {grad};
    },
    .reference =
        [](const ReferenceContext& c) {
          const Tensor& x = c.src[0];
          const int64_t axis = normalize_axis("batch_moments", c.attr<int64_t>("axis"), x.rank());
          const int64_t n_channels = x.size(axis);
          int64_t inner = 1;
          for (int64_t i = axis + 1; i < x.rank(); ++i) inner *= x.size(i);
          visit_floating(x.dtype(), [&]<class T>() {
            const auto channels = static_cast<size_t>(n_channels);
            std::vector<double> mean(channels), variance(channels);
            const double n = static_cast<double>(x.count()) /
                             static_cast<double>(std::max<int64_t>(1, n_channels));
            auto channel = [&](int64_t i) { return static_cast<size_t>(i / inner % n_channels); };
            for (int64_t i = 0; i < x.count(); ++i)
              mean[channel(i)] += static_cast<double>(x.data<T>()[i]) / n;
            for (int64_t i = 0; i < x.count(); ++i) {
              const double d = static_cast<double>(x.data<T>()[i]) - mean[channel(i)];
              variance[channel(i)] += d * d / n;
            }
            for (size_t k = 0; k < channels; ++k) {
              c.dst[0].data<T>()[k] = static_cast<T>(mean[k]);
              c.dst[1].data<T>()[k] = static_cast<T>(variance[k]);
            }
          });
        },
    .cases = {{{"f32[4,3]"}},
              {{"f32[2,3,4,5]"}},
              {{"f32[3,4,5,19]"}, {{"axis", int64_t{-1}}}},
              {{"f32[400,33]"}, {{"axis", int64_t{-1}}}},
              {{"f32[0,3,2]"}},
              {{"bf16[4,3]"}}},
};

std::vector<Value> batch_moments(const Value& x, int64_t axis) {
  return make_node(kBatchMoments, {x}, {{"axis", axis}});
}

namespace {

void check_vectors(std::initializer_list<std::pair<const char*, const Value*>> vectors,
                   const Value& x, int64_t axis) {
  for (const auto& [name, v] : vectors)
    if (v->defined() &&
        (v->shape() != Shape{x.shape()[static_cast<size_t>(axis)]} || v->dtype() != x.dtype()))
      fail("[batch_norm] {} must be [{}] like axis {} of {}; got {}", name,
           x.shape()[static_cast<size_t>(axis)].str(), axis, str(x.type()), str(v->type()));
}

}  // namespace

std::vector<Value> batch_norm(const Value& x, const Value& scale, const Value& offset,
                              double epsilon, int64_t axis) {
  axis = normalize_axis("batch_norm", axis, x.rank());
  check_vectors({{"scale", &scale}, {"offset", &offset}}, x, axis);
  const std::vector<Value> moments = batch_moments(x, axis);
  Value factor = rsqrt(moments[1] + epsilon);
  if (scale.defined()) factor = factor * scale;
  Value y = (x - along(moments[0], x.rank(), axis)) * along(factor, x.rank(), axis);
  if (offset.defined()) y = y + along(offset, x.rank(), axis);
  return {y, moments[0], moments[1]};
}

Value batch_norm_inference(const Value& x, const Value& scale, const Value& offset,
                           const Value& mean, const Value& variance, double epsilon, int64_t axis) {
  axis = normalize_axis("batch_norm", axis, x.rank());
  check_vectors({{"scale", &scale}, {"offset", &offset}, {"mean", &mean}, {"variance", &variance}},
                x, axis);
  Value factor = rsqrt(variance + epsilon);
  if (scale.defined()) factor = factor * scale;
  Value shift = negative(mean * factor);
  if (offset.defined()) shift = shift + offset;
  return x * along(factor, x.rank(), axis) + along(shift, x.rank(), axis);
}

}  // namespace andiron::ops
