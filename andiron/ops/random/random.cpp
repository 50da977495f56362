#include "andiron/ops/random/random.hpp"

namespace andiron::ops {

std::vector<TensorType> infer_random(const InferContext& c) {
  if (c.in(0) != TensorType{DType::i64, {}})
    fail("[{}] the counter must be an int64 scalar; got {}", c.op, str(c.in(0)));
  const auto& shape = c.attr<Shape>("shape");
  for (const Dim& d : shape)
    if (d.known() && d.size() < 0)
      fail("[{}] sizes must not be negative; got {}", c.op, shape.str());
  return {{DType::f32, shape}};
}

BatchKind batch_of_random(const Node& node, std::span<const BatchKind>) {
  const Shape& shape = node.outputs[0].shape;
  if (shape.known()) return BatchKind::fixed;
  const bool only_rows = !shape[0].known() && Shape(shape.begin() + 1, shape.end()).known();
  return only_rows ? BatchKind::rows : BatchKind::blocked;
}

int64_t first_element(const ReferenceContext& c) {
  const Sizes& sizes = c.dst[0].sizes();
  if (sizes.empty()) return 0;
  return c.first_row * andiron::count_of(Sizes(sizes.begin() + 1, sizes.end()));
}

}  // namespace andiron::ops
