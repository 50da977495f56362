#include "andiron/base/error.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/ops/arrays.hpp"
#include "andiron/ops/elementary.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::ops {

extern const Op kGatherGrad;

namespace {

// Indices [..., k] into the first k axes of a shape, which is a matrix [rows, rest] meanwhile.
struct Places {
  Value rows;  ///< [n]: the row of each index, -1 where one is out of range, which the ops refuse
  Dim n;
  int64_t n_rows = 1;
  Dim rest = 1;
  Shape values;  ///< the shape that values have: [..., rest of the shape]
};

Places places(const char* op, const Value& indices, const Shape& shape) {
  if (!is_integer(indices.dtype()) || indices.dtype() == DType::u8 || indices.dtype() == DType::i8)
    fail("[{}] indices must be int32 or int64; got {}", op, str(indices.type()));
  if (indices.rank() < 1 || !indices.shape().back().known())
    fail("[{}] indices must be [..., k]; got {}", op, str(indices.type()));
  const int64_t k = indices.shape().back().size();
  if (k < 1 || k > shape.rank())
    fail("[{}] indices {} point into {} axes; the shape is {}", op, indices.shape().str(), k,
         shape.str());
  Places p;
  p.values.assign(indices.shape().begin(), indices.shape().end() - 1);
  p.n = p.values.count();
  Sizes sizes;
  for (int64_t i = 0; i < shape.rank(); ++i) {
    const Dim& d = shape[static_cast<size_t>(i)];
    if (i >= k) {
      p.rest = p.rest * d;
      p.values.push_back(d);
      continue;
    }
    if (!d.known()) fail("[{}] the size of axis {} must be known; got {}", op, i, shape.str());
    sizes.push_back(d.size());
    p.n_rows *= d.size();
  }
  Tensor limits(DType::i64, {k}), strides(DType::i64, {k});
  int64_t stride = 1;
  for (int64_t i = k; i-- > 0;) {
    limits.data<int64_t>()[i] = sizes[static_cast<size_t>(i)];
    strides.data<int64_t>()[i] = stride;
    stride *= sizes[static_cast<size_t>(i)];
  }
  const Value wide = reshape(cast(indices, DType::i64), {p.n, k});
  const Value zero = constant(0.0, DType::i64);
  const Value outside = logical_or(less(wide, zero), greater_equal(wide, constant(limits)));
  const Value row = sum(wide * constant(strides), {1});
  p.rows = where(any(outside, {1}), constant(-1.0, DType::i64), row);
  return p;
}

void check_values(const char* op, const Value& values, const Places& p) {
  if (values.shape() != p.values)
    fail("[{}] values must be {}; got {}", op, p.values.str(), values.shape().str());
}

Value put(const char* op, const Value& x, const Value& indices, const Value& updates,
          const char* reduction) {
  const Places p = places(op, indices, x.shape());
  check_values(op, updates, p);
  if (updates.dtype() != x.dtype())
    fail("[{}] updates must be of the dtype of {}; got {}", op, str(x.type()), str(updates.type()));
  const Value at = broadcast_to(reshape(p.rows, {p.n, 1}), {p.n, p.rest});
  const Value y = scatter_elements(reshape(x, {p.n_rows, p.rest}), at,
                                   reshape(updates, {p.n, p.rest}), 0, reduction);
  return reshape(y, x.shape());
}

}  // namespace

Value scatter(const Value& indices, const Value& values, const Shape& shape) {
  if (!is_floating(values.dtype())) {
    const Value zeros = broadcast_to(constant(0.0, values.dtype()), shape);
    return put("scatter", zeros, indices, values, "add");
  }
  const Places p = places("scatter", indices, shape);
  check_values("scatter", values, p);
  const Value sums = make_value(kGatherGrad, {reshape(values, {p.n, p.rest}), p.rows},
                                {{"shape", Shape{p.n_rows, p.rest}}});
  return reshape(sums, shape);
}

Value scatter_update(const Value& x, const Value& indices, const Value& updates) {
  return put("scatter_update", x, indices, updates, "none");
}

Value scatter_add(const Value& x, const Value& indices, const Value& updates) {
  return put("scatter_add", x, indices, updates, "add");
}

}  // namespace andiron::ops
