#include "andiron/train/data/row_hash.hpp"

#include <bit>

#include "andiron/base/error.hpp"
#include "andiron/base/philox.hpp"

namespace andiron::train {

namespace {

// Two lanes that see the value in different ways, each a bijection of what it had.
void absorb(RowHash& hash, uint64_t value, uint64_t key) {
  hash.low = mix_key(hash.low ^ value, key);
  hash.high = mix_key(hash.high + std::rotl(value, 32) * 0xD6E8FEB86659FD93ULL, ~key);
}

uint64_t key_of(const std::string& name) {
  uint64_t key = name.size();
  for (char c : name) key = mix_key(key, static_cast<unsigned char>(c));
  return key;
}

template <class Word>
void absorb_column(const Tensor& column, uint64_t key, std::vector<RowHash>& out) {
  const Word* values = column.data<Word>();
  const size_t width = out.empty() ? 0 : static_cast<size_t>(column.count()) / out.size();
  for (size_t i = 0; i < out.size(); ++i)
    for (size_t k = 0; k < width; ++k) absorb(out[i], values[i * width + k], key + k);
}

}  // namespace

void hash_rows(const std::vector<TableColumn>& columns, const TableBlock& block,
               std::vector<RowHash>& out) {
  out.assign(static_cast<size_t>(block.rows), RowHash{});
  for (size_t c = 0; c < columns.size(); ++c) {
    const uint64_t key = key_of(columns[c].name);
    switch (size_of(columns[c].dtype)) {
      case 1:
        absorb_column<uint8_t>(block.columns[c], key, out);
        break;
      case 2:
        absorb_column<uint16_t>(block.columns[c], key, out);
        break;
      case 4:
        absorb_column<uint32_t>(block.columns[c], key, out);
        break;
      default:
        absorb_column<uint64_t>(block.columns[c], key, out);
        break;
    }
  }
}

void TableDigest::add(const std::vector<RowHash>& hashes) {
  // Sums: any order gives the same, and a row that comes twice counts twice.
  for (const RowHash& h : hashes) {
    content.low += h.low;
    content.high += h.high;
    sequence += mix_key(h.low ^ h.high, static_cast<uint64_t>(rows++));
  }
}

std::string TableDigest::str() const {
  const auto n = static_cast<uint64_t>(rows);
  return fmt::format("{:016x}{:016x}", mix_key(content.high, n), mix_key(content.low, n));
}

}  // namespace andiron::train
