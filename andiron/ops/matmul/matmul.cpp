#include <algorithm>

#include "andiron/base/error.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/ops/elementwise.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::ops {

namespace {

// a [..., m, k] (or [..., k, m] when transposed), b [..., k, n]
struct MatmulShape {
  Shape batch;
  Dim m, n, k;
};

MatmulShape analyse(const InferContext& c) {
  const Shape &a = c.shape(0), &b = c.shape(1);
  if (c.in(0).dtype != c.in(1).dtype || !is_floating(c.in(0).dtype))
    fail("[matmul] operands must have one floating point dtype; got {} and {}", str(c.in(0)),
         str(c.in(1)));
  if (a.rank() < 2 || b.rank() < 2)
    fail("[matmul] operands must have rank >= 2; got {} and {}", a.str(), b.str());
  const size_t ra = a.size(), rb = b.size();
  const bool ta = c.attr<bool>("transpose_a"), tb = c.attr<bool>("transpose_b");
  MatmulShape s;
  s.m = a[ra - (ta ? 1 : 2)];
  s.k = a[ra - (ta ? 2 : 1)];
  s.n = b[rb - (tb ? 2 : 1)];
  const Dim& k2 = b[rb - (tb ? 1 : 2)];
  if (s.k != k2)
    fail("[matmul] inner sizes differ: {} and {}; a is {}{}, b is {}{}", s.k.str(), k2.str(),
         a.str(), ta ? " transposed" : "", b.str(), tb ? " transposed" : "");
  s.batch = broadcast("matmul", Shape(a.begin(), a.end() - 2), Shape(b.begin(), b.end() - 2));
  return s;
}

template <class T>
void multiply_matrices(const T* a, int64_t a_m, int64_t a_k, const T* b, int64_t b_k, int64_t b_n,
                       T* dst, int64_t m, int64_t n, int64_t k) {
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      Compute<T> sum = 0;
      for (int64_t l = 0; l < k; ++l)
        sum += static_cast<Compute<T>>(a[i * a_m + l * a_k]) *
               static_cast<Compute<T>>(b[l * b_k + j * b_n]);
      dst[i * n + j] = static_cast<T>(sum);
    }
  }
}

void reference(const ReferenceContext& c) {
  const Tensor &a = c.src[0], &b = c.src[1];
  Tensor& dst = c.dst[0];
  const bool ta = c.attr<bool>("transpose_a"), tb = c.attr<bool>("transpose_b");
  const int64_t m = dst.size(dst.rank() - 2), n = dst.size(dst.rank() - 1);
  const int64_t k = a.size(a.rank() - (ta ? 2 : 1));
  if (dst.count() == 0) return;
  auto batch_of = [](const Tensor& t) {
    return Tensor(t.buffer(), t.dtype(), Sizes(t.sizes().begin(), t.sizes().end() - 2),
                  Sizes(t.strides().begin(), t.strides().end() - 2), t.byte_offset());
  };
  const Tensor batch = batch_of(dst);
  BroadcastWalk wa(batch_of(a), batch.sizes()), wb(batch_of(b), batch.sizes());
  visit_dtype(dst.dtype(), [&]<class T>() {
    for (int64_t i = 0; i < batch.count(); ++i, wa.next(), wb.next())
      multiply_matrices<T>(a.data<T>() + wa.offset(), ta ? 1 : k, ta ? m : 1,
                           b.data<T>() + wb.offset(), tb ? 1 : n, tb ? k : 1,
                           dst.data<T>() + i * m * n, m, n, k);
  });
}

std::vector<Value> gradient(const GradContext& c) {
  const bool ta = c.attr<bool>("transpose_a"), tb = c.attr<bool>("transpose_b");
  const Value &a = c.in(0), &b = c.in(1), &g = c.grad();
  // dst = A B with A, B the operands after transposition: dA = g B^T, dB = A^T g.
  const Value da = ta ? matmul(b, g, tb, true) : matmul(g, b, false, !tb);
  const Value db = tb ? matmul(g, a, true, ta) : matmul(a, g, !ta, false);
  return {sum_to(da, a.shape()), sum_to(db, b.shape())};
}

BatchKind batch(const Node& node, std::span<const BatchKind> in) {
  if (node.inputs[0].rank() != 2 || node.inputs[1].rank() != 2) {
    const bool stacked = node.inputs[0].rank() == node.inputs[1].rank() && in[0] == in[1];
    const bool wide = node.inputs[0].rank() > node.inputs[1].rank() && in[1] == BatchKind::fixed;
    return in[0] == BatchKind::rows && (stacked || wide) ? BatchKind::rows : BatchKind::blocked;
  }
  const bool ta = node.attr<bool>("transpose_a"), tb = node.attr<bool>("transpose_b");
  if (in[0] == BatchKind::rows && in[1] == BatchKind::fixed && !ta) return BatchKind::rows;
  if (in[0] == BatchKind::rows && in[1] == BatchKind::rows && ta && !tb)
    return BatchKind::partial_sum;
  return BatchKind::blocked;
}

}  // namespace

extern const Op kMatmul = {
    .name = "matmul",
    .summary = "Matrix product over the last two axes; leading axes broadcast.",
    .formula = "dst[..., i, j] = sum_l A[..., i, l] B[..., l, j], A and B transposed as told",
    .inputs = {{"a", "[..., m, k], or [..., k, m] with transpose_a"},
               {"b", "[..., k, n], or [..., n, k] with transpose_b"}},
    .attributes = {{"transpose_a", false, "swap the last two axes of a"},
                   {"transpose_b", false, "swap the last two axes of b"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      MatmulShape s = analyse(c);
      s.batch.push_back(s.m);
      s.batch.push_back(s.n);
      return {{c.in(0).dtype, s.batch}};
    },
    .gradient = gradient,
    .reference = reference,
    .batch = batch,
    .flops =
        [](const Node& node) {
          const Shape& a = node.inputs[0].shape();
          const int64_t k = a[a.size() - (node.attr<bool>("transpose_a") ? 2 : 1)].size();
          return 2.0 * static_cast<double>(k * node.outputs[0].shape.count().size());
        },
    .cases = {{{"f32[4,3]", "f32[3,5]"}},
              {{"f32[3,4]", "f32[3,5]"}, {{"transpose_a", true}}},
              {{"f32[4,3]", "f32[5,3]"}, {{"transpose_b", true}}},
              {{"f32[3,4]", "f32[5,3]"}, {{"transpose_a", true}, {"transpose_b", true}}},
              {{"f32[2,4,3]", "f32[3,5]"}},
              {{"f32[2,1,4,3]", "f32[6,3,5]"}},
              {{"f32[4,0]", "f32[0,5]"}},
              {{"f32[0,3]", "f32[3,5]"}},
              {{"f32[33,47]", "f32[47,65]"}},
              {{"bf16[8,16]", "bf16[16,4]"}}},
};

Value matmul(const Value& a, const Value& b, bool transpose_a, bool transpose_b) {
  return make_value(kMatmul, {a, b}, {{"transpose_a", transpose_a}, {"transpose_b", transpose_b}});
}

Value dense(const Value& x, const Value& weights, const Value& bias) {
  const Value y = matmul(x, weights);
  return bias.defined() ? add(y, bias) : y;
}

}  // namespace andiron::ops
