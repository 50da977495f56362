#include <cmath>

#include "andiron/base/error.hpp"
#include "andiron/ops/arrays.hpp"
#include "andiron/ops/elementary.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::ops {

namespace {

using Ints = std::vector<int64_t>;

Value not_zero(const Value& x) {
  return x.dtype() == DType::boolean ? x : not_equal(x, constant(0.0, x.dtype()));
}

void require_floating(const char* op, const Value& x) {
  if (!is_floating(x.dtype())) fail("[{}] takes floating point values; got {}", op, str(x.type()));
}

}  // namespace

Value variance(const Value& x, Ints axes, bool keepdims, double correction) {
  require_floating("var", x);
  const Value d = x - mean(x, axes, true);
  if (correction == 0.0) return mean(square(d), axes, keepdims);
  return sum(square(d), axes, keepdims) / (count_of(x, axes, x.dtype()) - correction);
}

Value standard_deviation(const Value& x, Ints axes, bool keepdims, double correction) {
  return sqrt(variance(x, std::move(axes), keepdims, correction));
}

// Counted in float32: exact where it matters here, 0 or not, and the vectors' way.
Value any(const Value& x, Ints axes, bool keepdims) {
  const Value n = sum(cast(not_zero(x), DType::f32), std::move(axes), keepdims);
  return greater(n, constant(0.0));
}

Value all(const Value& x, Ints axes, bool keepdims) {
  return logical_not(any(logical_not(not_zero(x)), std::move(axes), keepdims));
}

Value count_nonzero(const Value& x, Ints axes, bool keepdims) {
  return sum(cast(not_zero(x), DType::i32), std::move(axes), keepdims);
}

Value argmin(const Value& x, int64_t axis) {
  if (x.dtype() == DType::u8 || x.dtype() == DType::boolean)
    return argmax(negative(cast(x, DType::i32)), axis);
  // The least integer has no negative.
  if (is_integer(x.dtype())) return argmax(constant(-1.0, x.dtype()) - x, axis);
  return argmax(negative(x), axis);
}

Value argsort(const Value& x, int64_t axis, bool descending) {
  return sort(x, axis, descending)[1];
}

Value quantile(const Value& x, const std::vector<double>& q, int64_t axis, bool keepdims) {
  require_floating("quantile", x);
  axis = normalize_axis("quantile", axis, x.rank());
  const Dim& size = x.shape()[static_cast<size_t>(axis)];
  if (!size.known() || size.size() == 0)
    fail("[quantile] axis {} of {} must have a known size, and elements", axis, x.shape().str());
  if (q.empty()) fail("[quantile] q is empty");
  const Value sorted = sort(x, axis)[0];
  const auto at = [&](int64_t i) {
    Ints begin(static_cast<size_t>(x.rank()), 0), length(begin.size(), -1);
    begin[static_cast<size_t>(axis)] = i;
    length[static_cast<size_t>(axis)] = 1;
    const Value row = slice(sorted, begin, length);
    return keepdims ? row : squeeze(row, axis);
  };
  const int64_t last = size.size() - 1;
  const Value top = at(last);  // NaN is sorted last
  std::vector<Value> results;
  for (const double share : q) {
    if (!(share >= 0.0 && share <= 1.0)) fail("[quantile] q must lie in [0, 1]; got {}", share);
    const double place = share * static_cast<double>(last);
    const auto below = static_cast<int64_t>(std::floor(place));
    const double fraction = place - static_cast<double>(below);
    const Value low = at(below);
    const Value value = fraction == 0.0 ? low : low + (at(below + 1) - low) * fraction;
    results.push_back(where(not_equal(top, top), top, value));
  }
  return stack(results, 0);
}

Value median(const Value& x, int64_t axis, bool keepdims) {
  return squeeze(quantile(x, {0.5}, axis, keepdims), 0);
}

}  // namespace andiron::ops
