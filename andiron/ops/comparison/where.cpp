#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kWhere = {
    .name = "where",
    .summary = "Chooses elementwise between two values, with broadcasting.",
    .formula = "dst = a where condition holds, else b",
    .inputs = {{"condition", "bool"}, {"a", "any dtype"}, {"b", "of the same dtype as a"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      if (c.in(0).dtype != DType::boolean)
        fail("[where] the condition must be bool; got {}", str(c.in(0)));
      if (c.in(1).dtype != c.in(2).dtype)
        fail("[where] a and b must have one dtype; got {} and {}", str(c.in(1)), str(c.in(2)));
      const Shape shape = broadcast("where", c.shape(1), c.shape(2));
      return {{c.in(1).dtype, broadcast("where", c.shape(0), shape)}};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Value zero = constant(0.0, c.grad().dtype());
      return {Value(), sum_to(where(c.in(0), c.grad(), zero), c.in(1).shape()),
              sum_to(where(c.in(0), zero, c.grad()), c.in(2).shape())};
    },
    .reference =
        [](const ReferenceContext& c) {
          const Sizes& sizes = c.dst[0].sizes();
          BroadcastWalk condition(c.src[0], sizes), a(c.src[1], sizes), b(c.src[2], sizes);
          visit_dtype(c.dst[0].dtype(), [&]<class T>() {
            for (int64_t i = 0; i < c.dst[0].count(); ++i, condition.next(), a.next(), b.next())
              c.dst[0].data<T>()[i] = c.src[0].data<bool>()[condition.offset()]
                                          ? c.src[1].data<T>()[a.offset()]
                                          : c.src[2].data<T>()[b.offset()];
          });
        },
    .traits = {.elementwise = true, .inplace = {1}},
    .cases = {{{"bool[2,3]", "f32[2,3]", "f32[2,3]"}},
              {{"bool[3]", "f32[2,1]", "f32[]"}},
              {{"bool[0]", "f32[0]", "f32[]"}},
              {{"bool[5]", "i64[5]", "i64[5]"}},
              {{"bool[5]", "bf16[5]", "bf16[5]"}}},
};

Value where(const Value& condition, const Value& a, const Value& b) {
  return make_value(kWhere, {condition, a, b});
}

}  // namespace andiron::ops
