#include "andiron/ops/norm/group_norm.hpp"

#include <algorithm>
#include <cmath>

#include "andiron/ops/floating.hpp"
#include "andiron/ops/normalize.hpp"

namespace andiron::ops {

extern const Op kGroupNorm;
extern const Op kGroupNormGradScale;

namespace {

// The channels' factors or shifts in double; empty where that input is left out.
std::vector<double> channel_numbers(const ReferenceContext& c, size_t input) {
  std::vector<double> numbers;
  if (c.src.size() <= input || !c.src[input].defined()) return numbers;
  for (int64_t i = 0; i < c.src[input].count(); ++i) numbers.push_back(c.src[input].item(i));
  return numbers;
}

struct Statistics {
  double mean = 0, inverse = 0;
};

template <class T>
Statistics statistics(const T* x, const Groups& s, int64_t image, int64_t group, bool center,
                      double epsilon) {
  double sum = 0, squares = 0;
  const auto n = static_cast<double>(std::max<int64_t>(1, s.n()));
  const auto each = [&](auto f) {
    for (int64_t c = group * s.per_group; c < (group + 1) * s.per_group; ++c)
      for (int64_t i = 0; i < s.inner; ++i) f(static_cast<double>(x[s.offset(image, c, i)]));
  };
  if (center) each([&](double v) { sum += v; });
  const double mean = sum / n;
  each([&](double v) { squares += (v - mean) * (v - mean); });
  return {mean, 1.0 / std::sqrt(squares / n + epsilon)};
}

}  // namespace

Groups groups_of(const Sizes& x, const Attributes& attributes) {
  const auto rank = static_cast<int64_t>(x.size());
  const int64_t axis = normalize_axis("group_norm", attributes.get<int64_t>("axis"), rank);
  const int64_t channels = x[static_cast<size_t>(axis)], groups = attributes.get<int64_t>("groups");
  int64_t inner = 1;
  for (int64_t i = 1; i < rank; ++i)
    if (i != axis) inner *= x[static_cast<size_t>(i)];
  return {x[0], groups, channels / groups, inner, axis != 1};
}

std::vector<AttributeSpec> group_attributes() {
  return {{"groups", int64_t{1}, "the channels are divided into so many groups"},
          {"axis", int64_t{1}, "that of the channels: 1 or the last"},
          {"epsilon", 1e-3, "what is added to the variance"},
          {"center", true, "whether the mean is subtracted; without, it counts as 0 (RMS)"}};
}

Dim check_groups(const InferContext& c) {
  const Shape& x = c.shape(0);
  if (!is_floating(c.in(0).dtype))
    fail("[{}] takes floating point values; got {}", c.op, str(c.in(0)));
  if (x.rank() < 2) fail("[{}] takes [N, C, ...]; got {}", c.op, x.str());
  const int64_t axis = normalize_axis(c.op, c.attr<int64_t>("axis"), x.rank());
  if (axis != 1 && axis != x.rank() - 1)
    fail("[{}] axis must be 1 or the last; got {} for {}", c.op, axis, x.str());
  const Dim& channels = x[static_cast<size_t>(axis)];
  const int64_t groups = c.attr<int64_t>("groups");
  if (groups < 1) fail("[{}] groups must be positive; got {}", c.op, groups);
  if (!channels.known()) fail("[{}] the number of channels must be known; got {}", c.op, x.str());
  if (channels.size() % groups != 0)
    fail("[{}] groups={} does not divide C={}; x is {}", c.op, groups, channels.size(), x.str());
  if (!(c.attr<double>("epsilon") >= 0.0))
    fail("[{}] epsilon must not be negative; got {}", c.op, c.attr<double>("epsilon"));
  return channels;
}

void check_channels(const InferContext& c, size_t input, const Dim& channels) {
  if (c.n() <= input || !c.inputs[input].defined()) return;
  const TensorType wanted{c.in(0).dtype, Shape{channels}};
  if (c.in(input) != wanted)
    fail("[{}] scale and offset must be {} beside x {}; got {}", c.op, str(wanted), str(c.in(0)),
         str(c.in(input)));
}

TensorType statistic_type(const InferContext& c) {
  return {c.in(0).dtype, Shape{c.shape(0)[0], c.attr<int64_t>("groups")}};
}

BatchKind batch_of_groups(std::span<const BatchKind> in, size_t fixed, BatchKind result) {
  for (size_t i = 0; i < in.size(); ++i)
    if (in[i] != (i < fixed ? BatchKind::rows : BatchKind::fixed)) return BatchKind::blocked;
  return result;
}

GroupView::GroupView(const Value& x, const Attributes& attributes) : shape_(x.shape()), x_(x) {
  const int64_t rank = x.rank();
  const int64_t axis = normalize_axis("group_norm", attributes.get<int64_t>("axis"), rank);
  groups_ = attributes.get<int64_t>("groups");
  per_group_ = shape_[static_cast<size_t>(axis)].size() / groups_;
  last_ = axis != 1;
  // [N, groups, per_group, ...] or [N, ..., groups, per_group]
  split_shape_ = shape_;
  split_shape_[static_cast<size_t>(axis)] = per_group_;
  split_shape_.insert(split_shape_.begin() + axis, groups_);
  for (int64_t i = 0; i <= rank; ++i) {
    if (i > 0 && i != axis) group_axes_.push_back(i);
    if (i != axis && i != axis + 1) channel_axes_.push_back(i);
  }
}

Value GroupView::split(const Value& v) const { return reshape(v, split_shape_); }
Value GroupView::whole(const Value& v) const { return reshape(v, shape_); }

Value GroupView::statistic(const Value& v) const {
  Shape shape(split_shape_.size(), Dim(1));
  shape[0] = shape_[0];
  shape[last_ ? shape.size() - 2 : 1] = groups_;
  return reshape(v, shape);
}

Value GroupView::channels(const Value& v) const {
  Shape shape(last_ ? 2 : split_shape_.size() - 1, Dim(1));
  shape[0] = groups_;
  shape[1] = per_group_;
  return reshape(v, shape);
}

Value GroupView::sum(const Value& v) const { return ops::sum(v, group_axes_); }

Value GroupView::channel_sum(const Value& v) const {
  return reshape(ops::sum(v, channel_axes_), Shape{groups_ * per_group_});
}

Value GroupView::count() const { return count_of(split(x_), group_axes_, x_.dtype()); }

extern const Op kGroupNorm = {
    .name = "group_norm",
    .summary =
        "Each group of channels of each row with mean 0 and variance 1, then a factor and a shift "
        "by channel.",
    .formula =
        "dst = (x - mean) * inverse_deviation * scale + offset; mean, and inverse_deviation = 1 / "
        "sqrt(variance + epsilon), over the channels and places of a group",
    .reference_source =
        "Wu and He, Group Normalization, 2018; Ba, Kiros and Hinton, Layer Normalization, 2016",
    .inputs = {{"x", "[N, C, ...] or [N, ..., C], floating point"},
               {"scale", "[C]", true},
               {"offset", "[C]", true}},
    .outputs = {"dst", "mean", "inverse_deviation"},
    .attributes = group_attributes(),
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      const Dim channels = check_groups(c);
      check_channels(c, 1, channels);
      check_channels(c, 2, channels);
      return {c.in(0), statistic_type(c), statistic_type(c)};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Value &x = c.in(0), &g = c.grad(0), &mean = c.out(1), &inverse = c.out(2);
      const size_t n = c.node.inputs.size();
      const Value scale = n > 1 ? c.in(1) : Value();
      const Attributes& attributes = c.node.attributes;
      std::vector<Value> grads(n);
      Value& of_x = grads[0];
      if (g.defined()) {
        of_x = group_norm_grad(x, mean, inverse, g, scale, attributes);
        if (n > 1) {
          const std::vector<Value> sums =
              make_node(kGroupNormGradScale, {x, mean, inverse, g}, attributes);
          if (scale.defined()) grads[1] = sums[0];
          if (n > 2 && c.in(2).defined()) grads[2] = sums[1];
        }
      }
      const GroupView view(x, attributes);
      const auto add = [&](const Value& more) {
        const Value whole = view.whole(more);
        of_x = of_x.defined() ? of_x + whole : whole;
      };
      if (c.grad(1).defined() && c.attr<bool>("center"))
        add(broadcast_to(view.statistic(c.grad(1) / view.count()), view.split(x).shape()));
      // d inverse / d x = -inverse^3 (x - mean) / n
      if (c.grad(2).defined())
        add((view.split(x) - view.statistic(mean)) *
            view.statistic(-c.grad(2) * square(inverse) * inverse / view.count()));
      return grads;
    },
    .reference =
        [](const ReferenceContext& c) {
          const Groups s = groups_of(c.src[0].sizes(), c.attributes);
          const auto scale = channel_numbers(c, 1), offset = channel_numbers(c, 2);
          visit_floating(c.src[0].dtype(), [&]<class T>() {
            const T* x = c.src[0].data<T>();
            for (int64_t i = 0; i < s.images; ++i)
              for (int64_t group = 0; group < s.groups; ++group) {
                const auto [mean, inverse] =
                    statistics(x, s, i, group, c.attr<bool>("center"), c.attr<double>("epsilon"));
                c.dst[1].data<T>()[i * s.groups + group] = static_cast<T>(mean);
                c.dst[2].data<T>()[i * s.groups + group] = static_cast<T>(inverse);
                for (int64_t k = group * s.per_group; k < (group + 1) * s.per_group; ++k) {
                  const auto at = static_cast<size_t>(k);
                  const double factor = scale.empty() ? inverse : inverse * scale[at];
                  const double shift = offset.empty() ? 0.0 : offset[at];
                  for (int64_t j = 0; j < s.inner; ++j) {
                    const int64_t e = s.offset(i, k, j);
                    c.dst[0].data<T>()[e] =
                        static_cast<T>((static_cast<double>(x[e]) - mean) * factor + shift);
                  }
                }
              }
          });
        },
    .batch = [](const Node&,
                std::span<const BatchKind> in) { return batch_of_groups(in, 1, BatchKind::rows); },
    .flops =
        [](const Node& node) {
          return 7.0 * static_cast<double>(node.outputs[0].shape.count().size());
        },
    .cases = {{{"f32[4,5]", "f32[5]", "f32[5]"}},
              {{"f32[6,70]", "f32[70]", "f32[70]"}, {{"epsilon", 1e-5}}},
              {{"f32[4,5]"}},
              {{"f32[3,40]", "f32[40]"}, {{"center", false}, {"epsilon", 1e-6}}},
              {{"f32[2,6,3,2]", "f32[6]", "f32[6]"}, {{"groups", int64_t{3}}}},
              {{"f32[2,4,19]", "f32[4]", "f32[4]"}, {{"groups", int64_t{4}}}},
              {{"f32[2,6]", "f32[6]"}, {{"groups", int64_t{2}}}},
              {{"f32[2,3,5,6]", "f32[6]", "f32[6]"},
               {{"groups", int64_t{2}}, {"axis", int64_t{-1}}}},
              {{"f32[2,70,4]", "f32[4]", "f32[4]"},
               {{"groups", int64_t{4}}, {"axis", int64_t{-1}}}},
              {{"f32[2,9,4]"}, {{"axis", int64_t{-1}}, {"center", false}}},
              {{"f32[0,3,2]", "f32[3]", "f32[3]"}},
              {{"f32[2,3,0]", "f32[3]", "f32[3]"}},
              {{"bf16[3,8]", "bf16[8]", "bf16[8]"}}},
};

}  // namespace andiron::ops
