#include "andiron/ops/reduce/reduce.hpp"

#include <algorithm>

namespace andiron::ops {

std::vector<AttributeSpec> reduce_attributes() {
  return {{"axes", std::vector<int64_t>{}, "axes to reduce; empty means all"},
          {"keepdims", false, "keep reduced axes with size 1"}};
}

std::vector<TensorType> infer_reduce(const InferContext& c) {
  if (c.in(0).dtype == DType::boolean) fail("[{}] takes numbers; got {}", c.op, str(c.in(0)));
  const auto axes = normalize_axes(c.op, c.attr<std::vector<int64_t>>("axes"), c.shape(0).rank());
  Shape shape;
  for (int64_t i = 0; i < c.shape(0).rank(); ++i) {
    if (std::find(axes.begin(), axes.end(), i) == axes.end()) {
      shape.push_back(c.shape(0)[static_cast<size_t>(i)]);
    } else if (c.attr<bool>("keepdims")) {
      shape.push_back(1);
    }
  }
  return {{c.in(0).dtype, shape}};
}

std::vector<TensorType> infer_reduce_nonempty(const InferContext& c) {
  for (int64_t axis : normalize_axes(c.op, c.attr<std::vector<int64_t>>("axes"), c.shape(0).rank()))
    if (c.shape(0)[static_cast<size_t>(axis)] == Dim(0))
      fail("[{}] axis {} of {} is empty", c.op, axis, c.shape(0).str());
  return infer_reduce(c);
}

std::vector<Value> share_among_equals(const GradContext& c) {
  const Value& x = c.in(0);
  if (!is_floating(x.dtype())) return {Value()};
  const Value chosen = cast(equal(x, keep_reduced_axes(c.out(), c)), x.dtype());
  const Value shares = sum(chosen, c.attr<std::vector<int64_t>>("axes"), true);
  return {chosen * (keep_reduced_axes(c.grad(), c) / shares)};
}

std::vector<Case> reduce_cases() {
  return {{{"f32[2,3,4]"}},
          {{"f32[2,3,4]"}, {{"axes", std::vector<int64_t>{1}}}},
          {{"f32[2,3,4]"}, {{"axes", std::vector<int64_t>{0, 2}}, {"keepdims", true}}},
          {{"f32[0,4]"}, {{"axes", std::vector<int64_t>{1}}}},
          {{"f32[1000]"}},
          {{"i32[5,2]"}, {{"axes", std::vector<int64_t>{-1}}}},
          {{"bf16[3,7]"}, {{"axes", std::vector<int64_t>{-1}}}}};
}

Value keep_reduced_axes(const Value& value, const GradContext& c) {
  if (c.attr<bool>("keepdims")) return value;
  Shape shape = c.in(0).shape();
  for (int64_t axis :
       normalize_axes(c.node.op->name, c.attr<std::vector<int64_t>>("axes"), shape.rank()))
    shape[static_cast<size_t>(axis)] = 1;
  return reshape(value, shape);
}

BatchKind batch_of_reduce(const Node& node, std::span<const BatchKind> in) {
  const auto axes =
      normalize_axes(node.op->name, node.attr<std::vector<int64_t>>("axes"), node.inputs[0].rank());
  const bool reduces_batch = std::find(axes.begin(), axes.end(), 0) != axes.end();
  return in[0] == BatchKind::rows && !reduces_batch ? BatchKind::rows : BatchKind::blocked;
}

ReduceWalk::ReduceWalk(const Tensor& src, const std::vector<int64_t>& axes) {
  const auto reduced = normalize_axes("reduce", axes, src.rank());
  for (int64_t i = 0; i < src.rank(); ++i) {
    const bool is_reduced = std::find(reduced.begin(), reduced.end(), i) != reduced.end();
    (is_reduced ? reduced_sizes_ : kept_sizes_).push_back(src.size(i));
    (is_reduced ? reduced_strides_ : kept_strides_)
        .push_back(src.strides()[static_cast<size_t>(i)]);
  }
  n_outputs_ = andiron::count_of(kept_sizes_);
  n_reduced_ = andiron::count_of(reduced_sizes_);
}

int64_t ReduceWalk::offset(int64_t output, int64_t i) const {
  int64_t offset = 0;
  for (size_t a = kept_sizes_.size(); a-- > 0;) {
    offset += (output % kept_sizes_[a]) * kept_strides_[a];
    output /= kept_sizes_[a];
  }
  for (size_t a = reduced_sizes_.size(); a-- > 0;) {
    offset += (i % reduced_sizes_[a]) * reduced_strides_[a];
    i /= reduced_sizes_[a];
  }
  return offset;
}

}  // namespace andiron::ops
