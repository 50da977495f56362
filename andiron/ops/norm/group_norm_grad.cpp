#include <algorithm>

#include "andiron/ops/floating.hpp"
#include "andiron/ops/norm/group_norm.hpp"

namespace andiron::ops {

extern const Op kGroupNormGrad;
extern const Op kGroupNormGradScale;

namespace {

std::vector<InputSpec> backward_inputs() {
  return {{"x", "what group_norm took"},
          {"mean", "[N, groups], as it gave"},
          {"inverse_deviation", "[N, groups], as it gave"},
          {"g", "the gradient of its dst"}};
}

void check_backward(const InferContext& c) {
  for (size_t i : {size_t{1}, size_t{2}})
    if (c.in(i) != statistic_type(c))
      fail("[{}] mean and inverse_deviation must be {}; got {}", c.op, str(statistic_type(c)),
           str(c.in(i)));
  if (c.in(3) != c.in(0))
    fail("[{}] g must be {} like x; got {}", c.op, str(c.in(0)), str(c.in(3)));
}

// As values of their own, mean and inverse deviation have gradients, too.
struct Backward {
  explicit Backward(const GradContext& c)
      : view(c.in(0), c.node.attributes),
        inverse(view.statistic(c.in(2))),
        centered(view.split(c.in(0)) - view.statistic(c.in(1))),
        g(view.split(c.in(3))) {}
  // Those of x, mean and inverse deviation when `of_normal` reaches (x - mean) * inverse.
  std::vector<Value> grads(const Value& of_normal) const {
    const Value of_x = of_normal * inverse;
    return {view.whole(of_x), -view.sum(of_x), view.sum(of_normal * centered)};
  }
  GroupView view;
  Value inverse, centered, g;
};

}  // namespace

extern const Op kGroupNormGrad = {
    .name = "group_norm_grad",
    .summary = "The gradient of group_norm with respect to x.",
    .formula =
        "dst = inverse_deviation * (h - mean(h) - n * mean(h n)), h = g * scale, n = (x - mean) * "
        "inverse_deviation; without center there is no mean(h)",
    .inputs =
        [] {
          auto inputs = backward_inputs();
          inputs.push_back({"scale", "[C]", true});
          return inputs;
        }(),
    .attributes = group_attributes(),
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      const Dim channels = check_groups(c);
      check_backward(c);
      check_channels(c, 4, channels);
      return {c.in(0)};
    },
    // The rule is linear in h, and symmetric: what a gradient v of dst gives for h is the same rule
    // of v. S = sum of v * dst has the derivatives -inverse (h mean(v n) + v mean(h n)) by n, and
    // S / inverse by what stands in front.
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Backward b(c);
      const Value scale = c.node.inputs.size() > 4 ? c.in(4) : Value();
      const Value v = b.view.split(c.grad()), count = b.view.count();
      const Value h = scale.defined() ? b.g * b.view.channels(scale) : b.g;
      const Value normal = b.centered * b.inverse;
      const auto mean_of = [&](const Value& x) { return b.view.statistic(b.view.sum(x) / count); };
      const Value of_normal = -b.inverse * (h * mean_of(v * normal) + v * mean_of(h * normal));
      std::vector<Value> grads = b.grads(of_normal);
      grads[2] = grads[2] + b.view.sum(v * b.view.split(c.out())) / c.in(2);
      const Value of_h = b.view.split(
          group_norm_grad(c.in(0), c.in(1), c.in(2), c.grad(), Value(), c.node.attributes));
      grads.push_back(b.view.whole(scale.defined() ? of_h * b.view.channels(scale) : of_h));
      if (c.node.inputs.size() > 4)
        grads.push_back(scale.defined() ? b.view.channel_sum(of_h * b.g) : Value());
      return grads;
    },
    .reference =
        [](const ReferenceContext& c) {
          const Groups s = groups_of(c.src[0].sizes(), c.attributes);
          const bool scaled = c.src.size() > 4 && c.src[4].defined();
          const auto n = static_cast<double>(std::max<int64_t>(1, s.n()));
          visit_floating(c.src[0].dtype(), [&]<class T>() {
            const T *x = c.src[0].data<T>(), *g = c.src[3].data<T>();
            for (int64_t i = 0; i < s.images * s.groups; ++i) {
              const double mean = c.src[1].item(i), inverse = c.src[2].item(i);
              const int64_t first = i % s.groups * s.per_group, image = i / s.groups;
              const auto scale = [&](int64_t k) { return scaled ? c.src[4].item(k) : 1.0; };
              const auto centered = [&](int64_t e) { return static_cast<double>(x[e]) - mean; };
              double sum = 0, products = 0;
              for (int64_t k = first; k < first + s.per_group; ++k) {
                double of_g = 0, of_products = 0;
                for (int64_t j = 0; j < s.inner; ++j) {
                  const int64_t e = s.offset(image, k, j);
                  of_g += static_cast<double>(g[e]);
                  of_products += static_cast<double>(g[e]) * centered(e);
                }
                sum += scale(k) * of_g;
                products += scale(k) * of_products;
              }
              const double slope = inverse * inverse * inverse * products / n;
              const double shift = c.attr<bool>("center") ? inverse * sum / n : 0.0;
              for (int64_t k = first; k < first + s.per_group; ++k)
                for (int64_t j = 0; j < s.inner; ++j) {
                  const int64_t e = s.offset(image, k, j);
                  const double h = static_cast<double>(g[e]) * scale(k);
                  c.dst[0].data<T>()[e] = static_cast<T>(inverse * h - slope * centered(e) - shift);
                }
            }
          });
        },
    .batch = [](const Node&,
                std::span<const BatchKind> in) { return batch_of_groups(in, 4, BatchKind::rows); },
    .flops =
        [](const Node& node) {
          return 9.0 * static_cast<double>(node.outputs[0].shape.count().size());
        },
    .cases = {{{"f32[4,5]", "f32[4,1]", "f32[4,1]@0.5:2", "f32[4,5]", "f32[5]"}},
              {{"f32[3,70]", "f32[3,1]", "f32[3,1]@0.5:2", "f32[3,70]", "f32[70]"}},
              {{"f32[4,5]", "f32[4,1]", "f32[4,1]@0.5:2", "f32[4,5]"}, {{"center", false}}},
              {{"f32[2,6,3,2]", "f32[2,3]", "f32[2,3]@0.5:2", "f32[2,6,3,2]", "f32[6]"},
               {{"groups", int64_t{3}}}},
              {{"f32[2,3,5,6]", "f32[2,2]", "f32[2,2]@0.5:2", "f32[2,3,5,6]", "f32[6]"},
               {{"groups", int64_t{2}}, {"axis", int64_t{-1}}}},
              {{"f32[2,70,4]", "f32[2,4]", "f32[2,4]@0.5:2", "f32[2,70,4]"},
               {{"groups", int64_t{4}}, {"axis", int64_t{-1}}, {"center", false}}},
              {{"f32[0,3]", "f32[0,1]", "f32[0,1]", "f32[0,3]"}},
              {{"bf16[3,8]", "bf16[3,1]", "bf16[3,1]@0.5:2", "bf16[3,8]", "bf16[8]"}}},
};

