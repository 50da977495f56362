#include <algorithm>

#include "andiron/ops/elementary.hpp"
#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

namespace {

void check_indices(const InferContext& c, size_t which) {
  if (c.in(which).dtype != DType::i32 && c.in(which).dtype != DType::i64)
    fail("[{}] indices must be int32 or int64; got {}", c.op, str(c.in(which)));
}

// Sizes other than the axis's must not exceed x's, so that every position exists.
void check_within(const InferContext& c, const Shape& x, const Shape& indices, int64_t axis) {
  bool fits = x.rank() == indices.rank();
  for (int64_t i = 0; fits && i < x.rank(); ++i) {
    const Dim &a = x[static_cast<size_t>(i)], &b = indices[static_cast<size_t>(i)];
    if (i != axis) fits = a == b || (a.known() && b.known() && b.size() <= a.size());
  }
  if (!fits)
    fail("[{}] indices {} must have the rank of {} and lie within it except along axis {}", c.op,
         indices.str(), x.str(), axis);
}

// Calls f(offset in x, offset in indices) for every index, in order.
template <class F>
void for_each_index(const char* op, const Sizes& x, int64_t axis_attribute, const Tensor& indices,
                    F f) {
  const auto rank = static_cast<int64_t>(x.size());
  const auto axis = static_cast<size_t>(normalize_axis(op, axis_attribute, rank));
  const Sizes strides = dense_strides(x);
  Sizes at(x.size(), 0);
  visit_dtype(indices.dtype(), [&]<class I>() {
    for (int64_t i = 0; i < indices.count(); ++i) {
      const auto index = static_cast<int64_t>(indices.data<I>()[i]);
      if (index < 0 || index >= x[axis])
        fail("[{}] index {} is out of range for axis {} of size {}", op, index, axis, x[axis]);
      int64_t offset = index * strides[axis];
      for (size_t a = 0; a < x.size(); ++a)
        if (a != axis) offset += at[a] * strides[a];
      f(offset, i);
      for (size_t a = x.size(); a-- > 0;) {
        if (++at[a] < indices.sizes()[a]) break;
        at[a] = 0;
      }
    }
  });
}

BatchKind batch(const Node& node, std::span<const BatchKind> in) {
  const int64_t axis =
      normalize_axis(node.op->name, node.attr<int64_t>("axis"), node.inputs[0].rank());
  const bool rows =
      std::all_of(in.begin(), in.end(), [](BatchKind kind) { return kind == BatchKind::rows; });
  return rows && axis != 0 ? BatchKind::rows : BatchKind::blocked;
}

template <class T>
T combine(const std::string& reduction, T old, T update) {
  if (reduction == "add") return static_cast<T>(old + update);
  if (reduction == "multiply") return static_cast<T>(old * update);
  if (reduction == "maximum") return old > update || old != old ? old : update;
  if (reduction == "minimum") return old < update || old != old ? old : update;
  return update;
}

}  // namespace

