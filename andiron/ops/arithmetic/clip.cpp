#include <cmath>
#include <limits>

#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

namespace {

/// `bound` as a T: integers take the nearest value that they can hold.
template <class T>
T bound_as(double bound) {
  if constexpr (std::is_integral_v<T>) {
    if (bound <= static_cast<double>(std::numeric_limits<T>::min()))
      return std::numeric_limits<T>::min();
    if (bound >= static_cast<double>(std::numeric_limits<T>::max()))
      return std::numeric_limits<T>::max();
  }
  return static_cast<T>(bound);
}

}  // namespace

extern const Op kClip = {
    .name = "clip",
    .summary = "Limits values to a range.",
    .formula = "dst = min(max(x, low), high); NaN stays NaN; the derivative is 0 on the bounds",
    .inputs = {{"x", "any shape"}},
    .attributes = {{"low", {}, "the least value; -inf for none", 0.0},
                   {"high", {}, "the greatest value; inf for none", 0.0}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      const double low = c.attr<double>("low"), high = c.attr<double>("high");
      if (!(low <= high)) fail("[clip] low must not exceed high; got {} and {}", low, high);
      return infer_numeric(c);
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Value &x = c.in(0), &g = c.grad();
      const Value inside = logical_and(greater(x, constant(c.attr<double>("low"), x.dtype())),
                                       less(x, constant(c.attr<double>("high"), x.dtype())));
      return {where(inside, g, constant(0.0, g.dtype()))};
    },
    .reference =
        [](const ReferenceContext& c) {
          const double low = c.attr<double>("low"), high = c.attr<double>("high");
          map_unary(c, [=]<class T>(T x) {
            const T l = bound_as<T>(low), h = bound_as<T>(high);
            return x < l ? l : (x > h ? h : x);
          });
        },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[2,3]"}, {{"low", -0.5}, {"high", 1.0}}},
              {{"f32[9]"}, {{"low", 0.0}, {"high", INFINITY}}},
              {{"f32[0]"}, {{"low", 0.0}, {"high", 1.0}}},
              {{"i32[9]@-9:9"}, {{"low", -INFINITY}, {"high", 3.0}}},
              {{"bf16[7]"}, {{"low", -0.5}, {"high", 1.0}}}},
};

Value clip(const Value& x, double low, double high) {
  return make_value(kClip, {x}, {{"low", low}, {"high", high}});
}

}  // namespace andiron::ops
