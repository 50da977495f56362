#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "andiron/train/data/table_block.hpp"

namespace andiron::train {

/// A row's content in 128 bits: equal rows have equal hashes, wherever they stand. Not for
/// adversaries: it tells rows apart, it does not prove anything.
struct RowHash {
  uint64_t high = 0, low = 0;
  friend auto operator<=>(const RowHash&, const RowHash&) = default;
};

/// The hashes of a block's rows, over the columns' names and the bytes of their numbers: they do
/// not depend on how rows are cut into batches, on slices or on dictionaries.
void hash_rows(const std::vector<TableColumn>& columns, const TableBlock& block,
               std::vector<RowHash>& out);

/// What identifies data: `content` whatever the order of the rows, `sequence` with it.
struct TableDigest {
  int64_t rows = 0;
  RowHash content;
  uint64_t sequence = 0;

  void add(const std::vector<RowHash>& hashes);
  /// The content as 32 hexadecimal digits.
  std::string str() const;
  friend bool operator==(const TableDigest&, const TableDigest&) = default;
};

}  // namespace andiron::train
