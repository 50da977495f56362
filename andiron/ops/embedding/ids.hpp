#pragma once

#include <cstdint>
#include <string_view>

#include "andiron/base/error.hpp"
#include "andiron/graph/schema.hpp"

/// Shared by the rooms and kernels that look rows up: integer ids of table rows.
namespace andiron::ops {

/// Throws Error unless input i is int32 or int64.
void check_ids(const InferContext& c, size_t i);
/// Throws Error unless input i is a floating point table [v, d] with known sizes.
void check_table(const InferContext& c, size_t i);
/// Throws Error, which calls it `name`, unless input i has this type.
void check_type(const InferContext& c, size_t i, std::string_view name, const TensorType& type);

/// The error of every op that looks rows up.
[[noreturn]] void fail_id(std::string_view op, int64_t id, int64_t position, int64_t n_rows);

/// Calls f(const int32_t*) or f(const int64_t*).
template <class F>
decltype(auto) visit_ids(DType dtype, const void* ids, F&& f) {
  if (dtype == DType::i32) return f(static_cast<const int32_t*>(ids));
  ANDIRON_ASSERT(dtype == DType::i64);
  return f(static_cast<const int64_t*>(ids));
}

/// One comparison for both bounds.
inline bool in_range(int64_t id, int64_t n_rows) {
  return static_cast<uint64_t>(id) < static_cast<uint64_t>(n_rows);
}

/// The position of the first id that is neither a row nor, where allowed, padding (negative);
/// -1 when all are well.
template <class Id>
int64_t first_bad_id(const Id* ids, int64_t n, int64_t n_rows, bool negative_is_padding) {
  for (int64_t i = 0; i < n; ++i) {
    const auto id = static_cast<int64_t>(ids[i]);
    if (!in_range(id, n_rows) && !(negative_is_padding && id < 0)) return i;
  }
  return -1;
}

}  // namespace andiron::ops
