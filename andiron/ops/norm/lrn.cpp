#include <algorithm>
#include <cmath>

#include "andiron/ops/floating.hpp"

namespace andiron::ops {

extern const Op kLrn;
extern const Op kChannelWindowSum;

namespace {

// x seen as [outer, channels, inner].
struct Channels {
  int64_t outer = 1, n, inner = 1;
};

Channels channels_of(const Tensor& x, int64_t axis) {
  Channels c{1, x.size(axis), 1};
  for (int64_t i = 0; i < x.rank(); ++i) {
    if (i < axis) c.outer *= x.size(i);
    if (i > axis) c.inner *= x.size(i);
  }
  return c;
}

// Calls f(flat index, first, last) with the window [first, last] of channels of each element.
template <class F>
void for_each_window(const Channels& c, int64_t before, int64_t after, F f) {
  before = std::min(before, c.n);
  after = std::min(after, c.n);
  for (int64_t o = 0; o < c.outer; ++o)
    for (int64_t k = 0; k < c.n; ++k)
      for (int64_t i = 0; i < c.inner; ++i)
        f((o * c.n + k) * c.inner + i, std::max<int64_t>(0, k - before),
          std::min(c.n - 1, k + after), (o * c.n) * c.inner + i);
}

int64_t checked_axis(const InferContext& c) {
  if (!is_floating(c.in(0).dtype))
    fail("[{}] takes floating point values; got {}", c.op, str(c.in(0)));
  return normalize_axis(c.op, c.attr<int64_t>("axis"), c.shape(0).rank());
}

BatchKind rows_unless_axis_0(const Node& node, std::span<const BatchKind> in) {
  const int64_t axis =
      normalize_axis(node.op->name, node.attr<int64_t>("axis"), node.inputs[0].rank());
  return axis > 0 ? in[0] : BatchKind::blocked;
}

Value window_sum(const Value& x, int64_t axis, int64_t before, int64_t after) {
  return make_value(kChannelWindowSum, {x}, {{"axis", axis}, {"before", before}, {"after", after}});
}

// s^-beta without a power where it is made of roots.
Value to_minus(const Value& s, double beta) {
  if (beta == 0.75) return rsqrt(s) * rsqrt(sqrt(s));
  if (beta == 0.5) return rsqrt(s);
  if (beta == 1.0) return reciprocal(s);
  return power(s, constant(-beta, s.dtype()));
}

}  // namespace

extern const Op kLrn = {
    .name = "lrn",
    .summary = "Local response normalization across neighbouring channels.",
    .formula =
        "dst[c] = x[c] / (bias + alpha/size sum of x[j]^2)^beta, "
        "j from c - (size-1)/2 (rounded down) to c + (size-1)/2 (rounded up)",
    .reference_source = "Krizhevsky, Sutskever, Hinton, ImageNet Classification, 2012",
    .inputs = {{"x", "[N, C, ...], floating point"}},
    .attributes = {{"size", {}, "channels in a window", int64_t{5}},
                   {"alpha", 1e-4, "weight of the window's mean square"},
                   {"beta", 0.75, "the exponent"},
                   {"bias", 1.0, "what is added to the weighted mean"},
                   {"axis", int64_t{1}, "that of the channels"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      (void)checked_axis(c);
      if (c.attr<int64_t>("size") < 1)
        fail("[lrn] size must be positive; got {}", c.attr<int64_t>("size"));
      return {c.in(0)};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Value& x = c.in(0);
      const auto size = c.attr<int64_t>("size"), axis = c.attr<int64_t>("axis");
      const double alpha = c.attr<double>("alpha") / static_cast<double>(size);
      const double beta = c.attr<double>("beta");
      const int64_t before = (size - 1) / 2, after = size - 1 - before;
      const Value s = window_sum(square(x), axis, before, after) * alpha + c.attr<double>("bias");
      const Value p = to_minus(s, beta);
      const Value inner = window_sum(c.grad() * x * p / s, axis, after, before);
      return {c.grad() * p - x * inner * (2.0 * alpha * beta)};
    },
    .reference =
        [](const ReferenceContext& c) {
          const Tensor& x = c.src[0];
          const auto size = c.attr<int64_t>("size");
          const double alpha = c.attr<double>("alpha") / static_cast<double>(size);
          const double beta = c.attr<double>("beta"), bias = c.attr<double>("bias");
          const int64_t before = (size - 1) / 2;
          const Channels all =
              channels_of(x, normalize_axis("lrn", c.attr<int64_t>("axis"), x.rank()));
          visit_floating(x.dtype(), [&]<class T>() {
            using C = Compute<T>;
            for_each_window(all, before, size - 1 - before,
                            [&](int64_t at, int64_t first, int64_t last, int64_t base) {
                              C sum{};
                              for (int64_t j = first; j <= last; ++j) {
                                const C v = static_cast<C>(x.data<T>()[base + j * all.inner]);
                                sum += v * v;
                              }
                              const double s = bias + alpha * static_cast<double>(sum);
                              c.dst[0].data<T>()[at] = static_cast<T>(static_cast<C>(
                                  static_cast<double>(x.data<T>()[at]) * std::pow(s, -beta)));
                            });
          });
        },
    .batch = rows_unless_axis_0,
    .flops =
        [](const Node& node) {
          return 3.0 * static_cast<double>(node.outputs[0].shape.count().size()) *
                 static_cast<double>(node.attr<int64_t>("size"));
        },
    .cases = {{{"f32[2,7,3]"}, {{"size", int64_t{5}}, {"alpha", 0.5}}},
              {{"f32[2,6,2,2]"},
               {{"size", int64_t{4}}, {"alpha", 0.3}, {"beta", 0.6}, {"bias", 2.0}}},
              {{"f32[2,3,40]"}, {{"size", int64_t{5}}, {"alpha", 0.2}, {"axis", int64_t{-1}}}},
              {{"f32[3,16]"}, {{"size", int64_t{3}}, {"alpha", 0.2}, {"axis", int64_t{-1}}}},
              {{"f32[0,3]"}, {{"size", int64_t{3}}}},
              {{"bf16[2,5]"}, {{"size", int64_t{3}}}}},
};

extern const Op kChannelWindowSum = {
    .name = "channel_window_sum",
    .summary = "Sums over neighbouring channels.",
    .formula = "dst[c] = sum of x[j], j from c - before to c + after, as far as they exist",
    .inputs = {{"x", "any shape, floating point"}},
    .attributes = {{"axis", int64_t{1}, "that of the channels"},
                   {"before", {}, "neighbours before each channel", int64_t{0}},
                   {"after", {}, "neighbours after it", int64_t{0}}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      (void)checked_axis(c);
      if (c.attr<int64_t>("before") < 0 || c.attr<int64_t>("after") < 0)
        fail("[channel_window_sum] before and after must not be negative; got {} and {}",
             c.attr<int64_t>("before"), c.attr<int64_t>("after"));
      return {c.in(0)};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {window_sum(c.grad(), c.attr<int64_t>("axis"), c.attr<int64_t>("after"),
                         c.attr<int64_t>("before"))};
    },
    .reference =
        [](const ReferenceContext& c) {
          const Tensor& x = c.src[0];
          const Channels all = channels_of(
              x, normalize_axis("channel_window_sum", c.attr<int64_t>("axis"), x.rank()));
          visit_floating(x.dtype(), [&]<class T>() {
            using C = Compute<T>;
            for_each_window(all, c.attr<int64_t>("before"), c.attr<int64_t>("after"),
                            [&](int64_t at, int64_t first, int64_t last, int64_t base) {
                              C sum{};
                              for (int64_t j = first; j <= last; ++j)
                                sum += static_cast<C>(x.data<T>()[base + j * all.inner]);
                              c.dst[0].data<T>()[at] = static_cast<T>(sum);
                            });
          });
        },
    .batch = rows_unless_axis_0,
    .cases = {{{"f32[2,7,3]"}, {{"before", int64_t{2}}, {"after", int64_t{1}}}},
              {{"f32[2,3,40]"},
               {{"axis", int64_t{-1}}, {"before", int64_t{2}}, {"after", int64_t{2}}}},
              {{"f32[4]"}, {{"axis", int64_t{0}}, {"before", int64_t{0}}, {"after", int64_t{9}}}},
              {{"f32[0,3]"}, {{"before", int64_t{1}}, {"after", int64_t{1}}}},
              {{"bf16[2,5]"}, {{"before", int64_t{1}}, {"after", int64_t{1}}}}},
};

Value lrn(const Value& x, int64_t size, double alpha, double beta, double bias, int64_t axis) {
  return make_value(
      kLrn, {x},
      {{"size", size}, {"alpha", alpha}, {"beta", beta}, {"bias", bias}, {"axis", axis}});
}

}  // namespace andiron::ops
