#include "andiron/ops/category/category.hpp"
#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kBucketize = {
    .name = "bucketize",
    .summary = "The interval that each number lies in, between ascending boundaries.",
    .formula = "dst = the number of boundaries <= x; all of them for NaN (numpy.digitize)",
    .inputs = {{"x", "float32 or float64, any shape"}, {"boundaries", "[k], ascending, of x's dtype"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      if (!is_floating(c.in(0).dtype) || c.in(1).dtype != c.in(0).dtype)
        fail("[bucketize] x and boundaries must be floating point of one dtype; got {} and {}",
             str(c.in(0)), str(c.in(1)));
      if (c.shape(1).rank() != 1)
        fail("[bucketize] boundaries must be [k]; got {}", str(c.in(1)));
      return {{DType::i32, c.shape(0)}};
    },
    .why_not_differentiable = "its result is an integer",
    .reference =
        [](const ReferenceContext& c) {
          visit_dtype(c.src[0].dtype(), [&]<class T>() {
            if constexpr (!std::is_same_v<T, bool>)
              for (int64_t i = 0; i < c.dst[0].count(); ++i)
                c.dst[0].data<int32_t>()[i] =
                    bucket_of(c.src[0].data<T>()[i], c.src[1].data<T>(), c.src[1].count());
          });
        },
    .batch =
        [](const Node&, std::span<const BatchKind> in) {
          return in[1] == BatchKind::fixed ? in[0] : BatchKind::blocked;
        },
    .cases = {{{"f32[40]", "f32[1]"}}, {{"f32[3,4]", "f32[0]"}}, {{"f32[0]", "f32[1]"}}},
};

Value bucketize(const Value& x, const Value& boundaries) {
  return make_value(kBucketize, {x, boundaries}, {});
}

}  // namespace andiron::ops
