#include "andiron/ops/matmul/counted_matmul.hpp"

#include "andiron/base/error.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/ops/elementwise.hpp"
#include "andiron/ops/floating.hpp"

namespace andiron::ops {

namespace {

std::vector<TensorType> infer(const InferContext& c) {
  const bool ta = c.attr<bool>("transpose_a"), tb = c.attr<bool>("transpose_b");
  const Shape &a = c.shape(0), &b = c.shape(1);
  if (a.rank() != 2 || b.rank() != 2 || !is_floating(c.in(0).dtype) ||
      c.in(0).dtype != c.in(1).dtype)
    fail("[counted_matmul] takes two matrices of one floating point dtype; got {} and {}",
         str(c.in(0)), str(c.in(1)));
  if (c.in(2) != TensorType{DType::i32, {1}})
    fail("[counted_matmul] count must be int32[1]; got {}", str(c.in(2)));
  if (ta && tb) fail("[counted_matmul] transposes a or b, not both");
  if (!(ta ? a[0] == b[0] : a[1] == b[tb ? 1 : 0]))
    fail("[counted_matmul] inner sizes differ; a is {}{}, b is {}{}", a.str(),
         ta ? " transposed" : "", b.str(), tb ? " transposed" : "");
  return {{c.in(0).dtype, {ta ? a[1] : a[0], b[tb ? 0 : 1]}}};
}

// a [n, k], b [k, m] or its transpose -> [n, m]
template <class T>
void rows_of(const ReferenceContext& c, int64_t count) {
  const bool tb = c.attr<bool>("transpose_b");
  const T *a = c.src[0].data<T>(), *b = c.src[1].data<T>();
  const int64_t m = c.dst[0].size(1), k = c.src[0].size(1);
  const int64_t n = c.attr<bool>("zero_rest") ? c.dst[0].size(0) : count;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < m; ++j) {
      Compute<T> sum = 0;
      for (int64_t l = 0; i < count && l < k; ++l)
        sum += static_cast<Compute<T>>(a[i * k + l]) *
               static_cast<Compute<T>>(tb ? b[j * k + l] : b[l * m + j]);
      c.dst[0].data<T>()[i * m + j] = static_cast<T>(sum);
    }
}

// a [n, k], b [n, m] -> [k, m]
template <class T>
void sum_over_rows(const ReferenceContext& c, int64_t count) {
  const T *a = c.src[0].data<T>(), *b = c.src[1].data<T>();
  const int64_t k = c.dst[0].size(0), m = c.dst[0].size(1);
  for (int64_t i = 0; i < k; ++i)
    for (int64_t j = 0; j < m; ++j) {
      Compute<T> sum = 0;
      for (int64_t l = 0; l < count; ++l)
        sum += static_cast<Compute<T>>(a[l * k + i]) * static_cast<Compute<T>>(b[l * m + j]);
      c.dst[0].data<T>()[i * m + j] = static_cast<T>(sum);
    }
}

}  // namespace

extern const Op kCountedMatmul = {
    .name = "counted_matmul",
    .summary = "The product of a matrix whose first rows only are valid, as many as a count says.",
    .formula =
        "dst[i, j] = sum_l a[i, l] B[l, j] for i < count, 0 beyond; transpose_a: dst[i, j] = "
        "sum over l < count of a[l, i] b[l, j]",
    .inputs = {{"a", "[n, k]"},
               {"b", "[k, m], or [m, k] with transpose_b, or [n, m] with transpose_a"},
               {"count", "[1] int32, from 0 to n"}},
    .attributes = {{"transpose_a", false, "sum over the rows"},
                   {"transpose_b", false, "swap the axes of b"},
                   {"zero_rest", true, "whether rows from count on are zero or may be anything"}},
    .infer = infer,
    .why_not_differentiable = "it is a part of the optimizer's step",
    .reference =
        [](const ReferenceContext& c) {
          const int64_t count = checked_count(c.src[2].data<int32_t>()[0], c.src[0].size(0));
          visit_floating(c.dst[0].dtype(), [&]<class T>() {
            c.attr<bool>("transpose_a") ? sum_over_rows<T>(c, count) : rows_of<T>(c, count);
          });
        },
    .batch = [](const Node&, std::span<const BatchKind>) { return BatchKind::blocked; },
    .flops =
        [](const Node& node) {
          const Shape &a = node.inputs[0].shape(), &dst = node.outputs[0].shape;
          const int64_t inner = (node.attr<bool>("transpose_a") ? a[0] : a[1]).size();
          return 2.0 * static_cast<double>(inner * dst.count().size());
        },
    .cases = {{{"f32[9,3]", "f32[3,5]", "i32[1]@4:5"}},
              {{"f32[9,4]", "f32[5,4]", "i32[1]@9:10"}, {{"transpose_b", true}}},
              {{"f32[9,3]", "f32[9,5]", "i32[1]@7:8"}, {{"transpose_a", true}}},
              {{"f32[9,3]", "f32[3,5]", "i32[1]@0:1"}},
              {{"f32[9,3]", "f32[9,5]", "i32[1]@0:1"}, {{"transpose_a", true}}},
              {{"f32[700,40]", "f32[40,24]", "i32[1]@600:601"}},
              {{"f32[700,40]", "f32[24,40]", "i32[1]@256:257"}, {{"transpose_b", true}}},
              {{"f32[700,40]", "f32[700,24]", "i32[1]@513:514"}, {{"transpose_a", true}}},
              {{"f32[700,40]", "f32[700,24]", "i32[1]@700:701"}, {{"transpose_a", true}}},
              {{"bf16[8,16]", "bf16[16,4]", "i32[1]@3:4"}}},
};

int64_t checked_count(int32_t count, int64_t rows) {
  if (count < 0 || count > rows)
    fail("[counted_matmul] count must be from 0 to {}, the number of rows; got {}", rows, count);
  return count;
}

Value counted_matmul(const Value& a, const Value& b, const Value& count,
                     const CountedMatmulOptions& o) {
  return make_value(
      kCountedMatmul, {a, b, count},
      {{"transpose_a", o.transpose_a}, {"transpose_b", o.transpose_b}, {"zero_rest", o.zero_rest}});
}

}  // namespace andiron::ops
