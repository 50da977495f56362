#include "andiron/ops/conv/channels.hpp"
#include "andiron/ops/floating.hpp"
#include "andiron/ops/pool/pool.hpp"

namespace andiron::ops {

extern const Op kAvgPool;
extern const Op kAvgPoolGrad;

namespace {

using Ints = std::vector<int64_t>;

std::vector<AttributeSpec> attributes(std::vector<AttributeSpec> more = {}) {
  more.insert(more.begin(),
              {"count_include_pad", false, "whether pads count as zeros in the averages"});
  return pool_attributes(std::move(more));
}

PoolShape checked(std::string_view op, const Attributes& attributes, const Shape& x) {
  const PoolShape s = pool_shape(op, attributes, x);
  for (int64_t d : s.window.dilations)
    if (d != 1) fail("[{}] has no dilation; got {}", op, str(s.window.dilations));
  return s;
}

// Calls f(x offset, y offset, share) for each place of each window, rows and channels in front.
template <class F>
void for_each_place(const PoolShape& s, F f) {
  const WindowLoop loop(s.window, s.src.sizes(), s.dst.sizes());
  const int64_t planes = s.src[0].size() * s.src[1].size();
  for (int64_t o = 0; o < loop.n_out(); ++o) {
    const double share = 1.0 / static_cast<double>(averaged_places(s, loop, o));
    for (int64_t p = 0; p < planes; ++p)
      loop.taps_of(
          o, [&](int64_t i, int64_t) { f(p * loop.n_in() + i, p * loop.n_out() + o, share); });
  }
}

BatchKind rows(const Node&, std::span<const BatchKind> in) { return in[0]; }

template <class T, class F>
void accumulate(const PoolShape& s, const Tensor& from, Tensor& to, F places) {
  using C = Compute<T>;
  const Tensor src = channels_first_view(from, s.channels_last).contiguous();
  Tensor view = channels_first_view(to, s.channels_last);
  std::vector<C> total(static_cast<size_t>(to.count()));
  places(src.data<T>(), total);
  Tensor dense(to.dtype(), view.sizes());
  for (size_t i = 0; i < total.size(); ++i) dense.data<T>()[i] = static_cast<T>(total[i]);
  view.copy_from(dense);
}

}  // namespace

extern const Op kAvgPool = {
    .name = "avg_pool",
    .summary = "The mean of each window.",
    .formula = "dst[n, c, i] = mean over t of x[n, c, i stride - begin + t]",
    .inputs = {{"x", "[N, C, spatial...]"}},
    .attributes = attributes(),
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      if (!is_floating(c.in(0).dtype))
        fail("[avg_pool] takes floating point values; got {}", str(c.in(0)));
      const PoolShape s = checked(c.op, c.attributes, c.shape(0));
      return {{c.in(0).dtype, channels_last(s.dst, s.channels_last)}};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      Attributes attributes = c.node.attributes;
      attributes.set("shape", c.in(0).shape());
      return {make_value(kAvgPoolGrad, {c.grad()}, attributes)};
    },
    .reference =
        [](const ReferenceContext& c) {
          const PoolShape s = pool_shape("avg_pool", c.attributes, Shape(c.src[0].sizes()));
          visit_floating(c.dst[0].dtype(), [&]<class T>() {
            accumulate<T>(s, c.src[0], c.dst[0], [&]<class C>(const T* x, std::vector<C>& y) {
              for_each_place(s, [&](int64_t i, int64_t o, double share) {
                y[static_cast<size_t>(o)] += static_cast<C>(x[i]) * static_cast<C>(share);
              });
            });
          });
        },
    .batch = rows,
    .flops = pool_flops,
    .cases = {{{"f32[2,3,7]"}, {{"kernel", Ints{2}}}},
              {{"f32[2,3,6,5]"},
               {{"kernel", Ints{3, 2}}, {"strides", Ints{2, 1}}, {"padding", std::string("same")}}},
              {{"f32[1,2,7,8]"},
               {{"kernel", Ints{3}},
                {"strides", Ints{2}},
                {"padding", std::string("explicit")},
                {"pads_begin", Ints{1}},
                {"pads_end", Ints{1}},
                {"ceil", true},
                {"count_include_pad", true}}},
              {{"f32[2,6,5,19]"},
               {{"kernel", Ints{3}},
                {"strides", Ints{1}},
                {"padding", std::string("same")},
                {"channels_last", true}}},
              {{"f32[1,2,4,4,5]"}, {{"kernel", Ints{2}}, {"ceil", true}}},
              {{"f32[0,3,4,4]"}, {{"kernel", Ints{2}}}},
              {{"bf16[1,2,4,4]"}, {{"kernel", Ints{2}}}}},
};

extern const Op kAvgPoolGrad = {
    .name = "avg_pool_grad",
    .summary = "The gradient of avg_pool.",
    .formula = "dst[n, c, j] = sum of g[n, c, i] / places(i) over the windows i that see j",
    .inputs = {{"g", "what avg_pool would give"}},
    .attributes = attributes({{"shape", {}, "of what was pooled", Shape()}}),
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      const PoolShape s = checked(c.op, c.attributes, c.attr<Shape>("shape"));
      const Shape expected = channels_last(s.dst, s.channels_last);
      if (c.shape(0) != expected || !is_floating(c.in(0).dtype))
        fail("[avg_pool_grad] g must be {}; got {}", expected.str(), str(c.in(0)));
      return {{c.in(0).dtype, c.attr<Shape>("shape")}};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      Attributes attributes;
      for (const auto& [name, value] : c.node.attributes)
        if (name != "shape") attributes.set(name, value);
      return {make_value(kAvgPool, {c.grad()}, attributes)};
    },
    .reference =
        [](const ReferenceContext& c) {
          const PoolShape s = pool_shape("avg_pool_grad", c.attributes, c.attr<Shape>("shape"));
          visit_floating(c.dst[0].dtype(), [&]<class T>() {
            accumulate<T>(s, c.src[0], c.dst[0], [&]<class C>(const T* g, std::vector<C>& x) {
              for_each_place(s, [&](int64_t i, int64_t o, double share) {
                x[static_cast<size_t>(i)] += static_cast<C>(g[o]) * static_cast<C>(share);
              });
            });
          });
        },
    .batch = rows,
    .flops = pool_flops,
    .cases = {{{"f32[2,3,3]"}, {{"kernel", Ints{2}}, {"shape", Shape{2, 3, 7}}}},
              {{"f32[1,2,4,5]"},
               {{"kernel", Ints{3}},
                {"strides", Ints{2}},
                {"padding", std::string("explicit")},
                {"pads_begin", Ints{1}},
                {"pads_end", Ints{1}},
                {"ceil", true},
                {"count_include_pad", true},
                {"shape", Shape{1, 2, 7, 8}}}},
              {{"f32[2,6,5,19]"},
               {{"kernel", Ints{3}},
                {"strides", Ints{1}},
                {"padding", std::string("same")},
                {"channels_last", true},
                {"shape", Shape{2, 6, 5, 19}}}},
              {{"f32[0,3,2]"}, {{"kernel", Ints{2}}, {"shape", Shape{0, 3, 4}}}},
              {{"bf16[1,2,2,2]"}, {{"kernel", Ints{2}}, {"shape", Shape{1, 2, 4, 4}}}}},
};

Value avg_pool(const Value& x, std::vector<int64_t> kernel, const PoolOptions& options) {
  Attributes attributes = pool_attributes(std::move(kernel), options);
  attributes.set("count_include_pad", options.count_include_pad);
  return make_value(kAvgPool, {x}, std::move(attributes));
}

}  // namespace andiron::ops
