#include "andiron/ops/conv/channels.hpp"
#include "andiron/ops/floating.hpp"
#include "andiron/ops/pool/pool.hpp"
#include "andiron/ops/quantized/quantized.hpp"

namespace andiron::ops {

extern const Op kMaxPool;
extern const Op kMaxPoolGrad;
extern const Op kMaxPoolTake;

namespace {

using Ints = std::vector<int64_t>;

// Calls f(row and channel, output, input) with the input that is the window's maximum: the first
// of equals, the first NaN if there is one.
template <class T, class F>
void for_each_maximum(const PoolShape& s, const Tensor& x, F f) {
  const WindowLoop loop(s.window, s.src.sizes(), s.dst.sizes());
  const int64_t planes = s.src[0].size() * s.src[1].size();
  for (int64_t p = 0; p < planes; ++p) {
    const T* plane = x.data<T>() + p * loop.n_in();
    for (int64_t o = 0; o < loop.n_out(); ++o) {
      int64_t best = -1;
      Compute<T> greatest{};
      loop.taps_of(o, [&](int64_t i, int64_t) {
        const auto value = static_cast<Compute<T>>(plane[i]);
        if (best >= 0 && !(value > greatest) && (value == value || greatest != greatest)) return;
        best = i;
        greatest = value;
      });
      ANDIRON_ASSERT(best >= 0);
      f(p, o, best);
    }
  }
}

Tensor first(const Tensor& t, const PoolShape& s) {
  return channels_first_view(t, s.channels_last).contiguous();
}

PoolShape shape_of(std::string_view op, const ReferenceContext& c) {
  return pool_shape(op, c.attributes, Shape(c.src[0].sizes()));
}

BatchKind rows_together(const Node&, std::span<const BatchKind> in) {
  for (const BatchKind kind : in)
    if (kind != BatchKind::rows) return BatchKind::blocked;
  return BatchKind::rows;
}

std::vector<TensorType> infer_beside(const InferContext& c, bool like_dst) {
  if (!is_floating(c.in(0).dtype))
    fail("[{}] x must be floating point; got {}", c.op, str(c.in(0)));
  const PoolShape s = pool_shape(c.op, c.attributes, c.shape(0));
  const Shape dst = channels_last(s.dst, s.channels_last);
  const Shape& expected = like_dst ? dst : c.shape(0);
  if (c.shape(1) != expected || c.in(1).dtype != c.in(0).dtype)
    fail("[{}] {} must be {}; got {}", c.op, like_dst ? "g" : "values",
         str(TensorType{c.in(0).dtype, expected}), str(c.in(1)));
  return {{c.in(0).dtype, like_dst ? c.shape(0) : dst}};
}

const std::vector<Case> kCases = {
    {{"f32[2,3,7]"}, {{"kernel", Ints{2}}}},
    {{"f32[2,3,6,5]"},
     {{"kernel", Ints{3, 2}}, {"strides", Ints{2, 1}}, {"padding", std::string("same")}}},
    {{"f32[1,2,7,8]"},
     {{"kernel", Ints{3}},
      {"strides", Ints{2}},
      {"padding", std::string("explicit")},
      {"pads_begin", Ints{1}},
      {"pads_end", Ints{1}},
      {"ceil", true}}},
    {{"f32[2,2,4,4,5]"}, {{"kernel", Ints{2}}, {"dilations", Ints{2}}, {"strides", Ints{1}}}},
    {{"f32[2,6,5,19]"}, {{"kernel", Ints{3}}, {"strides", Ints{2}}, {"channels_last", true}}},
    {{"f32[2,9,32]"}, {{"kernel", Ints{2}}, {"channels_last", true}}},
    {{"f32[0,3,4,4]"}, {{"kernel", Ints{2}}}},
    {{"bf16[1,2,4,4]"}, {{"kernel", Ints{2}}}}};

// The same with a second input.
std::vector<Case> cases_with(const std::vector<std::string>& second) {
  std::vector<Case> cases = kCases;
  for (size_t i = 0; i < cases.size(); ++i) cases[i].inputs.push_back(second[i]);
  return cases;
}

}  // namespace

extern const Op kMaxPool = {
    .name = "max_pool",
    .summary = "The maximum of each window.",
    .formula = "dst[n, c, i] = max over t of x[n, c, i stride - begin + t dilation]; NaN if any is",
    .inputs = {{"x", "[N, C, spatial...]"}},
    .attributes = pool_attributes(),
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      if (!is_floating(c.in(0).dtype) && !is_byte(c.in(0).dtype))
        fail("[max_pool] takes floating point values or bytes; got {}", str(c.in(0)));
      const PoolShape s = pool_shape(c.op, c.attributes, c.shape(0));
      return {{c.in(0).dtype, channels_last(s.dst, s.channels_last)}};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {make_value(kMaxPoolGrad, {c.in(0), c.grad()}, c.node.attributes)};
    },
    .reference =
        [](const ReferenceContext& c) {
          const PoolShape s = shape_of("max_pool", c);
          visit_dtype(c.dst[0].dtype(), [&]<class T>() {
            const Tensor x = first(c.src[0], s);
            Tensor y(x.dtype(), s.dst.sizes());
            const int64_t n_out = y.count() / std::max<int64_t>(1, y.size(0) * y.size(1));
            const int64_t n_in = x.count() / std::max<int64_t>(1, x.size(0) * x.size(1));
            for_each_maximum<T>(s, x, [&](int64_t p, int64_t o, int64_t i) {
              y.data<T>()[p * n_out + o] = x.data<T>()[p * n_in + i];
            });
            channels_first_view(c.dst[0], s.channels_last).copy_from(y);
          });
        },
    .batch = rows_together,
    .flops = pool_flops,
    .cases =
        [] {
          std::vector<Case> cases = kCases;
          cases.push_back({{"u8[2,3,7,6]@0:256"}, {{"kernel", Ints{2}}}});
          cases.push_back({{"u8[2,9,7,70]@0:256"},
                           {{"kernel", Ints{3}},
                            {"strides", Ints{2}},
                            {"padding", std::string("same")},
                            {"channels_last", true}}});
          cases.push_back(
              {{"i8[1,9,33]@-128:128"}, {{"kernel", Ints{2}}, {"channels_last", true}}});
          return cases;
        }(),
};

