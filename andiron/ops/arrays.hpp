#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "andiron/graph/value.hpp"

/// Composites over arrays under NumPy's names (see ops.hpp): they are made of other ops.
namespace andiron::ops {

// elementwise
Value isnan(const Value& x);
Value isinf(const Value& x);
Value isfinite(const Value& x);
Value logical_xor(const Value& a, const Value& b);
/// NaN and the infinities replaced by numbers.
Value nan_to_num(const Value& x, double nan, double positive, double negative);
Value floor_divide(const Value& a, const Value& b);  ///< floor(a / b)
Value mod(const Value& a, const Value& b);           ///< a - floor(a / b) b, with the sign of b
Value hypot(const Value& a, const Value& b);         ///< sqrt(a^2 + b^2) without overflow

// reductions; empty axes means all
Value variance(const Value& x, std::vector<int64_t> axes = {}, bool keepdims = false,
               double correction = 0.0);  ///< sum of squares / (n - correction)
Value standard_deviation(const Value& x, std::vector<int64_t> axes = {}, bool keepdims = false,
                         double correction = 0.0);
Value any(const Value& x, std::vector<int64_t> axes = {}, bool keepdims = false);
Value all(const Value& x, std::vector<int64_t> axes = {}, bool keepdims = false);
Value count_nonzero(const Value& x, std::vector<int64_t> axes = {}, bool keepdims = false);
Value argmin(const Value& x, int64_t axis = -1);  ///< int32; the first of equals
Value argsort(const Value& x, int64_t axis = -1, bool descending = false);  ///< int32
/// For each q in [0, 1], along a new axis 0: linear between the two nearest elements in order.
Value quantile(const Value& x, const std::vector<double>& q, int64_t axis = -1,
               bool keepdims = false);
Value median(const Value& x, int64_t axis = -1, bool keepdims = false);

// shapes
Value tile(const Value& x, std::vector<int64_t> repeats);
Value repeat(const Value& x, int64_t repeats, int64_t axis);  ///< each element so many times
Value roll(const Value& x, std::vector<int64_t> shift, std::vector<int64_t> axes);
Value flip(const Value& x, std::vector<int64_t> axes = {});
Value stack(const std::vector<Value>& values, int64_t axis = 0);
std::vector<Value> unstack(const Value& x, int64_t axis = 0);
Value swapaxes(const Value& x, int64_t a, int64_t b);
Value moveaxis(const Value& x, std::vector<int64_t> source, std::vector<int64_t> destination);
/// The lower (upper) triangle of the last two axes, with `diagonal` diagonals more.
Value tril(const Value& x, int64_t diagonal = 0);
Value triu(const Value& x, int64_t diagonal = 0);

// by index: indices [..., k] point into the first k axes; values [..., rest of the shape]
/// Zeros with the values added at the indices.
Value scatter(const Value& indices, const Value& values, const Shape& shape);
/// A copy of x with the updates put there; of equal indices the last counts.
Value scatter_update(const Value& x, const Value& indices, const Value& updates);
/// A copy of x with the updates added there.
Value scatter_add(const Value& x, const Value& indices, const Value& updates);

/// NumPy's einsum, lowered to products of matrices: "bij,bjk->bik", with "..." for any axes. A
/// label must not occur twice in one operand.
Value einsum(std::string_view equation, const std::vector<Value>& operands);

}  // namespace andiron::ops
