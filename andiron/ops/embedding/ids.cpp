#include "andiron/ops/embedding/ids.hpp"

namespace andiron::ops {

void check_ids(const InferContext& c, size_t i) {
  if (c.in(i).dtype != DType::i32 && c.in(i).dtype != DType::i64)
    fail("[{}] ids must be int32 or int64; got {}", c.op, str(c.in(i)));
}

void check_table(const InferContext& c, size_t i) {
  if (!is_floating(c.in(i).dtype) || c.shape(i).rank() != 2)
    fail("[{}] the table must be a floating point matrix [v, d]; got {}", c.op, str(c.in(i)));
  if (!c.shape(i).known()) fail("[{}] the table's sizes must be known; got {}", c.op, str(c.in(i)));
}

void check_type(const InferContext& c, size_t i, std::string_view name, const TensorType& type) {
  if (c.in(i) != type) fail("[{}] {} must be {}; got {}", c.op, name, str(type), str(c.in(i)));
}

void fail_id(std::string_view op, int64_t id, int64_t position, int64_t n_rows) {
  fail("[{}] ids must be row numbers of the table, 0 to {}; got {} at position {}", op, n_rows - 1,
       id, position);
}

}  // namespace andiron::ops
