#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kOneHot = {
    .name = "one_hot",
    .summary = "Turns each integer into a vector with a single 1.",
    .formula = "dst[..., j] = 1 if indices[...] = j else 0; all 0 where the index is out of range",
    .inputs = {{"indices", "int32 or int64, any shape"}},
    .attributes = {{"depth", {}, "the length of each vector", int64_t{}},
                   {"dtype", DType::f32, "dtype of the result"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      if (c.in(0).dtype != DType::i32 && c.in(0).dtype != DType::i64)
        fail("[one_hot] indices must be int32 or int64; got {}", str(c.in(0)));
      if (c.attr<int64_t>("depth") < 1)
        fail("[one_hot] depth must be positive; got {}", c.attr<int64_t>("depth"));
      Shape shape = c.shape(0);
      shape.push_back(c.attr<int64_t>("depth"));
      return {{c.attr<DType>("dtype"), shape}};
    },
    .why_not_differentiable = "its input is an integer",
    .reference =
        [](const ReferenceContext& c) {
          const int64_t depth = c.attr<int64_t>("depth");
          visit_dtype(c.src[0].dtype(), [&]<class I>() {
            visit_dtype(c.dst[0].dtype(), [&]<class T>() {
              for (int64_t i = 0; i < c.src[0].count(); ++i)
                for (int64_t j = 0; j < depth; ++j)
                  c.dst[0].data<T>()[i * depth + j] = static_cast<T>(
                      static_cast<int64_t>(c.src[0].data<I>()[i]) == j ? 1.0F : 0.0F);
            });
          });
        },
    .batch =
        [](const Node& node, std::span<const BatchKind> in) {
          return node.inputs[0].rank() > 0 ? in[0] : BatchKind::blocked;
        },
    .cases = {{{"i32[5]@0:3"}, {{"depth", int64_t{4}}}},
              {{"i64[2,3]@-1:4"}, {{"depth", int64_t{3}}}},
              {{"i32[]@0:2"}, {{"depth", int64_t{3}}, {"dtype", DType::boolean}}},
              {{"i32[0]"}, {{"depth", int64_t{3}}, {"dtype", DType::i64}}}},
};

Value one_hot(const Value& indices, int64_t depth, DType dtype) {
  return make_value(kOneHot, {indices}, {{"depth", depth}, {"dtype", dtype}});
}

}  // namespace andiron::ops
