#include "andiron/ops/layout/channels_last.hpp"

#include <algorithm>

#include "andiron/ops/conv/channels.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::ops {

namespace {

using Ints = std::vector<int64_t>;
using Outputs = std::vector<LaidOut>;

Outputs all_last(std::vector<Value> values) {
  Outputs out;
  for (Value& v : values) out.push_back({std::move(v), true});
  return out;
}

// conv and pool: an attribute says it. Inputs are images but for weights and bias.
Outputs with_attribute(const LayoutContext& c, std::initializer_list<size_t> images,
                       bool result_is_image) {
  if (c.attr<bool>("channels_last")) return {};
  std::vector<Value> inputs(c.inputs.begin(), c.inputs.end());
  for (size_t i : images)
    if (i < inputs.size()) inputs[i] = c.last(inputs[i]);
  Attributes attributes = c.node.attributes;
  attributes.set("channels_last", true);
  if (attributes.has("shape")) attributes.set("shape", channels_last(c.attr<Shape>("shape")));
  Outputs out = all_last(make_node(*c.node.op, std::move(inputs), std::move(attributes)));
  for (LaidOut& o : out) o.last = result_is_image;
  return out;
}

Outputs weights_follow(const LayoutContext& c) { return with_attribute(c, {0, 3}, true); }
Outputs quantized_weights_follow(const LayoutContext& c) { return with_attribute(c, {0, 4}, true); }
Outputs to_sums(const LayoutContext& c) { return with_attribute(c, {0}, false); }
Outputs all_images(const LayoutContext& c) { return with_attribute(c, {0, 1}, true); }
Outputs to_weights(const LayoutContext& c) { return with_attribute(c, {0, 1}, false); }

// An attribute names an axis.
Outputs along_axis(const LayoutContext& c) {
  const int64_t rank = c.inputs[0].rank();
  if (rank < 3) return {};
  std::vector<Value> inputs;
  for (const Value& v : c.inputs) inputs.push_back(c.last(v));
  const int64_t axis = normalize_axis(c.node.op->name, c.attr<int64_t>("axis"), rank);
  Attributes attributes = c.node.attributes;
  attributes.set("axis", axis_when_last(axis, rank));
  return all_last(make_node(*c.node.op, std::move(inputs), std::move(attributes)));
}

// The same for what only pays when the channels are that axis.
Outputs along_channels(const LayoutContext& c) {
  const int64_t rank = c.inputs[0].rank();
  if (rank < 3 || normalize_axis(c.node.op->name, c.attr<int64_t>("axis"), rank) != 1) return {};
  return along_axis(c);
}

Outputs moments(const LayoutContext& c) {
  Outputs out = along_channels(c);
  for (LaidOut& o : out) o.last = false;
  return out;
}

// x and g are images, and so is the first result; statistics and channels are not.
Outputs groups_of_channels(const LayoutContext& c) {
  const int64_t rank = c.inputs[0].rank();
  if (rank < 3 || normalize_axis(c.node.op->name, c.attr<int64_t>("axis"), rank) != 1) return {};
  std::vector<Value> inputs(c.inputs.begin(), c.inputs.end());
  for (const size_t i : {size_t{0}, size_t{3}})
    if (i < inputs.size()) inputs[i] = c.last(inputs[i]);
  Attributes attributes = c.node.attributes;
  attributes.set("axis", axis_when_last(1, rank));
  Outputs out;
  for (Value& v : make_node(*c.node.op, std::move(inputs), std::move(attributes)))
    out.push_back({v, v.rank() == rank});
  return out;
}

Outputs take_along_axis(const LayoutContext& c) {
  const int64_t rank = c.inputs[0].rank();
  const int64_t axis = normalize_axis("gather", c.attr<int64_t>("axis"), rank);
  if (axis == 0 || c.inputs[1].rank() != 1) return {};
  return {{gather(c.last(c.inputs[0]), c.inputs[1], axis_when_last(axis, rank)), true}};
}

// Attributes with an entry for each axis.
Outputs along_all_axes(const LayoutContext& c) {
  Attributes attributes = c.node.attributes;
  for (const auto& [name, value] : c.node.attributes)
    if (const Shape* list = std::get_if<Shape>(&value)) attributes.set(name, channels_last(*list));
  return all_last(make_node(*c.node.op, {c.last(c.inputs[0])}, std::move(attributes)));
}

Outputs reduction(const LayoutContext& c) {
  const int64_t rank = c.inputs[0].rank();
  const Ints axes = normalize_axes(c.node.op->name, c.attr<Ints>("axes"), rank);
  auto reduced = [&](int64_t axis) {
    return std::find(axes.begin(), axes.end(), axis) != axes.end();
  };
  Ints mapped;
  for (int64_t axis : axes) mapped.push_back(axis_when_last(axis, rank));
  const bool keepdims = c.attr<bool>("keepdims");
  const int64_t left = rank - static_cast<int64_t>(axes.size());
  // Without its axes the rest may be in the same order either way.
  const bool channels_stay = !reduced(1),
             spatial_stay = left > (reduced(0) ? 0 : 1) + channels_stay;
  const bool moved = channels_stay && spatial_stay;
  if (!keepdims && moved && reduced(0)) return {};
  Attributes attributes = c.node.attributes;
  attributes.set("axes", mapped);
  const Value y = make_value(*c.node.op, {c.last(c.inputs[0])}, attributes);
  return {{y, keepdims || moved}};
}

// Of [N, C, 1, 1]: nothing moves in memory.
Outputs reshaping(const LayoutContext& c) {
  const Shape& shape = c.inputs[0].shape();
  const bool flat =
      std::all_of(shape.begin() + 2, shape.end(), [](const Dim& d) { return d == Dim(1); });
  if (!flat) return {};
  return {{reshape(c.last(c.inputs[0]), c.node.outputs[0].shape), false}};
}

constexpr LayoutRule kRules[] = {
    {"conv", weights_follow, true},
    {"fused_conv", weights_follow, true},
    {"quantized_conv", quantized_weights_follow, true},
    {"conv_grad_src", weights_follow, true},
    {"conv_grad_weights", to_weights, true},
    {"max_pool", all_images, true},
    {"max_pool_grad", all_images, true},
    {"max_pool_take", all_images},
    {"avg_pool", all_images, true},
    {"avg_pool_grad", all_images, true},
    {"batch_moments", moments, true},
    {"group_norm", groups_of_channels},
    {"group_norm_grad", groups_of_channels},
    {"group_norm_grad_scale", groups_of_channels},
    {"lrn", along_channels, true},
    {"quantized_lrn", along_channels, true},
    {"quantized_sum", to_sums},
    {"channel_window_sum", along_channels, true},
    {"resample", along_axis},
    {"concat", along_axis},
    {"split", along_axis},
    {"softmax", along_axis},
    {"log_softmax", along_axis},
    {"gather", take_along_axis},
    {"slice", along_all_axes},
    {"pad", along_all_axes},
    {"sum", reduction},
    {"max", reduction},
    {"min", reduction},
    {"reshape", reshaping},
};

}  // namespace

const LayoutRule* layout_rule(std::string_view op) {
  for (const LayoutRule& rule : kRules)
    if (rule.op == op) return &rule;
  return nullptr;
}

}  // namespace andiron::ops
