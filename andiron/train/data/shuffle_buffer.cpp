#include "andiron/train/data/shuffle_buffer.hpp"

#include <cstring>

#include "andiron/base/error.hpp"
#include "andiron/train/data/permutation.hpp"

namespace andiron::train {

namespace {

// Rows of `bytes` bytes to places that lie apart.
template <class T>
void scatter(const std::byte* src, std::byte* dst, const uint32_t* places, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    std::memcpy(dst + int64_t{places[i]} * static_cast<int64_t>(sizeof(T)),
                src + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
}

void scatter(const std::byte* src, std::byte* dst, const uint32_t* places, int64_t n,
             int64_t bytes) {
  switch (bytes) {
    case 4:
      return scatter<uint32_t>(src, dst, places, n);
    case 8:
      return scatter<uint64_t>(src, dst, places, n);
    default:
      for (int64_t i = 0; i < n; ++i)
        std::memcpy(dst + int64_t{places[i]} * bytes, src + i * bytes, static_cast<size_t>(bytes));
  }
}

}  // namespace

ShuffleBuffer::ShuffleBuffer(const std::vector<TableColumn>& columns, int64_t capacity,
                             int64_t piece)
    : columns_(columns), capacity_(capacity), room_(1) {
  ANDIRON_ASSERT(capacity > 0 && piece > 0);
  // Rows that were drawn stand until they are gathered, besides those that came for them.
  const int64_t rows = capacity + piece;
  if (rows > UINT32_MAX) fail("[data] a shuffle buffer of {} rows is too long", capacity);
  room_[0].rows = rows;
  for (const TableColumn& c : columns) {
    Sizes sizes = {rows};
    sizes.insert(sizes.end(), c.row.begin(), c.row.end());
    room_[0].columns.emplace_back(c.dtype, std::move(sizes));
  }
  slots_.reserve(static_cast<size_t>(capacity));
  drawn_.reserve(static_cast<size_t>(piece));
  free_.reserve(static_cast<size_t>(rows));
}

void ShuffleBuffer::start(uint64_t key) {
  key_ = key;
  n_drawn_ = 0;
  slots_.clear();
  drawn_.clear();
  free_.clear();
  for (auto place = static_cast<uint32_t>(room_[0].rows); place-- > 0;) free_.push_back(place);
}

void ShuffleBuffer::add(const TableBlock& block, int64_t begin, int64_t n) {
  ANDIRON_ASSERT(n <= wanted() && n <= std::ssize(free_));
  const size_t first = slots_.size();
  slots_.insert(slots_.end(), free_.rbegin(), free_.rbegin() + n);
  free_.resize(free_.size() - static_cast<size_t>(n));
  for (size_t c = 0; c < columns_.size(); ++c) {
    const int64_t bytes = columns_[c].row_bytes();
    scatter(static_cast<const std::byte*>(block.columns[c].raw()) + begin * bytes,
            static_cast<std::byte*>(room_[0].columns[c].raw()), slots_.data() + first, n, bytes);
  }
}

RowPlace ShuffleBuffer::draw() {
  ANDIRON_ASSERT(!slots_.empty());
  const uint64_t slot = bounded(mix_key(key_, n_drawn_++), slots_.size());
  const uint32_t place = slots_[slot];
  slots_[slot] = slots_.back();
  slots_.pop_back();
  drawn_.push_back(place);
  return {0, place};
}

void ShuffleBuffer::recycle() {
  free_.insert(free_.end(), drawn_.begin(), drawn_.end());
  drawn_.clear();
}

}  // namespace andiron::train
