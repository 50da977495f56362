#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kReshape = {
    .name = "reshape",
    .summary = "The same elements in row-major order under another shape.",
    .formula = "dst[i] = x[i], i counting elements in row-major order",
    .inputs = {{"x", "any shape, any dtype"}},
    .attributes = {{"shape", {}, "new sizes with the same product", Shape()}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      const auto& shape = c.attr<Shape>("shape");
      if (shape.count() != c.shape(0).count())
        fail("[reshape] {} has {} elements and cannot become {}", c.shape(0).str(),
             c.shape(0).count().str(), shape.str());
      return {{c.in(0).dtype, shape}};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {reshape(c.grad(), c.in(0).shape())};
    },
    .reference =
        [](const ReferenceContext& c) { c.dst[0].copy_from(c.src[0].reshape(c.dst[0].sizes())); },
    // Rows stay together when axis 0 before and after are multiples of the batch; the tiling pass
    // checks that the result's axis 0 is.
    .batch = [](const Node&, std::span<const BatchKind> in) { return in[0]; },
    .traits = {.view = true},
    .cases = {{{"f32[2,6]"}, {{"shape", Shape{3, 4}}}},
              {{"f32[0,6]"}, {{"shape", Shape{2, 0}}}},
              {{"i64[4]"}, {{"shape", Shape{2, 2}}}}},
};

Value reshape(const Value& x, Shape shape) {
  Dim known = 1;
  int64_t hole = -1;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == Dim(-1)) {
      if (hole >= 0) fail("[reshape] only one size may be -1; got {}", shape.str());
      hole = static_cast<int64_t>(i);
    } else {
      if (shape[i].known() && shape[i].size() < 0)
        fail("[reshape] sizes must not be negative; got {}", shape.str());
      known = known * shape[i];
    }
  }
  if (hole >= 0) {
    if (known == Dim(0)) fail("[reshape] -1 is ambiguous in {} for an empty value", shape.str());
    try {
      shape[static_cast<size_t>(hole)] = x.shape().count() / known;
    } catch (const Error&) {
      fail("[reshape] {} has {} elements and cannot become {}", x.shape().str(),
           x.shape().count().str(), shape.str());
    }
  }
  if (shape == x.shape()) return x;
  return make_value(kReshape, {x}, {{"shape", std::move(shape)}});
}

Value flatten(const Value& x) {
  if (x.rank() == 0) fail("[flatten] takes rank >= 1; got a scalar");
  const Dim rows = x.shape()[0];
  Dim width = 1;
  for (size_t i = 1; i < x.shape().size(); ++i) width = width * x.shape()[i];
  return reshape(x, {rows, width});
}

Value expand_dims(const Value& x, int64_t axis) {
  axis = normalize_axis("expand_dims", axis, x.rank() + 1);
  Shape shape = x.shape();
  shape.insert(shape.begin() + axis, 1);
  return reshape(x, shape);
}

Value squeeze(const Value& x, int64_t axis) {
  axis = normalize_axis("squeeze", axis, x.rank());
  Shape shape = x.shape();
  if (shape[static_cast<size_t>(axis)] != Dim(1))
    fail("[squeeze] axis {} of {} is not of size 1", axis, shape.str());
  shape.erase(shape.begin() + axis);
  return reshape(x, shape);
}

}  // namespace andiron::ops
