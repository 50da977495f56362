#include <limits>

#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

namespace {

template <class D, class S>
D convert(S x) {
  if constexpr (std::is_same_v<D, bool>) {
    return x != S(0);
  } else if constexpr (std::is_integral_v<D> && !std::is_integral_v<S>) {
    // Undefined in C++ outside of D's range, so each such value has its place.
    const auto v = static_cast<double>(x);
    if (v != v) return D(0);
    if (v <= static_cast<double>(std::numeric_limits<D>::min()))
      return std::numeric_limits<D>::min();
    if (v >= static_cast<double>(std::numeric_limits<D>::max()))
      return std::numeric_limits<D>::max();
    return static_cast<D>(v);
  } else {
    return static_cast<D>(static_cast<Compute<D>>(x));
  }
}

}  // namespace

extern const Op kCast = {
    .name = "cast",
    .summary = "Converts to another dtype.",
    .formula =
        "dst = x rounded to the dtype; to integers towards zero, NaN becomes 0 and what is "
        "out of range the nearest bound; to bool x != 0",
    .inputs = {{"x", "any shape, any dtype"}},
    .attributes = {{"dtype", {}, "dtype of the result", DType::f32}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      return {{c.attr<DType>("dtype"), c.shape(0)}};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      if (!is_floating(c.in(0).dtype()) || !is_floating(c.grad().dtype())) return {Value()};
      return {cast(c.grad(), c.in(0).dtype())};
    },
    .reference =
        [](const ReferenceContext& c) {
          visit_dtype(c.src[0].dtype(), [&]<class S>() {
            visit_dtype(c.dst[0].dtype(), [&]<class D>() {
              for (int64_t i = 0; i < c.dst[0].count(); ++i)
                c.dst[0].data<D>()[i] = convert<D>(c.src[0].data<S>()[i]);
            });
          });
        },
    .traits = {.elementwise = true},
    .cases = {{{"f32[2,3]"}, {{"dtype", DType::bf16}}, false},
              {{"f32[2,3]"}, {{"dtype", DType::f64}}},
              {{"f32[9]@-9:9"}, {{"dtype", DType::i32}}},
              {{"f32[9]@-400:400"}, {{"dtype", DType::u8}}},
              {{"i32[9]@-2:2"}, {{"dtype", DType::boolean}}},
              {{"bool[9]"}, {{"dtype", DType::f32}}},
              {{"i64[9]@-9:9"}, {{"dtype", DType::f32}}},
              {{"i64[9]@-9:9"}, {{"dtype", DType::i32}}},
              {{"bf16[9]"}, {{"dtype", DType::f32}}, false},
              {{"f32[0]"}, {{"dtype", DType::i64}}}},
};

Value cast(const Value& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  return make_value(kCast, {x}, {{"dtype", dtype}});
}

}  // namespace andiron::ops
