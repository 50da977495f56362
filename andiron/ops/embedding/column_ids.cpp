#include "andiron/ops/embedding/column_ids.hpp"

#include <numeric>

#include "andiron/ops/ops.hpp"

namespace andiron::ops {

std::vector<int64_t> column_offsets(const std::vector<int64_t>& sizes) {
  std::vector<int64_t> offsets(sizes.size(), 0);
  std::partial_sum(sizes.begin(), sizes.end() - 1, offsets.begin() + 1);
  return offsets;
}

extern const Op kColumnIds = {
    .name = "column_ids",
    .summary = "Numbers the ids of several columns through, for one table that holds all of them.",
    .formula = "dst[i, j] = ids[i, j] + sizes[0] + ... + sizes[j - 1]; negative ids stay",
    .inputs = {{"ids", "[n, k] int32 or int64, below their column's size"}},
    .attributes = {{"sizes", {}, "the columns' numbers of rows, [k]", std::vector<int64_t>{1}}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      check_ids(c, 0);
      const auto& sizes = c.attr<std::vector<int64_t>>("sizes");
      const auto k = static_cast<int64_t>(sizes.size());
      if (c.shape(0).rank() != 2 || c.shape(0)[1] != Dim(k) || k == 0)
        fail("[column_ids] ids must be [n, {}], a column for each of sizes; got {}", k,
             str(c.in(0)));
      int64_t total = 0;
      for (int64_t size : sizes) {
        if (size < 0 || size > INT32_MAX)
          fail("[column_ids] sizes must lie in [0, 2^31); got {}", size);
        total += size;
      }
      if (c.in(0).dtype == DType::i32 && total > INT32_MAX)
        fail("[column_ids] {} rows in all need int64 ids", total);
      return {c.in(0)};
    },
    .why_not_differentiable = "its result is an integer",
    .reference =
        [](const ReferenceContext& c) {
          const auto& sizes = c.attr<std::vector<int64_t>>("sizes");
          visit_ids(c.src[0].dtype(), c.src[0].raw(), [&]<class Id>(const Id* ids) {
            const int64_t bad = column_ids(ids, sizes, column_offsets(sizes), 0, c.src[0].size(0),
                                           c.dst[0].data<Id>());
            const auto k = static_cast<int64_t>(sizes.size());
            if (bad >= 0)
              fail_id("column_ids", static_cast<int64_t>(ids[bad]), c.first_row * k + bad,
                      sizes[static_cast<size_t>(bad % k)]);
          });
        },
    .batch = [](const Node&, std::span<const BatchKind> in) { return in[0]; },
    .cases = {{{"i32[7,3]@-2:4"}, {{"sizes", std::vector<int64_t>{4, 9, 5}}}},
              {{"i64[5,1]@0:4"}, {{"sizes", std::vector<int64_t>{4}}}},
              {{"i32[0,2]@0:4"}, {{"sizes", std::vector<int64_t>{4, 4}}}}},
};

Value column_ids(const Value& ids, std::vector<int64_t> sizes) {
  return make_value(kColumnIds, {ids}, {{"sizes", std::move(sizes)}});
}

}  // namespace andiron::ops
