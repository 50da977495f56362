#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "andiron/graph/value.hpp"

/// Functions that build graphs: one per op, named as in Python. Each throws Error when the
/// arguments break the op's rules. Composites (marked) are made of other ops.
namespace andiron::ops {

// arithmetic/: both operands have one dtype and broadcast as in NumPy
Value add(const Value& a, const Value& b);
Value subtract(const Value& a, const Value& b);
Value multiply(const Value& a, const Value& b);
Value divide(const Value& a, const Value& b);
Value maximum(const Value& a, const Value& b);
Value minimum(const Value& a, const Value& b);
Value power(const Value& base, const Value& exponent);
Value negative(const Value& x);
Value absolute(const Value& x);
Value sign(const Value& x);
Value exp(const Value& x);
Value log(const Value& x);
Value log1p(const Value& x);
Value sqrt(const Value& x);
Value rsqrt(const Value& x);
Value square(const Value& x);
Value reciprocal(const Value& x);
Value clip(const Value& x, double low, double high);

// comparison/: results are bool
Value equal(const Value& a, const Value& b);
Value not_equal(const Value& a, const Value& b);
Value less(const Value& a, const Value& b);
Value less_equal(const Value& a, const Value& b);
Value greater(const Value& a, const Value& b);
Value greater_equal(const Value& a, const Value& b);
Value logical_and(const Value& a, const Value& b);
Value logical_or(const Value& a, const Value& b);
Value logical_not(const Value& x);
/// a where condition (bool) holds, else b.
Value where(const Value& condition, const Value& a, const Value& b);

// activation/
Value step(const Value& x);  ///< 1 where x > 0, else 0
Value sigmoid(const Value& x);
Value tanh(const Value& x);
Value relu(const Value& x);
Value leaky_relu(const Value& x, double negative_slope = 0.2);
Value elu(const Value& x, double alpha = 1.0);
Value gelu(const Value& x, bool approximate = false);
Value softplus(const Value& x);
Value softmax(const Value& x, int64_t axis = -1);
Value log_softmax(const Value& x, int64_t axis = -1);
/// The activation of that name ("relu", "linear", ...); throws Error listing the known ones.
Value activation(std::string_view name, const Value& x);

// matmul/: a [..., m, k] times b [..., k, n]; batch axes broadcast
Value matmul(const Value& a, const Value& b, bool transpose_a = false, bool transpose_b = false);
/// Composite: x [..., k] w [k, n] + bias [n].
Value dense(const Value& x, const Value& weights, const Value& bias = {});

// reduce/: empty axes means all
Value sum(const Value& x, std::vector<int64_t> axes = {}, bool keepdims = false);
Value mean(const Value& x, std::vector<int64_t> axes = {}, bool keepdims = false);
Value max(const Value& x, std::vector<int64_t> axes = {}, bool keepdims = false);
Value min(const Value& x, std::vector<int64_t> axes = {}, bool keepdims = false);
Value logsumexp(const Value& x, std::vector<int64_t> axes = {}, bool keepdims = false);
Value argmax(const Value& x, int64_t axis = -1);  ///< int32; the first of equals
/// values and int32 indices of the k largest along the last axis, descending.
std::vector<Value> topk(const Value& x, int64_t k);
/// The number of elements along axes as a scalar of `dtype`: symbolic until shapes are bound.
Value count_of(const Value& x, std::vector<int64_t> axes = {}, DType dtype = DType::f32);

// shape/
Value reshape(const Value& x, Shape shape);  ///< one size may be -1
Value flatten(const Value& x);               ///< composite: [n, ...] to [n, prod]
Value transpose(const Value& x, std::vector<int64_t> permutation = {});  ///< empty: reversed
Value expand_dims(const Value& x, int64_t axis);                         ///< composite
Value squeeze(const Value& x, int64_t axis);                             ///< composite
Value broadcast_to(const Value& x, Shape shape);
/// Composite: the sum over the axes along which `shape` was broadcast to x's shape.
Value sum_to(const Value& x, const Shape& shape);
Value concat(const std::vector<Value>& values, int64_t axis = -1);
std::vector<Value> split(const Value& x, std::vector<int64_t> sizes, int64_t axis = -1);
Value slice(const Value& x, std::vector<int64_t> begin,
            std::vector<int64_t> size);  ///< size -1: to the end
Value pad(const Value& x, std::vector<int64_t> low, std::vector<int64_t> high, double value = 0.0);
/// x.take(indices, axis): indices are int32 or int64; out-of-range is an error at run time.
Value gather(const Value& x, const Value& indices, int64_t axis = 0);
/// Composite: a border that repeats x. mode: "reflect", "symmetric", "edge" or "wrap".
Value pad_edges(const Value& x, const std::vector<int64_t>& low, const std::vector<int64_t>& high,
                const std::string& mode);
Value one_hot(const Value& indices, int64_t depth, DType dtype = DType::f32);
Value cast(const Value& x, DType dtype);
Value stop_gradient(const Value& x);

// conv/: x [N, C, spatial...] with 1 to 3 spatial axes
/// Lists have one entry for each spatial axis, or one for all; empty ones have the op's defaults.
struct ConvOptions {
  std::vector<int64_t> strides = {}, dilations = {};
  int64_t groups = 1;
  std::string padding = "valid";  ///< or "same" (TensorFlow's), "explicit"
  std::vector<int64_t> pads_begin = {}, pads_end = {};
};
/// weights [O, C/groups, kernel...], bias [O] or undefined.
Value conv(const Value& x, const Value& weights, const Value& bias = {},
           const ConvOptions& options = {});
/// Composite: the gradient of conv as a function. weights [C, O/groups, kernel...], bias [O].
/// (size - 1) stride - pads + dilation (kernel - 1) + 1 + output_padding places; size * stride
/// with "same".
Value conv_transpose(const Value& x, const Value& weights, const Value& bias = {},
                     const ConvOptions& options = {}, std::vector<int64_t> output_padding = {});

// pool/
struct PoolOptions {
  std::vector<int64_t> strides = {};  ///< empty: the kernel's sizes
  std::vector<int64_t> dilations = {};
  std::string padding = "valid";
  std::vector<int64_t> pads_begin = {}, pads_end = {};
  bool ceil = false;               ///< a last window may hang over the end
  bool count_include_pad = false;  ///< of averages
};
Value max_pool(const Value& x, std::vector<int64_t> kernel, const PoolOptions& options = {});
Value avg_pool(const Value& x, std::vector<int64_t> kernel, const PoolOptions& options = {});
Value global_avg_pool(const Value& x, bool keepdims = false);  ///< composite: [N, C]
Value global_max_pool(const Value& x, bool keepdims = false);  ///< composite
/// Composites: windows such that the result has these spatial sizes, as in PyTorch.
Value adaptive_avg_pool(const Value& x, std::vector<int64_t> output_size);
Value adaptive_max_pool(const Value& x, std::vector<int64_t> output_size);

// norm/
/// mean [C] and variance [C] (the biased one) over all axes but `axis`.
std::vector<Value> batch_moments(const Value& x, int64_t axis = 1);
/// Composite: y, mean and variance; y = (x - mean) / sqrt(variance + epsilon) scale + offset.
/// scale [C] and offset [C] may be undefined.
std::vector<Value> batch_norm(const Value& x, const Value& scale, const Value& offset,
                              double epsilon = 1e-3, int64_t axis = 1);
/// Composite: the same with moments that are given.
Value batch_norm_inference(const Value& x, const Value& scale, const Value& offset,
                           const Value& mean, const Value& variance, double epsilon = 1e-3,
                           int64_t axis = 1);
Value lrn(const Value& x, int64_t size, double alpha = 1e-4, double beta = 0.75, double bias = 1.0,
          int64_t axis = 1);

// resize/
struct ResizeOptions {
  std::string mode = "nearest";            ///< or "linear", "cubic"
  std::string coordinates = "half_pixel";  ///< or pytorch_half_pixel, align_corners, asymmetric
  std::string rounding = "floor";   ///< of nearest: or ceil, round_prefer_floor, round_prefer_ceil
  bool antialias = false;           ///< of linear and cubic, when the result is smaller
  std::vector<double> scales = {};  ///< result / source; empty: the quotients of the sizes
};
/// Composite: x [N, C, spatial...] to other spatial sizes.
Value resize(const Value& x, std::vector<int64_t> sizes, const ResizeOptions& options = {});
Value pixel_shuffle(const Value& x, int64_t factor);    ///< composite
Value channel_shuffle(const Value& x, int64_t groups);  ///< composite

// embedding/
/// table [v, d], ids [...] int32 or int64 -> [..., d]. The gradient with respect to the table is
/// row-sparse (see row_sparse).
Value embedding(const Value& table, const Value& ids);
/// ids [n, k] -> [n, d]: sum or mean over k of weights[n, k] * table[ids[n, k]]; negative ids are
/// padding. combiner: "sum" or "mean".
Value embedding_bag(const Value& table, const Value& ids, const Value& weights = {},
                    std::string_view combiner = "sum");
/// The [n_rows, d] value that is the sum of values[i] [n, d] at row ids[i] [n], zero elsewhere.
/// Never materialised unless by `densify`: optimizers and the collectives take it apart.
Value row_sparse(const Value& ids, const Value& values, int64_t n_rows);
bool is_row_sparse(const Value& v);
Value densify(const Value& v);
/// ids [n, k] of k columns -> rows of one table that holds all columns, one behind the other;
/// negative ids (absent) stay. Ids beyond their column's size are an error.
Value column_ids(const Value& ids, std::vector<int64_t> sizes);
/// int32 in [0, buckets): hash of several integer columns [n] crossed (seeded, stable on disk).
Value hash_cross(const std::vector<Value>& columns, int64_t buckets, int64_t seed = 0);

// random/: Philox; `counter` is an int64 scalar (the step), so that every step draws anew
Value random_uniform(Shape shape, const Value& counter, int64_t seed, double low = 0.0,
                     double high = 1.0);
Value random_normal(Shape shape, const Value& counter, int64_t seed, double mean = 0.0,
                    double stddev = 1.0);
/// Composite: x / (1 - rate) where a uniform draw is >= rate, else 0.
Value dropout(const Value& x, double rate, const Value& counter, int64_t seed);

// loss/: fused building blocks; per sample, no reduction
/// labels [n] int -> [n]: logsumexp(logits [n, c]) - logits[label].
Value sparse_softmax_cross_entropy(const Value& logits, const Value& labels);
/// labels and logits of one shape: max(z,0) - z*y + log1p(exp(-|z|)).
Value sigmoid_cross_entropy(const Value& logits, const Value& labels);

}  // namespace andiron::ops

namespace andiron {

inline Value operator+(const Value& a, const Value& b) { return ops::add(a, b); }
inline Value operator-(const Value& a, const Value& b) { return ops::subtract(a, b); }
inline Value operator*(const Value& a, const Value& b) { return ops::multiply(a, b); }
inline Value operator/(const Value& a, const Value& b) { return ops::divide(a, b); }
inline Value operator-(const Value& a) { return ops::negative(a); }
inline Value operator+(const Value& a, double b) { return a + constant(b, a.dtype()); }
inline Value operator-(const Value& a, double b) { return a - constant(b, a.dtype()); }
inline Value operator*(const Value& a, double b) { return a * constant(b, a.dtype()); }
inline Value operator/(const Value& a, double b) { return a / constant(b, a.dtype()); }
inline Value operator+(double a, const Value& b) { return constant(a, b.dtype()) + b; }
inline Value operator-(double a, const Value& b) { return constant(a, b.dtype()) - b; }
inline Value operator*(double a, const Value& b) { return constant(a, b.dtype()) * b; }
inline Value operator/(double a, const Value& b) { return constant(a, b.dtype()) / b; }

}  // namespace andiron
