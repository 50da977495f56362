#pragma once

#include <cstdint>
#include <vector>

#include "andiron/ops/embedding/ids.hpp"

namespace andiron::ops {

/// dst[i, j] = ids[i, j] + offsets[j] for rows [begin, end); negative ids stay. The position of the
/// first id that is not below sizes[j], or -1.
template <class Id>
int64_t column_ids(const Id* ids, const std::vector<int64_t>& sizes,
                   const std::vector<int64_t>& offsets, int64_t begin, int64_t end, Id* dst) {
  const auto k = static_cast<int64_t>(sizes.size());
  for (int64_t i = begin; i < end; ++i) {
    for (int64_t j = 0; j < k; ++j) {
      const Id id = ids[i * k + j];
      const auto column = static_cast<size_t>(j);
      if (id >= 0 && static_cast<int64_t>(id) >= sizes[column]) return i * k + j;
      dst[i * k + j] = id < 0 ? id : static_cast<Id>(id + static_cast<Id>(offsets[column]));
    }
  }
  return -1;
}

/// Where each column's rows begin in the one table of all.
std::vector<int64_t> column_offsets(const std::vector<int64_t>& sizes);

}  // namespace andiron::ops
