#pragma once

#include <string_view>
#include <vector>

#include "andiron/graph/value.hpp"

/// Further functions that build graphs, as those of ops.hpp: rounding, trigonometric, hyperbolic
/// and error functions, integer arithmetic, bits, running sums, sorting, and elements by index.
namespace andiron::ops {

// arithmetic/
Value floor(const Value& x);
Value ceil(const Value& x);
Value round(const Value& x);  ///< halves to even
Value trunc(const Value& x);
Value sin(const Value& x);
Value cos(const Value& x);
Value tan(const Value& x);
Value asin(const Value& x);
Value acos(const Value& x);
Value atan(const Value& x);
Value atan2(const Value& y, const Value& x);
Value sinh(const Value& x);
Value cosh(const Value& x);
Value asinh(const Value& x);
Value acosh(const Value& x);
Value atanh(const Value& x);
Value erf(const Value& x);
Value erfc(const Value& x);
Value erfinv(const Value& x);
Value expm1(const Value& x);
Value exp2(const Value& x);
Value log2(const Value& x);
Value log10(const Value& x);
Value logaddexp(const Value& a, const Value& b);
Value integer_divide(const Value& a, const Value& b);  ///< towards zero
Value remainder(const Value& a, const Value& b);       ///< with the sign of a
Value bitwise_and(const Value& a, const Value& b);
Value bitwise_or(const Value& a, const Value& b);
Value bitwise_xor(const Value& a, const Value& b);
Value shift_left(const Value& a, const Value& b);
Value shift_right(const Value& a, const Value& b);

// reduce/
Value prod(const Value& x, std::vector<int64_t> axes = {}, bool keepdims = false);
Value cumsum(const Value& x, int64_t axis = -1, bool exclusive = false, bool reverse = false);
Value cumprod(const Value& x, int64_t axis = -1, bool exclusive = false, bool reverse = false);

/// Values along an axis in order, and where they came from (int32). Equal ones keep their order;
/// NaN counts as the greatest.
std::vector<Value> sort(const Value& x, int64_t axis = -1, bool descending = false);

// shape/
/// One element for each index: dst[i, j] = x[indices[i, j], j] for axis 0.
Value gather_elements(const Value& x, const Value& indices, int64_t axis = 0);
/// A copy of x with updates at the indices; reduction: none, add, multiply, maximum, minimum.
Value scatter_elements(const Value& x, const Value& indices, const Value& updates, int64_t axis = 0,
                       std::string_view reduction = "none");

}  // namespace andiron::ops