extern const Op kGatherElements = {
    .name = "gather_elements",
    .summary = "Takes one element for each index, along an axis.",
    .formula = "dst[i, j, k] = x[i, indices[i, j, k], k] for axis 1",
    .inputs = {{"x", "any shape of rank >= 1, any dtype"},
               {"indices", "int32 or int64, of x's rank, each in [0, x.shape[axis])"}},
    .attributes = {{"axis", int64_t{0}, "the axis along which elements are taken"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      const int64_t axis = normalize_axis(c.op, c.attr<int64_t>("axis"), c.shape(0).rank());
      check_indices(c, 1);
      check_within(c, c.shape(0), c.shape(1), axis);
      return {{c.in(0).dtype, c.shape(1)}};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      if (!is_floating(c.in(0).dtype())) return {Value(), Value()};
      const Value zeros = broadcast_to(constant(0.0, c.in(0).dtype()), c.in(0).shape());
      return {scatter_elements(zeros, c.in(1), c.grad(), c.attr<int64_t>("axis"), "add"), Value()};
    },
    .reference =
        [](const ReferenceContext& c) {
          visit_dtype(c.dst[0].dtype(), [&]<class T>() {
            for_each_index(
                "gather_elements", c.src[0].sizes(), c.attr<int64_t>("axis"), c.src[1],
                [&](int64_t x, int64_t i) { c.dst[0].data<T>()[i] = c.src[0].data<T>()[x]; });
          });
        },
    .batch = batch,
    .cases = {{{"f32[5,3]", "i32[4,3]@0:4"}},
              {{"f32[2,5,3]", "i64[2,4,3]@0:4"}, {{"axis", int64_t{1}}}},
              {{"f32[2,5]", "i32[2,7]@0:4"}, {{"axis", int64_t{-1}}}},
              {{"f32[5,3]", "i32[0,3]"}},
              {{"i64[5]", "i32[9]@0:4"}},
              {{"bf16[5,2]", "i32[3,2]@0:4"}}},
};

extern const Op kScatterElements = {
    .name = "scatter_elements",
    .summary = "Puts one element for each index into a copy, along an axis.",
    .formula =
        "dst = x, then dst[i, indices[i, j, k], k] = updates[i, j, k] for axis 1, in row-major "
        "order; or added to it, multiplied, ...",
    .inputs = {{"x", "any shape of rank >= 1, any dtype"},
               {"indices", "int32 or int64, of x's rank, each in [0, x.shape[axis])"},
               {"updates", "of the indices' shape and x's dtype"}},
    .attributes = {{"axis", int64_t{0}, "the axis along which elements are put"},
                   {"reduction", std::string("none"),
                    "with what is there: none, add, multiply, maximum or minimum"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      const int64_t axis = normalize_axis(c.op, c.attr<int64_t>("axis"), c.shape(0).rank());
      check_indices(c, 1);
      check_within(c, c.shape(0), c.shape(1), axis);
      if (c.in(2) != TensorType{c.in(0).dtype, c.shape(1)})
        fail("[scatter_elements] updates must be {}; got {}",
             str(TensorType{c.in(0).dtype, c.shape(1)}), str(c.in(2)));
      const auto& reduction = c.attr<std::string>("reduction");
      bool known = reduction == "none";
      for (const char* name : {"add", "multiply", "maximum", "minimum"})
        known = known || (reduction == name && c.in(0).dtype != DType::boolean);
      if (!known)
        fail("[scatter_elements] there is no reduction '{}' of {}", reduction, str(c.in(0)));
      return {c.in(0)};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const auto& reduction = c.attr<std::string>("reduction");
      const auto axis = c.attr<int64_t>("axis");
      const Value &g = c.grad(), &indices = c.in(1);
      if (!is_floating(g.dtype())) return {Value(), Value(), Value()};
      const Value at = gather_elements(g, indices, axis);
      if (reduction == "add") return {g, Value(), at};
      if (reduction != "none")
        fail("[scatter_elements] has a gradient with reductions none and add; this one is {}",
             reduction);
      const Value zeros = broadcast_to(constant(0.0, g.dtype()), c.in(2).shape());
      return {scatter_elements(g, indices, zeros, axis), Value(), at};
    },
    .reference =
        [](const ReferenceContext& c) {
          const auto& reduction = c.attr<std::string>("reduction");
          c.dst[0].copy_from(c.src[0]);
          visit_dtype(c.dst[0].dtype(), [&]<class T>() {
            for_each_index("scatter_elements", c.dst[0].sizes(), c.attr<int64_t>("axis"), c.src[1],
                           [&](int64_t x, int64_t i) {
                             T& old = c.dst[0].data<T>()[x];
                             using C = Compute<T>;
                             old =
                                 static_cast<T>(combine<C>(reduction, static_cast<C>(old),
                                                           static_cast<C>(c.src[2].data<T>()[i])));
                           });
          });
        },
    .batch = batch,
    .cases = {{{"f32[5,3]", "i32[4,3]@0:4", "f32[4,3]"}, {{"reduction", std::string("add")}}},
              {{"f32[2,5]", "i64[2,3]@0:4", "f32[2,3]"},
               {{"axis", int64_t{1}}, {"reduction", std::string("multiply")}},
               false},
              {{"f32[9]", "i32[1]@0:8", "f32[1]"}},
              {{"f32[5,3]", "i32[0,3]", "f32[0,3]"}},
              {{"i64[5]", "i32[9]@0:4", "i64[9]"}, {{"reduction", std::string("maximum")}}},
              {{"i32[5]", "i32[9]@0:4", "i32[9]"}, {{"reduction", std::string("minimum")}}},
              {{"bf16[5,2]", "i32[1,2]@0:4", "bf16[1,2]"}}},
};

Value gather_elements(const Value& x, const Value& indices, int64_t axis) {
  return make_value(kGatherElements, {x, indices}, {{"axis", axis}});
}

Value scatter_elements(const Value& x, const Value& indices, const Value& updates, int64_t axis,
                       std::string_view reduction) {
  return make_value(kScatterElements, {x, indices, updates},
                    {{"axis", axis}, {"reduction", std::string(reduction)}});
}

}  // namespace andiron::ops
