#include <algorithm>
#include <numeric>

#include "andiron/ops/elementwise.hpp"
#include "andiron/ops/embedding/ids.hpp"
#include "andiron/ops/embedding/row_sparse.hpp"
#include "andiron/ops/floating.hpp"

namespace andiron::ops {

namespace {

void reference_dedup(const ReferenceContext& c) {
  const int64_t n = c.src[0].count(), n_rows = c.attr<int64_t>("n_rows");
  auto* order = c.dst[0].data<int32_t>();
  auto* rows = c.dst[1].data<int32_t>();
  auto* starts = c.dst[2].data<int32_t>();
  visit_ids(c.src[0].dtype(), c.src[0].raw(), [&](const auto* ids) {
    const int64_t bad = first_bad_id(ids, n, n_rows, true);
    if (bad >= 0) fail_id("embedding", ids[bad], bad, n_rows);
    std::iota(order, order + n, 0);
    int32_t* valid =
        std::stable_partition(order, order + n, [&](int32_t i) { return ids[i] >= 0; });
    std::stable_sort(order, valid, [&](int32_t a, int32_t b) { return ids[a] < ids[b]; });
    const auto n_valid = static_cast<int32_t>(valid - order);
    int32_t count = 0;
    for (int32_t i = 0; i < n_valid; ++i) {
      if (i > 0 && ids[order[i]] == ids[order[i - 1]]) continue;
      rows[count] = static_cast<int32_t>(ids[order[i]]);
      starts[count++] = i;
    }
    std::fill(starts + count, starts + n + 1, n_valid);
    std::fill(rows + count, rows + n, -1);
    std::fill(valid, order + n, -1);
    c.dst[3].data<int32_t>()[0] = count;
  });
}

void reference_sums(const ReferenceContext& c) {
  const auto* order = c.src[0].data<int32_t>();
  const auto* starts = c.src[1].data<int32_t>();
  const int32_t count = c.src[2].data<int32_t>()[0];
  const int64_t width = c.src[3].size(1);
  const int64_t n = c.attr<bool>("zero_rest") ? c.dst[0].size(0) : count;
  visit_floating(c.src[3].dtype(), [&]<class T>() {
    for (int64_t row = 0; row < n; ++row) {
      for (int64_t j = 0; j < width; ++j) {
        Compute<T> total = 0;
        for (int32_t i = starts[row]; row < count && i < starts[row + 1]; ++i)
          total += static_cast<Compute<T>>(c.src[3].data<T>()[order[i] * width + j]);
        c.dst[0].data<T>()[row * width + j] = static_cast<T>(total);
      }
    }
  });
}

}  // namespace

extern const Op kDedup = {
    .name = "dedup",
    .summary = "Sorts the ids of a batch by row, stable, and lists the rows that occur.",
    .formula = "ids[order[i]] = rows[j] for starts[j] <= i < starts[j + 1], rows ascending",
    .inputs = {{"ids", "[n] int32 or int64, below n_rows; negative ones are left out"}},
    .outputs = {"order", "rows", "starts", "count"},
    .attributes = {{"n_rows", {}, "the table's number of rows", int64_t{0}}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      check_ids(c, 0);
      if (c.shape(0).rank() != 1) fail("[dedup] ids must be a vector; got {}", str(c.in(0)));
      const int64_t n_rows = c.attr<int64_t>("n_rows");
      if (n_rows < 0 || n_rows > INT32_MAX)
        fail("[dedup] n_rows must lie in [0, 2^31); got {}", n_rows);
      const Dim n = c.shape(0)[0];
      if (n.known() && n.size() > INT32_MAX)
        fail("[dedup] takes fewer than 2^31 ids; got {}", n.str());
      return {{DType::i32, {n}}, {DType::i32, {n}}, {DType::i32, {n + 1}}, {DType::i32, {1}}};
    },
    .why_not_differentiable = "its results are integers",
    .reference = reference_dedup,
    .batch = [](const Node&, std::span<const BatchKind>) { return BatchKind::blocked; },
    .flops = [](const Node&) { return 0.0; },
    .cases = {{{"i32[10]@0:4"}, {{"n_rows", int64_t{4}}}},
              {{"i64[1000]@0:6040"}, {{"n_rows", int64_t{6040}}}},
              {{"i64[3000]@0:1000000"}, {{"n_rows", int64_t{1000000}}}},
              {{"i32[700]@-50:90"}, {{"n_rows", int64_t{90}}}},
              {{"i32[0]@0:4"}, {{"n_rows", int64_t{4}}}}},
};

extern const Op kSumSegments = {
    .name = "sum_segments",
    .summary = "Adds up the values of each row that occurs, in the order of their positions.",
    .formula = "dst[j, :] = sum of values[order[i], :] over starts[j] <= i < starts[j + 1]",
    .inputs = {{"order", "[n], from dedup"},
               {"starts", "[n + 1], from dedup"},
               {"count", "[1], from dedup"},
               {"values", "[n, d]"}},
    .attributes = {{"size", int64_t{-1},
                    "rows of the result, at least as many as can occur; -1: n"},
                   {"zero_rest", true, "whether rows from count on are zero or may be anything"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      if (c.shape(3).rank() != 2 || !is_floating(c.in(3).dtype))
        fail("[sum_segments] takes floating point values [n, d]; got {}", str(c.in(3)));
      const Dim n = c.shape(3)[0];
      check_type(c, 0, "order", {DType::i32, {n}});
      check_type(c, 1, "starts", {DType::i32, {n + 1}});
      check_type(c, 2, "count", {DType::i32, {1}});
      const int64_t size = c.attr<int64_t>("size");
      return {{c.in(3).dtype, {size < 0 ? n : Dim(size), c.shape(3)[1]}}};
    },
    .why_not_differentiable = "it is a part of the optimizer's step",
    .reference = reference_sums,
    .batch = [](const Node&, std::span<const BatchKind>) { return BatchKind::blocked; },
    .traits = {.trusting = true},
};

Dedup dedup(const Value& ids, int64_t n_rows) {
  const std::vector<Value> v = make_node(kDedup, {ids}, {{"n_rows", n_rows}});
  return {v[0], v[1], v[2], v[3]};
}

Value sum_segments(const Dedup& d, const Value& values, int64_t size) {
  return make_value(kSumSegments, {d.order, d.starts, d.count, values},
                    {{"size", size}, {"zero_rest", size < 0}});
}

}  // namespace andiron::ops
