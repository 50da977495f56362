#pragma once

#include <span>

#include "andiron/collective/operation.hpp"

namespace andiron::collective {

/// Data cut into one segment a rank, and segments into chunks, which are what is sent: while a
/// chunk is added up, the system carries those before and after it.
class Segments {
 public:
  static constexpr size_t kChunkBytes = 128 << 10;

  /// n elements, spread as evenly as they can be.
  Segments(std::span<std::byte> data, size_t element_bytes, int ranks)
      : data_(data), element_bytes_(element_bytes), ranks_(static_cast<size_t>(ranks)) {}

  std::span<std::byte> operator[](size_t segment) const {
    const size_t n = data_.size() / element_bytes_;
    const size_t begin = n * segment / ranks_ * element_bytes_;
    const size_t end = n * (segment + 1) / ranks_ * element_bytes_;
    return data_.subspan(begin, end - begin);
  }

 private:
  std::span<std::byte> data_;
  size_t element_bytes_, ranks_;
};

/// Calls f(chunk) for the chunks of a segment until one fails.
template <class F>
Result<> for_each_chunk(std::span<std::byte> segment, F&& f) {
  for (size_t at = 0; at < segment.size(); at += Segments::kChunkBytes) {
    const size_t n = std::min(Segments::kChunkBytes, segment.size() - at);
    if (Result<> r = f(segment.subspan(at, n)); !r) return r;
  }
  return success();
}

/// Sends a segment to the next rank of the ring.
Result<> ring_send(Operation& op, std::span<std::byte> segment);

/// The second half of a ring: `mine` is the segment that this rank has (and already sent); the
/// others arrive from behind and are passed on. segment_of(i) for i in [0, ranks) gives memory.
template <class SegmentOf>
Result<> ring_allgather(Operation& op, int mine, SegmentOf&& segment_of) {
  const int n = op.size(), next = (op.rank() + 1) % n, previous = (op.rank() + n - 1) % n;
  for (int t = 0; t + 1 < n; ++t) {
    const bool last = t + 2 == n;
    const std::span<std::byte> segment =
        segment_of(static_cast<size_t>((mine + 2 * n - 1 - t) % n));
    Result<> r = for_each_chunk(segment, [&](std::span<std::byte> chunk) -> Result<> {
      if (Result<> got = op.receive(previous, chunk); !got) return got;
      return last ? success() : op.send(next, chunk);
    });
    if (!r) return r;
  }
  return success();
}

}  // namespace andiron::collective
