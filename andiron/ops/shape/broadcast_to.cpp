#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kBroadcastTo = {
    .name = "broadcast_to",
    .summary = "Repeats a value along axes of size 1 and new leading axes.",
    .formula = "dst[i, j, ...] = x[..., j, ...], index 0 where an axis of x has size 1",
    .inputs = {{"x", "any shape that broadcasts to `shape`"}},
    .attributes = {{"shape", {}, "the sizes of the result", Shape()}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      const auto& shape = c.attr<Shape>("shape");
      if (broadcast(c.op, c.shape(0), shape) != shape)
        fail("[broadcast_to] {} does not broadcast to {}", c.shape(0).str(), shape.str());
      return {{c.in(0).dtype, shape}};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {sum_to(c.grad(), c.in(0).shape())};
    },
    .reference =
        [](const ReferenceContext& c) {
          BroadcastWalk walk(c.src[0], c.dst[0].sizes());
          visit_dtype(c.dst[0].dtype(), [&]<class T>() {
            for (int64_t i = 0; i < c.dst[0].count(); ++i, walk.next())
              c.dst[0].data<T>()[i] = c.src[0].data<T>()[walk.offset()];
          });
        },
    .traits = {.elementwise = true},
    .cases = {{{"f32[3,1]"}, {{"shape", Shape{2, 3, 4}}}},
              {{"f32[]"}, {{"shape", Shape{5}}}},
              {{"i32[1]"}, {{"shape", Shape{0}}}}},
};

Value broadcast_to(const Value& x, Shape shape) {
  if (shape == x.shape()) return x;
  return make_value(kBroadcastTo, {x}, {{"shape", std::move(shape)}});
}

Value sum_to(const Value& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  const int64_t lead = x.rank() - shape.rank();
  std::vector<int64_t> axes;
  for (int64_t i = 0; i < x.rank(); ++i) {
    const bool repeated = i < lead || (shape[static_cast<size_t>(i - lead)] == Dim(1) &&
                                       x.shape()[static_cast<size_t>(i)] != Dim(1));
    if (repeated) axes.push_back(i);
  }
  return reshape(sum(x, axes), shape);
}

}  // namespace andiron::ops
