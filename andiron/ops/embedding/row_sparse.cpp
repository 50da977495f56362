#include "andiron/ops/embedding/row_sparse.hpp"

#include "andiron/ops/elementwise.hpp"
#include "andiron/ops/embedding/ids.hpp"
#include "andiron/ops/floating.hpp"

// The gradient of an embedding table: `row_sparse` is its form in graphs, which optimizers and the
// collectives take apart; `embedding_grad_dense` computes it as a matrix.
namespace andiron::ops {

namespace {

std::vector<TensorType> infer(const InferContext& c) {
  check_ids(c, 0);
  if (c.shape(0).rank() != 1 || c.shape(1).rank() != 2 || c.shape(1)[0] != c.shape(0)[0] ||
      !is_floating(c.in(1).dtype))
    fail("[{}] takes ids [n] and floating point values [n, d]; got {} and {}", c.op, str(c.in(0)),
         str(c.in(1)));
  const int64_t n_rows = c.attr<int64_t>("n_rows");
  if (n_rows < 0) fail("[{}] n_rows must not be negative; got {}", c.op, n_rows);
  return {{c.in(1).dtype, {n_rows, c.shape(1)[1]}}};
}

// Row i of the result reaches values through ids[i]; padding reaches nothing.
std::vector<Value> gradient(const GradContext& c) {
  return {Value(), embedding_bag(c.grad(), reshape(c.in(0), {c.in(0).shape()[0], 1}))};
}

void reference(const ReferenceContext& c) {
  const Tensor& values = c.src[1];
  const int64_t n_rows = c.dst[0].size(0), width = values.size(1);
  visit_floating(values.dtype(), [&]<class T>() {
    std::vector<Compute<T>> total(static_cast<size_t>(n_rows * width), Compute<T>(0));
    visit_ids(c.src[0].dtype(), c.src[0].raw(), [&](const auto* ids) {
      for (int64_t i = 0; i < c.src[0].count(); ++i) {
        if (ids[i] < 0) continue;
        if (!in_range(ids[i], n_rows))
          fail_id("embedding_grad_dense", ids[i], c.first_row + i, n_rows);
        for (int64_t j = 0; j < width; ++j)
          total[static_cast<size_t>(ids[i] * width + j)] +=
              static_cast<Compute<T>>(values.data<T>()[i * width + j]);
      }
    });
    for (int64_t i = 0; i < n_rows * width; ++i)
      c.dst[0].data<T>()[i] = static_cast<T>(total[static_cast<size_t>(i)]);
  });
}

const std::vector<InputSpec> kInputs = {
    {"ids", "[n] int32 or int64: the row of each value; negative: none"}, {"values", "[n, d]"}};
const std::vector<AttributeSpec> kAttributes = {
    {"n_rows", {}, "the table's number of rows", int64_t{0}}};
const std::vector<Case> kCases = {{{"i32[6]@0:4", "f32[6,3]"}, {{"n_rows", int64_t{4}}}},
                                  {{"i64[50]@0:7", "f32[50,40]"}, {{"n_rows", int64_t{7}}}},
                                  {{"i64[9]@-3:5", "f32[9,1]"}, {{"n_rows", int64_t{5}}}},
                                  {{"i32[0]@0:4", "f32[0,3]"}, {{"n_rows", int64_t{4}}}},
                                  {{"i32[6]@0:4", "bf16[6,3]"}, {{"n_rows", int64_t{4}}}}};

}  // namespace

extern const Op kRowSparse = {
    .name = "row_sparse",
    .summary = "A matrix given by some of its rows: a gradient's form in graphs, never in plans.",
    .formula = "dst[r, :] = sum of values[i, :] over i with ids[i] = r",
    .inputs = kInputs,
    .attributes = kAttributes,
    .infer = infer,
    .gradient = gradient,
    .reference = reference,
    .batch = [](const Node&, std::span<const BatchKind>) { return BatchKind::blocked; },
    .cases = kCases,
};

extern const Op kEmbeddingGradDense = {
    .name = "embedding_grad_dense",
    .summary = "The gradient of an embedding table as a matrix: adds values up by row.",
    .formula = "dst[r, :] = sum of values[i, :] over i with ids[i] = r",
    .inputs = kInputs,
    .attributes = kAttributes,
    .infer = infer,
    .gradient = gradient,
    .reference = reference,
    .batch =
        [](const Node&, std::span<const BatchKind> in) {
          return in[0] == BatchKind::rows && in[1] == BatchKind::rows ? BatchKind::partial_sum
                                                                      : BatchKind::blocked;
        },
    .flops =
        [](const Node& node) { return static_cast<double>(node.inputs[1].shape().count().size()); },
    .cases = kCases,
};

Value row_sparse(const Value& ids, const Value& values, int64_t n_rows) {
  return make_value(kRowSparse, {ids, values}, {{"n_rows", n_rows}});
}

bool is_row_sparse(const Value& v) { return v.defined() && v.node().op == &kRowSparse; }

Value embedding_grad_dense(const Value& ids, const Value& values, int64_t n_rows) {
  return make_value(kEmbeddingGradDense, {ids, values}, {{"n_rows", n_rows}});
}

Value densify(const Value& v) {
  if (!is_row_sparse(v)) return v;
  return embedding_grad_dense(v.node().inputs[0], v.node().inputs[1],
                              v.node().attr<int64_t>("n_rows"));
}

}  // namespace andiron::ops
