#include <cstring>

#include "andiron/ops/embedding/ids.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::ops {

namespace {

// ids [...] and grad [..., d] as one list: [n] and [n, d]
Value as_rows(const Value& grad) {
  Dim n = 1;
  for (size_t i = 0; i + 1 < grad.shape().size(); ++i) n = n * grad.shape()[i];
  return reshape(grad, {n, grad.shape().back()});
}

}  // namespace

extern const Op kEmbedding = {
    .name = "embedding",
    .summary = "Looks rows of a table up. The gradient with respect to the table is row-sparse.",
    .formula = "dst[..., :] = table[ids[...], :]",
    .inputs = {{"table", "[v, d], floating point"},
               {"ids", "[...], int32 or int64, 0 to v - 1; others are an error at run time"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      check_table(c, 0);
      check_ids(c, 1);
      Shape shape = c.shape(1);
      shape.push_back(c.shape(0)[1]);
      return {{c.in(0).dtype, shape}};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Value ids = reshape(c.in(1), {c.in(1).shape().count()});
      return {row_sparse(ids, as_rows(c.grad()), c.in(0).shape()[0].size()), Value()};
    },
    .reference =
        [](const ReferenceContext& c) {
          const Tensor& table = c.src[0];
          const size_t row_bytes = static_cast<size_t>(table.size(1)) * size_of(table.dtype());
          const auto* rows = static_cast<const char*>(table.raw());
          auto* dst = static_cast<char*>(c.dst[0].raw());
          visit_ids(c.src[1].dtype(), c.src[1].raw(), [&](const auto* ids) {
            for (int64_t i = 0; i < c.src[1].count(); ++i) {
              if (!in_range(ids[i], table.size(0)))
                fail_id("embedding", ids[i], c.first_row + i, table.size(0));
              std::memcpy(dst + static_cast<size_t>(i) * row_bytes,
                          rows + static_cast<size_t>(ids[i]) * row_bytes, row_bytes);
            }
          });
        },
    // The table may also be the result of something that needed the whole batch (catch_up).
    .batch =
        [](const Node&, std::span<const BatchKind> in) {
          const bool whole_table = in[0] == BatchKind::fixed || in[0] == BatchKind::blocked;
          return whole_table && in[1] == BatchKind::rows ? BatchKind::rows : BatchKind::blocked;
        },
    .flops = [](const Node&) { return 0.0; },
    .cases = {{{"f32[5,3]", "i32[4]@0:5"}},
              {{"f32[5,3]", "i64[2,3]@0:5"}},
              {{"f32[7,1]", "i32[9]@0:7"}},
              {{"f32[100,64]", "i64[33]@0:100"}},
              {{"f32[5,3]", "i32[0]@0:5"}},
              {{"f32[5,3]", "i32[]@0:5"}},
              {{"bf16[6,20]", "i32[8]@0:6"}}},
};

Value embedding(const Value& table, const Value& ids) {
  return make_value(kEmbedding, {table, ids});
}

}  // namespace andiron::ops