extern const Op kMaxPoolGrad = {
    .name = "max_pool_grad",
    .summary = "The gradient of max_pool: goes to the first maximum of each window.",
    .formula = "dst[n, c, j] = sum of g[n, c, i] over the windows i whose maximum is x[n, c, j]",
    .inputs = {{"x", "[N, C, spatial...]"}, {"g", "what max_pool would give"}},
    .attributes = pool_attributes(),
    .infer = [](const InferContext& c) { return infer_beside(c, true); },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {Value(), make_value(kMaxPoolTake, {c.in(0), c.grad()}, c.node.attributes)};
    },
    .reference =
        [](const ReferenceContext& c) {
          const PoolShape s = shape_of("max_pool_grad", c);
          visit_floating(c.dst[0].dtype(), [&]<class T>() {
            using C = Compute<T>;
            const Tensor x = first(c.src[0], s), g = first(c.src[1], s);
            std::vector<C> dx(static_cast<size_t>(x.count()));
            const int64_t n_out = g.count() / std::max<int64_t>(1, g.size(0) * g.size(1));
            const int64_t n_in = x.count() / std::max<int64_t>(1, x.size(0) * x.size(1));
            for_each_maximum<T>(s, x, [&](int64_t p, int64_t o, int64_t i) {
              dx[static_cast<size_t>(p * n_in + i)] += static_cast<C>(g.data<T>()[p * n_out + o]);
            });
            Tensor dense(x.dtype(), x.sizes());
            for (size_t i = 0; i < dx.size(); ++i) dense.data<T>()[i] = static_cast<T>(dx[i]);
            channels_first_view(c.dst[0], s.channels_last).copy_from(dense);
          });
        },
    .batch = rows_together,
    .flops = pool_flops,
    .cases = cases_with({"f32[2,3,3]", "f32[2,3,3,5]", "f32[1,2,4,5]", "f32[2,2,2,2,3]",
                         "f32[2,2,2,19]", "f32[2,4,32]", "f32[0,3,2,2]", "bf16[1,2,2,2]"}),
};

extern const Op kMaxPoolTake = {
    .name = "max_pool_take",
    .summary = "The values that stand where x has the maximum of each window.",
    .formula = "dst[n, c, i] = values[n, c, j] for the j where window i of x has its maximum",
    .inputs = {{"x", "[N, C, spatial...]"}, {"values", "of x's shape"}},
    .attributes = pool_attributes(),
    .infer = [](const InferContext& c) { return infer_beside(c, false); },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {Value(), make_value(kMaxPoolGrad, {c.in(0), c.grad()}, c.node.attributes)};
    },
    .reference =
        [](const ReferenceContext& c) {
          const PoolShape s = shape_of("max_pool_take", c);
          visit_floating(c.dst[0].dtype(), [&]<class T>() {
            const Tensor x = first(c.src[0], s), v = first(c.src[1], s);
            Tensor y(x.dtype(), s.dst.sizes());
            const int64_t n_out = y.count() / std::max<int64_t>(1, y.size(0) * y.size(1));
            const int64_t n_in = x.count() / std::max<int64_t>(1, x.size(0) * x.size(1));
            for_each_maximum<T>(s, x, [&](int64_t p, int64_t o, int64_t i) {
              y.data<T>()[p * n_out + o] = v.data<T>()[p * n_in + i];
            });
            channels_first_view(c.dst[0], s.channels_last).copy_from(y);
          });
        },
    .batch = rows_together,
    .flops = pool_flops,
    .cases = cases_with({"f32[2,3,7]", "f32[2,3,6,5]", "f32[1,2,7,8]", "f32[2,2,4,4,5]",
                         "f32[2,6,5,19]", "f32[2,9,32]", "f32[0,3,4,4]", "bf16[1,2,4,4]"}),
};

Value max_pool(const Value& x, std::vector<int64_t> kernel, const PoolOptions& options) {
  return make_value(kMaxPool, {x}, pool_attributes(std::move(kernel), options));
}

}  // namespace andiron::ops
