#include "andiron/ops/elementwise.hpp"
#include "andiron/ops/shape/block.hpp"
#include "andiron/ops/shape/pad.hpp"

namespace andiron::ops {

namespace {

// The sizes of the result: -1 reaches to the end.
Shape sliced(const Shape& x, const Shape& begin, const Shape& size) {
  if (begin.rank() != x.rank() || size.rank() != x.rank())
    fail("[slice] begin and size need one entry for each axis of {}; got {} and {}", x.str(),
         begin.str(), size.str());
  Shape shape = size;
  for (size_t i = 0; i < x.size(); ++i) {
    if (size[i] == Dim(-1)) shape[i] = x[i] + Dim(-1) * begin[i];
    const Dim end = begin[i] + shape[i];
    const bool negative =
        (begin[i].known() && begin[i].size() < 0) || (shape[i].known() && shape[i].size() < 0);
    if (negative || (end.known() && x[i].known() && end.size() > x[i].size()))
      fail("[slice] begin={} size={} does not lie within {}: axis {}", begin.str(), size.str(),
           x.str(), i);
  }
  return shape;
}

}  // namespace

extern const Op kSlice = {
    .name = "slice",
    .summary = "A block of a value.",
    .formula = "dst[i, j, ...] = x[begin[0] + i, begin[1] + j, ...]",
    .inputs = {{"x", "any shape, any dtype"}},
    .attributes = {{"begin", {}, "where the block starts, one entry for each axis", Shape()},
                   {"size", {}, "the sizes of the block; -1 reaches to the end", Shape()}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      return {{c.in(0).dtype, sliced(c.shape(0), c.attr<Shape>("begin"), c.attr<Shape>("size"))}};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Shape &begin = c.attr<Shape>("begin"), &size = c.attr<Shape>("size");
      Shape high;
      for (size_t i = 0; i < begin.size(); ++i)
        high.push_back(size[i] == Dim(-1) ? Dim(0)
                                          : c.in(0).shape()[i] + Dim(-1) * (begin[i] + size[i]));
      return {pad_block(c.grad(), begin, high)};
    },
    .reference =
        [](const ReferenceContext& c) {
          c.dst[0].copy_from(block_of(c.src[0], c.attr<Shape>("begin").sizes(), c.dst[0].sizes()));
        },
    .batch =
        [](const Node& node, std::span<const BatchKind> in) {
          const bool whole =
              node.inputs[0].rank() > 0 && node.outputs[0].shape[0] == node.inputs[0].shape()[0];
          return whole ? in[0] : BatchKind::blocked;
        },
    .cases = {{{"f32[4,5]"}, {{"begin", Shape{1, 2}}, {"size", Shape{2, -1}}}},
              {{"f32[2,3,4]"}, {{"begin", Shape{0, 1, 0}}, {"size", Shape{2, 1, 4}}}},
              {{"f32[4]"}, {{"begin", Shape{4}}, {"size", Shape{-1}}}},
              {{"f32[]"}, {{"begin", Shape{}}, {"size", Shape{}}}},
              {{"i64[5]"}, {{"begin", Shape{1}}, {"size", Shape{3}}}},
              {{"bf16[5]"}, {{"begin", Shape{1}}, {"size", Shape{3}}}}},
};

Value slice_block(const Value& x, const Shape& begin, const Shape& size) {
  return make_value(kSlice, {x}, {{"begin", begin}, {"size", size}});
}

Value slice(const Value& x, std::vector<int64_t> begin, std::vector<int64_t> size) {
  return slice_block(x, Shape(begin), Shape(size));
}

}  // namespace andiron::ops
