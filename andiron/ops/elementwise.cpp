#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

namespace {

TensorType broadcast_all(const InferContext& c) {
  TensorType type = c.in(0);
  for (size_t i = 1; i < c.n(); ++i) {
    if (c.in(i).dtype != type.dtype)
      fail("[{}] operands must have one dtype; got {} and {}", c.op, str(c.in(0)), str(c.in(i)));
    type.shape = broadcast(c.op, type.shape, c.shape(i));
  }
  return type;
}

}  // namespace

std::vector<TensorType> infer_broadcast(const InferContext& c) { return {broadcast_all(c)}; }

std::vector<TensorType> infer_comparison(const InferContext& c) {
  return {{DType::boolean, broadcast_all(c).shape}};
}

std::vector<TensorType> infer_numeric(const InferContext& c) {
  for (size_t i = 0; i < c.n(); ++i)
    if (c.in(i).dtype == DType::boolean) fail("[{}] takes numbers; got {}", c.op, str(c.in(i)));
  return {broadcast_all(c)};
}

std::vector<TensorType> infer_floating(const InferContext& c) {
  for (size_t i = 0; i < c.n(); ++i)
    if (!is_floating(c.in(i).dtype))
      fail("[{}] takes floating point values; got {}", c.op, str(c.in(i)));
  return {broadcast_all(c)};
}

BroadcastWalk::BroadcastWalk(const Tensor& operand, const Sizes& result)
    : sizes_(result), strides_(result.size(), 0), index_(result.size(), 0) {
  const size_t lead = result.size() - operand.sizes().size();
  for (size_t i = 0; i < operand.sizes().size(); ++i)
    strides_[lead + i] = operand.sizes()[i] == 1 ? 0 : operand.strides()[i];
}

void BroadcastWalk::next() {
  for (size_t axis = sizes_.size(); axis-- > 0;) {
    offset_ += strides_[axis];
    if (++index_[axis] < sizes_[axis]) return;
    offset_ -= strides_[axis] * sizes_[axis];
    index_[axis] = 0;
  }
}

}  // namespace andiron::ops