extern const Op kGroupNormGradScale = {
    .name = "group_norm_grad_scale",
    .summary = "The gradients of group_norm with respect to scale and offset.",
    .formula =
        "scale[c] = sum of g * (x - mean) * inverse_deviation over rows and places; offset[c] = "
        "sum of g",
    .inputs = backward_inputs(),
    .outputs = {"scale", "offset"},
    .attributes = group_attributes(),
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      const TensorType type{c.in(0).dtype, Shape{check_groups(c)}};
      check_backward(c);
      return {type, type};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Backward b(c);
      std::vector<Value> grads(4);
      Value of_g;
      if (c.grad(0).defined()) {
        const Value v = b.view.channels(c.grad(0));
        grads = b.grads(b.g * v);
        of_g = b.centered * b.inverse * v;
        grads.resize(4);
      }
      if (c.grad(1).defined()) {
        const Value v = b.view.channels(c.grad(1));
        of_g = of_g.defined() ? of_g + v : broadcast_to(v, b.g.shape());
      }
      if (of_g.defined()) grads[3] = b.view.whole(of_g);
      return grads;
    },
    .reference =
        [](const ReferenceContext& c) {
          const Groups s = groups_of(c.src[0].sizes(), c.attributes);
          visit_floating(c.src[0].dtype(), [&]<class T>() {
            const T *x = c.src[0].data<T>(), *g = c.src[3].data<T>();
            for (int64_t k = 0; k < s.channels(); ++k) {
              double products = 0, sum = 0;
              for (int64_t i = 0; i < s.images; ++i) {
                const int64_t group = i * s.groups + k / s.per_group;
                const double mean = c.src[1].item(group), inverse = c.src[2].item(group);
                for (int64_t j = 0; j < s.inner; ++j) {
                  const int64_t e = s.offset(i, k, j);
                  products +=
                      static_cast<double>(g[e]) * ((static_cast<double>(x[e]) - mean) * inverse);
                  sum += static_cast<double>(g[e]);
                }
              }
              c.dst[0].data<T>()[k] = static_cast<T>(products);
              c.dst[1].data<T>()[k] = static_cast<T>(sum);
            }
          });
        },
    .batch =
        [](const Node&, std::span<const BatchKind> in) {
          return batch_of_groups(in, 4, BatchKind::partial_sum);
        },
    .flops =
        [](const Node& node) {
          return 4.0 * static_cast<double>(node.inputs[0].shape().count().size());
        },
    .cases = {{{"f32[4,5]", "f32[4,1]", "f32[4,1]@0.5:2", "f32[4,5]"}},
              {{"f32[200,70]", "f32[200,1]", "f32[200,1]@0.5:2", "f32[200,70]"}},
              {{"f32[2,6,3,2]", "f32[2,3]", "f32[2,3]@0.5:2", "f32[2,6,3,2]"},
               {{"groups", int64_t{3}}}},
              {{"f32[2,3,5,6]", "f32[2,2]", "f32[2,2]@0.5:2", "f32[2,3,5,6]"},
               {{"groups", int64_t{2}}, {"axis", int64_t{-1}}}},
              {{"f32[2,70,4]", "f32[2,4]", "f32[2,4]@0.5:2", "f32[2,70,4]"},
               {{"groups", int64_t{4}}, {"axis", int64_t{-1}}}},
              {{"f32[0,3]", "f32[0,1]", "f32[0,1]", "f32[0,3]"}},
              {{"bf16[3,8]", "bf16[3,1]", "bf16[3,1]@0.5:2", "bf16[3,8]"}}},
};

Value group_norm_grad(const Value& x, const Value& mean, const Value& inverse, const Value& g,
                      const Value& scale, const Attributes& attributes) {
  std::vector<Value> inputs = {x, mean, inverse, g};
  if (scale.defined()) inputs.push_back(scale);
  return make_value(kGroupNormGrad, std::move(inputs), attributes);
}

}  // namespace andiron::ops
