#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "andiron/io/onnx/call.hpp"

namespace andiron::io::onnx {

namespace {

using Values = std::vector<Value>;
using Reduce = Value (*)(const Value&, std::vector<int64_t>, bool);

Value sum_square(const Value& x, std::vector<int64_t> axes, bool keepdims) {
  return ops::sum(ops::multiply(x, x), std::move(axes), keepdims);
}
Value l1(const Value& x, std::vector<int64_t> axes, bool keepdims) {
  return ops::sum(ops::absolute(x), std::move(axes), keepdims);
}
Value l2(const Value& x, std::vector<int64_t> axes, bool keepdims) {
  const Value squares = sum_square(x, std::move(axes), keepdims);
  return is_floating(x.dtype()) ? ops::sqrt(squares)
                                : ops::cast(ops::sqrt(ops::cast(squares, DType::f64)), x.dtype());
}
Value log_sum(const Value& x, std::vector<int64_t> axes, bool keepdims) {
  return ops::log(ops::sum(x, std::move(axes), keepdims));
}
Value mean(const Value& x, std::vector<int64_t> axes, bool keepdims) {
  if (is_floating(x.dtype())) return ops::mean(x, std::move(axes), keepdims);
  return ops::integer_divide(ops::sum(x, axes, keepdims), ops::count_of(x, axes, x.dtype()));
}
// Of nothing: the least value, or -inf. Of bools: whether any.
template <bool greatest>
Value extreme(const Value& x, std::vector<int64_t> axes, bool keepdims) {
  if (x.dtype() == DType::boolean) {  // of nothing: no for any, yes for all
    const Value yes = extreme<greatest>(ops::cast(x, DType::i32), std::move(axes), keepdims);
    return ops::greater(yes, constant(0.0, DType::i32));
  }
  const auto over = normalize_axes("onnx", axes, x.rank());
  const bool empty = std::any_of(over.begin(), over.end(), [&](int64_t a) {
    return x.shape()[static_cast<size_t>(a)] == Dim(0);
  });
  if (!empty)
    return greatest ? ops::max(x, std::move(axes), keepdims)
                    : ops::min(x, std::move(axes), keepdims);
  const double inf = std::numeric_limits<double>::infinity();
  // cast takes infinity to the bound of an integer dtype
  const Value start = ops::cast(constant(greatest ? -inf : inf, DType::f64), x.dtype());
  return ops::broadcast_to(start, ops::sum(x, std::move(axes), keepdims).shape());
}
Value log_sum_exp(const Value& x, std::vector<int64_t> axes, bool keepdims) {
  if (is_floating(x.dtype())) {
    const auto over = normalize_axes("onnx", axes, x.rank());
    const bool empty = std::any_of(over.begin(), over.end(), [&](int64_t a) {
      return x.shape()[static_cast<size_t>(a)] == Dim(0);
    });
    if (empty) return ops::log(ops::sum(ops::exp(x), std::move(axes), keepdims));
    return ops::logsumexp(x, std::move(axes), keepdims);
  }
  return ops::cast(ops::logsumexp(ops::cast(x, DType::f64), std::move(axes), keepdims), x.dtype());
}

Values with_axes(const Call& c, std::vector<int64_t> axes, Reduce reduce) {
  const bool keepdims = c.i("keepdims", 1) != 0;
  if (axes.empty() && c.i("noop_with_empty_axes", 0) != 0) {
    // No axis is reduced; what is done to each element still is.
    const Value& x = c.in(0);
    return {ops::squeeze(reduce(ops::expand_dims(x, x.rank()), {x.rank()}, true), x.rank())};
  }
  if (c.in(0).rank() == 0) {
    const Value one = ops::reshape(c.in(0), {1});
    return {ops::reshape(reduce(one, {0}, false), Shape())};
  }
  return {reduce(c.in(0), std::move(axes), keepdims)};
}

template <Reduce reduce>
Values by_attribute(const Call& c) {
  return with_axes(c, c.ints("axes"), reduce);
}
template <Reduce reduce>
Values by_input(const Call& c) {
  return with_axes(c, c.has(1) ? c.numbers(1) : std::vector<int64_t>{}, reduce);
}

Values arg(const Call& c, bool greatest) {
  Value x = c.in(0);
  const int64_t axis = normalize_axis("onnx", c.i("axis", 0), x.rank());
  const Dim& n = x.shape()[static_cast<size_t>(axis)];
  const bool last = c.i("select_last_index", 0) != 0;
  if (!greatest)
    x = x.dtype() == DType::u8
            ? ops::subtract(constant(255.0, DType::u8), x)
            : (is_integer(x.dtype()) ? ops::subtract(constant(-1.0, x.dtype()), x) : -x);
  if (last) {
    if (!n.known()) c.refuse("select_last_index over an axis without a known size");
    std::vector<int64_t> backwards(static_cast<size_t>(listed(n.size())));
    std::iota(backwards.rbegin(), backwards.rend(), 0);
    x = take(x, backwards, axis);
  }
  Value at = ops::cast(ops::argmax(x, axis), DType::i64);
  if (last) at = constant(static_cast<double>(n.size() - 1), DType::i64) - at;
  return {c.i("keepdims", 1) != 0 ? ops::expand_dims(at, axis) : at};
}
Values arg_max(const Call& c) { return arg(c, true); }
Values arg_min(const Call& c) { return arg(c, false); }

Values cumulative(const Call& c, bool product) {
  const Value& x = c.in(0);
  const std::vector<int64_t> axis = c.numbers(1);
  if (axis.size() != 1) fail("[onnx] the axis must be a scalar");
  const bool exclusive = c.i("exclusive", 0) != 0, reverse = c.i("reverse", 0) != 0;
  return {product ? ops::cumprod(x, axis[0], exclusive, reverse)
                  : ops::cumsum(x, axis[0], exclusive, reverse)};
}
Values cum_sum(const Call& c) { return cumulative(c, false); }
Values cum_prod(const Call& c) { return cumulative(c, true); }

// Values and positions along the last axis; the smallest are the largest of what is mirrored.
Values top(const Call& c, int64_t k, bool largest) {
  const Value& x = c.in(0);
  const int64_t axis = normalize_axis("onnx", c.i("axis", -1), x.rank());
  Value moved = move_axis_last(x, axis);
  const DType dtype = x.dtype();
  const auto mirrored = [&](const Value& v) {
    if (dtype == DType::u8) return ops::subtract(constant(255.0, dtype), v);
    return is_integer(dtype) ? ops::subtract(constant(-1.0, dtype), v) : -v;
  };
  if (!largest) moved = mirrored(moved);
  Values best = ops::topk(moved, k);
  const Value values = largest ? best[0] : mirrored(best[0]);
  return {move_last_to(values, axis), move_last_to(ops::cast(best[1], DType::i64), axis)};
}
Values top_k_attribute(const Call& c) { return top(c, c.i("k", 1), true); }
Values top_k(const Call& c) {
  const std::vector<int64_t> k = c.numbers(1);
  if (k.size() != 1) fail("[onnx] k must be one number");
  return top(c, k[0], c.i("largest", 1) != 0);
}

constexpr Mapping kMappings[] = {
    {"ReduceSum", 1, by_attribute<ops::sum>},
    {"ReduceSum", 13, by_input<ops::sum>},
    {"ReduceMean", 1, by_attribute<mean>},
    {"ReduceMean", 18, by_input<mean>},
    {"ReduceMax", 1, by_attribute<extreme<true>>},
    {"ReduceMax", 18, by_input<extreme<true>>},
    {"ReduceMin", 1, by_attribute<extreme<false>>},
    {"ReduceMin", 18, by_input<extreme<false>>},
    {"ReduceProd", 1, by_attribute<ops::prod>},
    {"ReduceProd", 18, by_input<ops::prod>},
    {"ReduceSumSquare", 1, by_attribute<sum_square>},
    {"ReduceSumSquare", 18, by_input<sum_square>},
    {"ReduceL1", 1, by_attribute<l1>},
    {"ReduceL1", 18, by_input<l1>},
    {"ReduceL2", 1, by_attribute<l2>},
    {"ReduceL2", 18, by_input<l2>},
    {"ReduceLogSum", 1, by_attribute<log_sum>},
    {"ReduceLogSum", 18, by_input<log_sum>},
    {"ReduceLogSumExp", 1, by_attribute<log_sum_exp>},
    {"ReduceLogSumExp", 18, by_input<log_sum_exp>},
    {"ArgMax", 1, arg_max},
    {"ArgMin", 1, arg_min},
    {"CumSum", 11, cum_sum},
    {"CumProd", 26, cum_prod},
    {"TopK", 1, top_k_attribute},
    {"TopK", 10, top_k},
};

}  // namespace

std::span<const Mapping> reduction_mappings() { return kMappings; }

}  // namespace andiron::io::onnx
