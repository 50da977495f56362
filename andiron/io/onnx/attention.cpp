#include <cmath>

#include "andiron/io/onnx/call.hpp"

namespace andiron::io::onnx {

namespace {

using Values = std::vector<Value>;

// [B, S, H * d] -> [B, H, S, d]
Value heads_of(const Value& x, int64_t heads) {
  const Shape& s = x.shape();
  return ops::transpose(ops::reshape(x, {s[0], s[1], heads, s[2] / Dim(heads)}), {0, 2, 1, 3});
}

// Grouped queries: each head of k and v serves `times` of q's.
Value repeated(const Value& x, int64_t times) {
  if (times == 1) return x;
  const Shape& s = x.shape();
  const Value apart = ops::reshape(x, {s[0], s[1], 1, s[2], s[3]});
  return ops::reshape(ops::broadcast_to(apart, {s[0], s[1], times, s[2], s[3]}),
                      {s[0], s[1] * Dim(times), s[2], s[3]});
}

// softmax(scale q k^T + mask) v, with what the operator's attributes put between.
Values attention(const Call& c) {
  Value q = c.in(0), k = c.in(1), v = c.in(2);
  const DType dtype = q.dtype();
  const bool flat = q.rank() == 3;
  if (flat) {
    const int64_t q_heads = c.i("q_num_heads", 0), kv_heads = c.i("kv_num_heads", 0);
    if (q_heads < 1 || kv_heads < 1) fail("[onnx] Attention of 3-D values needs numbers of heads");
    q = heads_of(q, q_heads);
    k = heads_of(k, kv_heads);
    v = heads_of(v, kv_heads);
  }
  if (q.rank() != 4 || k.rank() != 4 || v.rank() != 4)
    fail("[onnx] Attention takes 3-D or 4-D values; got {}", q.shape().str());
  Dim past = 0;
  if (c.has(4)) {
    past = c.in(4).shape()[2];
    k = ops::concat({c.in(4), k}, 2);
    v = ops::concat({c.in(5), v}, 2);
  }
  const Value present_key = k, present_value = v;
  const Dim times = q.shape()[1] / k.shape()[1];
  if (!times.known() || !q.shape()[3].known()) c.refuse("heads without a known number");
  k = repeated(k, times.size());
  v = repeated(v, times.size());
  const double scale = c.f("scale", 1.0 / std::sqrt(static_cast<double>(q.shape()[3].size())));
  Value scores = ops::matmul(q * std::sqrt(scale), k * std::sqrt(scale), false, true);
  const Value raw = scores;
  const Dim &rows = q.shape()[2], &columns = k.shape()[2];
  if (!rows.known() || !columns.known() || !past.known())
    c.refuse("sequences without a known length");
  const Value minus_inf = constant(-INFINITY, dtype);
  Value bias;
  if (c.has(3)) {
    bias = c.in(3);
    if (bias.dtype() == DType::boolean) bias = ops::where(bias, constant(0.0, dtype), minus_inf);
    // A mask that is shorter than the keys hides the rest.
    const Dim& have = bias.shape().back();
    if (have.known() && have.size() > 1 && have.size() < columns.size()) {
      Sizes low(bias.shape().size(), 0), high(low);
      high.back() = columns.size() - have.size();
      bias = ops::pad(bias, low, high, -INFINITY);
    }
  }
  const Value row = ops::reshape(iota(rows.size()), {rows, 1});
  const Value column = ops::reshape(iota(columns.size()), {1, columns});
  if (c.has(6)) {  // how many keys of each sample are there
    const Value n = ops::reshape(c.in(6), {c.in(6).shape()[0], 1, 1, 1});
    const Value hidden = ops::where(ops::less(ops::reshape(column, {1, 1, 1, columns}), n),
                                    constant(0.0, dtype), minus_inf);
    bias = bias.defined() ? bias + hidden : hidden;
  }
  // Where each query stands among the keys: behind the past ones; or, where the number of keys is
  // given, the last query at the last key that is there.
  Value place =
      ops::reshape(row, {1, 1, rows, 1}) + constant(static_cast<double>(past.size()), DType::i64);
  if (c.has(6) && !c.has(4)) {
    const Value n = ops::reshape(c.in(6), {c.in(6).shape()[0], 1, 1, 1});
    place = place + n - constant(static_cast<double>(rows.size()), DType::i64);
  }
  const auto hide = [&](const Value& seen) {
    const Value hidden = ops::where(seen, constant(0.0, dtype), minus_inf);
    bias = bias.defined() ? bias + hidden : hidden;
  };
  const auto shifted = [&](int64_t by) {
    return place + constant(static_cast<double>(by), DType::i64);
  };
  if (c.i("is_causal", 0) != 0) hide(ops::less_equal(column, place));
  if (const int64_t left = c.i("left_window_size", -1); left >= 0)
    hide(ops::greater_equal(column, shifted(-left)));
  if (const int64_t right = c.i("right_window_size", -1); right >= 0)
    hide(ops::less_equal(column, shifted(right)));
  const double cap = c.f("softcap", 0.0);
  const auto capped = [&](const Value& s) { return cap > 0 ? ops::tanh(s / cap) * cap : s; };
  const int64_t mode = c.i("qk_matmul_output_mode", 0);
  Value shown = raw;
  scores = capped(scores);
  if (mode == 1) shown = scores;
  if (bias.defined()) scores = scores + bias;
  if (mode == 2) shown = scores;
  Value weights = ops::softmax(scores, -1);
  // A query that may look at nothing gets nothing.
  if (bias.defined())
    weights = ops::where(ops::equal(ops::max(scores, {-1}, true), minus_inf), constant(0.0, dtype),
                         weights);
  if (mode == 3) shown = weights;
  Value y = ops::matmul(weights, v);
  if (flat) {
    y = ops::transpose(y, {0, 2, 1, 3});
    const Shape& s = y.shape();
    y = ops::reshape(y, {s[0], s[1], s[2] * s[3]});
  }
  return {y, present_key, present_value, shown};
}

// Pairs of features turned by an angle that depends on the position.
Values rotary_embedding(const Call& c) {
  Value x = c.in(0);
  const bool flat = x.rank() == 3;
  if (flat) {
    const int64_t heads = c.i("num_heads", 0);
    if (heads < 1) fail("[onnx] RotaryEmbedding of 3-D values needs num_heads");
    const Shape& s = x.shape();
    x = ops::reshape(x, {s[0], s[1], heads, s[2] / Dim(heads)});
  } else {
    x = ops::transpose(x, {0, 2, 1, 3});
  }  // [B, S, H, d]
  const Dim& width = x.shape()[3];
  if (!width.known()) c.refuse("heads without a known size");
  int64_t turned = c.i("rotary_embedding_dim", 0);
  if (turned == 0) turned = width.size();
  if (turned < 2 || turned % 2 != 0 || turned > width.size())
    fail("[onnx] RotaryEmbedding turns {} of {} features", turned, width.size());
  const int64_t half = turned / 2;
  Value cosine = c.in(1), sine = c.in(2);
  if (c.has(3)) {
    cosine = ops::gather(cosine, c.in(3), 0);
    sine = ops::gather(sine, c.in(3), 0);
  }
  cosine = ops::expand_dims(cosine, 2);  // [B, S, 1, half]
  sine = ops::expand_dims(sine, 2);
  std::vector<int64_t> first, second;
  const bool interleaved = c.i("interleaved", 0) != 0;
  for (int64_t i = 0; i < half; ++i) {
    first.push_back(interleaved ? 2 * i : i);
    second.push_back(interleaved ? 2 * i + 1 : half + i);
  }
  const Value a = take(x, first, 3), b = take(x, second, 3);
  const Value real = a * cosine - b * sine, imaginary = a * sine + b * cosine;
  Value y = ops::concat({real, imaginary}, 3);
  if (interleaved) {
    std::vector<int64_t> order;
    for (int64_t i = 0; i < half; ++i) order.insert(order.end(), {i, half + i});
    y = take(y, order, 3);
  }
  if (turned < width.size()) {
    const Value rest = ops::slice(x, {0, 0, 0, turned}, {-1, -1, -1, -1});
    y = ops::concat({y, rest}, 3);
  }
  if (flat) return {ops::reshape(y, c.in(0).shape())};
  return {ops::transpose(y, {0, 2, 1, 3})};
}

constexpr Mapping kMappings[] = {
    {"Attention", 23, attention},
    {"RotaryEmbedding", 23, rotary_embedding},
};

}  // namespace

std::span<const Mapping> attention_mappings() { return kMappings; }

}  // namespace andiron::io::onnx
