#include "andiron/ops/shape/pad.hpp"

#include "andiron/ops/elementwise.hpp"
#include "andiron/ops/shape/block.hpp"

namespace andiron::ops {

extern const Op kPad = {
    .name = "pad",
    .summary = "Adds a border of one value.",
    .formula = "dst.shape[i] = low[i] + x.shape[i] + high[i]",
    .inputs = {{"x", "any shape, any dtype"}},
    .attributes = {{"low", {}, "elements before each axis", Shape()},
                   {"high", {}, "elements after each axis", Shape()},
                   {"value", 0.0, "what the border holds"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      const Shape &low = c.attr<Shape>("low"), &high = c.attr<Shape>("high");
      Shape shape = c.shape(0);
      if (low.rank() != shape.rank() || high.rank() != shape.rank())
        fail("[pad] low and high need one entry for each axis of {}; got {} and {}", shape.str(),
             low.str(), high.str());
      for (size_t i = 0; i < shape.size(); ++i) {
        if ((low[i].known() && low[i].size() < 0) || (high[i].known() && high[i].size() < 0))
          fail("[pad] low and high must not be negative; got {} and {}", low.str(), high.str());
        shape[i] = low[i] + shape[i] + high[i];
      }
      return {{c.in(0).dtype, shape}};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {slice_block(c.grad(), c.attr<Shape>("low"), c.in(0).shape())};
    },
    .reference =
        [](const ReferenceContext& c) {
          Tensor& dst = c.dst[0];
          dst.copy_from(Tensor::full(dst.dtype(), dst.sizes(), c.attr<double>("value")));
          block_of(dst, c.attr<Shape>("low").sizes(), c.src[0].sizes()).copy_from(c.src[0]);
        },
    .batch =
        [](const Node& node, std::span<const BatchKind> in) {
          const bool whole =
              node.inputs[0].rank() > 0 && node.outputs[0].shape[0] == node.inputs[0].shape()[0];
          return whole ? in[0] : BatchKind::blocked;
        },
    .cases = {{{"f32[2,3]"}, {{"low", Shape{1, 0}}, {"high", Shape{2, 1}}}},
              {{"f32[2]"}, {{"low", Shape{3}}, {"high", Shape{0}}, {"value", -1.5}}},
              {{"f32[0]"}, {{"low", Shape{1}}, {"high", Shape{1}}}},
              {{"f32[]"}, {{"low", Shape{}}, {"high", Shape{}}}},
              {{"i32[2]"}, {{"low", Shape{1}}, {"high", Shape{1}}, {"value", 7.0}}},
              {{"bf16[2]"}, {{"low", Shape{1}}, {"high", Shape{1}}}}},
};

Value pad_block(const Value& x, const Shape& low, const Shape& high) {
  return make_value(kPad, {x}, {{"low", low}, {"high", high}});
}

Value pad(const Value& x, std::vector<int64_t> low, std::vector<int64_t> high, double value) {
  return make_value(kPad, {x}, {{"low", Shape(low)}, {"high", Shape(high)}, {"value", value}});
}

}  // namespace andiron::ops
