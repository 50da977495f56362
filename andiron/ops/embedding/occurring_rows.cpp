#include "andiron/ops/embedding/occurring_rows.hpp"

#include <cstring>

#include "andiron/ops/embedding/ids.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::ops {

namespace {

BatchKind whole_batch(const Node&, std::span<const BatchKind>) { return BatchKind::blocked; }

void reference_places(const ReferenceContext& c) {
  const auto* order = c.src[1].data<int32_t>();
  const auto* starts = c.src[2].data<int32_t>();
  const int32_t count = c.src[3].data<int32_t>()[0];
  auto* dst = c.dst[0].data<int32_t>();
  visit_ids(c.src[0].dtype(), c.src[0].raw(), [&](const auto* ids) {
    const int64_t n_rows = c.attr<int64_t>("n_rows");
    const int64_t bad = first_bad_id(ids, c.src[0].count(), n_rows, false);
    if (bad >= 0) fail_id("embedding", ids[bad], bad, n_rows);
  });
  for (int32_t j = 0; j < count; ++j)
    for (int32_t i = starts[j]; i < starts[j + 1]; ++i) dst[order[i]] = j;
}

void reference_rows(const ReferenceContext& c) {
  const Tensor& table = c.src[0];
  const auto* rows = c.src[1].data<int32_t>();
  const int64_t count = c.src[2].data<int32_t>()[0];
  const size_t row_bytes = static_cast<size_t>(table.size(1)) * size_of(table.dtype());
  auto* dst = static_cast<char*>(c.dst[0].raw());
  const auto* from = static_cast<const char*>(table.raw());
  for (int64_t j = 0; j < count; ++j, dst += row_bytes)
    std::memcpy(dst, from + static_cast<size_t>(rows[j]) * row_bytes, row_bytes);
}

}  // namespace

extern const Op kOccurringPlaces = {
    .name = "occurring_places",
    .summary = "The place of each id's row among the rows that occur in a batch.",
    .formula = "rows[dst[i]] = ids[i]",
    .inputs = {{"ids", "[n] int32 or int64, 0 to n_rows - 1; others are an error at run time"},
               {"order", "[n], from dedup of ids"},
               {"starts", "[n + 1], from dedup"},
               {"count", "[1], from dedup"}},
    .attributes = {{"n_rows", {}, "the table's number of rows", int64_t{0}}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      check_ids(c, 0);
      if (c.shape(0).rank() != 1)
        fail("[occurring_places] ids must be a vector; got {}", str(c.in(0)));
      const Dim n = c.shape(0)[0];
      check_type(c, 1, "order", {DType::i32, {n}});
      check_type(c, 2, "starts", {DType::i32, {n + 1}});
      check_type(c, 3, "count", {DType::i32, {1}});
      return {{DType::i32, c.shape(0)}};
    },
    .why_not_differentiable = "its results are integers",
    .reference = reference_places,
    .batch = whole_batch,
    .flops = [](const Node&) { return 0.0; },
    .traits = {.trusting = true},
};

extern const Op kOccurringRows = {
    .name = "occurring_rows",
    .summary = "The rows of a table that occur in a batch, each once.",
    .formula = "dst[j, :] = table[rows[j], :] for j < count, anything beyond",
    .inputs = {{"table", "[v, d], floating point"},
               {"rows", "[n], from dedup"},
               {"count", "[1], from dedup"}},
    .attributes = {{"size", {}, "rows of the result; at least as many as can occur", int64_t{0}}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      check_table(c, 0);
      if (c.shape(1).rank() != 1)
        fail("[occurring_rows] rows must be a vector; got {}", str(c.in(1)));
      check_type(c, 1, "rows", {DType::i32, {c.shape(1)[0]}});
      check_type(c, 2, "count", {DType::i32, {1}});
      return {{c.in(0).dtype, {c.attr<int64_t>("size"), c.shape(0)[1]}}};
    },
    .why_not_differentiable = "it is a part of the optimizer's step",
    .reference = reference_rows,
    .batch = whole_batch,
    .flops = [](const Node&) { return 0.0; },
    .traits = {.trusting = true},
};

Value occurring_places(const Value& ids, const Dedup& d) {
  return make_value(kOccurringPlaces, {ids, d.order, d.starts, d.count},
                    {{"n_rows", d.order.node().attr<int64_t>("n_rows")}});
}

Value occurring_rows(const Value& table, const Dedup& d, int64_t size) {
  return make_value(kOccurringRows, {table, d.rows, d.count}, {{"size", size}});
}

}  // namespace andiron::ops
