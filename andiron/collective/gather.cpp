#include <cstring>
#include <numeric>

#include "andiron/base/error.hpp"
#include "andiron/collective/algorithms.hpp"
#include "andiron/collective/ring.hpp"

namespace andiron::collective {

namespace {

// Up to here one round to everybody is faster than many rounds to a neighbour.
constexpr size_t kDirectBytes = 64 << 10;
constexpr size_t kTreeBytes = 32 << 10;

// sizes[r] of every rank, of which this one knows its own.
Result<> gather_sizes(Operation& op, std::vector<size_t>& sizes) {
  const int n = op.size(), r = op.rank();
  const uint64_t mine = sizes[static_cast<size_t>(r)];
  for (int d = 1; d < n; ++d)
    if (Result<> sent = op.send((r + d) % n, std::as_bytes(std::span(&mine, 1))); !sent)
      return sent;
  for (int d = 1; d < n; ++d) {
    const int peer = (r + n - d) % n;
    uint64_t theirs = 0;
    if (Result<> got = op.receive(peer, std::as_writable_bytes(std::span(&theirs, 1))); !got)
      return got;
    sizes[static_cast<size_t>(peer)] = theirs;
  }
  op.set_total(std::accumulate(sizes.begin(), sizes.end(), size_t{0}));
  return op.flush();
}

// segment_of(rank) is where a rank's bytes are or go to.
template <class SegmentOf>
Result<> gather_segments(Operation& op, SegmentOf&& segment_of) {
  const int n = op.size(), r = op.rank();
  if (n == 1) return success();
  const std::span<std::byte> own = segment_of(static_cast<size_t>(r));
  if (op.header().total > kDirectBytes) {
    if (Result<> sent = ring_send(op, own); !sent) return sent;
    Result<> passed = ring_allgather(op, r, segment_of);
    return passed ? op.flush() : passed;
  }
  for (int d = 1; d < n; ++d)
    if (Result<> sent = op.send((r + d) % n, own); !sent) return sent;
  for (int d = 1; d < n; ++d) {
    const int peer = (r + n - d) % n;
    if (Result<> got = op.receive(peer, segment_of(static_cast<size_t>(peer))); !got) return got;
  }
  return op.flush();
}

}  // namespace

Result<> allgather(Operation& op, std::span<const std::byte> mine, Gathered& out) {
  const auto r = static_cast<size_t>(op.rank());
  std::vector<size_t> sizes(static_cast<size_t>(op.size()));
  sizes[r] = mine.size();
  if (Result<> known = gather_sizes(op, sizes); !known) return known;
  out.offsets.assign(1, 0);
  for (const size_t size : sizes) out.offsets.push_back(out.offsets.back() + size);
  out.bytes.resize(out.offsets.back());
  auto segment_of = [&](size_t rank) {
    return std::span(out.bytes).subspan(out.offsets[rank], sizes[rank]);
  };
  if (!mine.empty()) std::memcpy(segment_of(r).data(), mine.data(), mine.size());
  return gather_segments(op, segment_of);
}

Result<> allgather(Operation& op, Slots& slots) {
  slots.sizes.resize(static_cast<size_t>(op.size()));
  if (Result<> known = gather_sizes(op, slots.sizes); !known) return known;
  for (size_t rank = 0; rank < slots.sizes.size(); ++rank)
    if (slots.sizes[rank] > slots.slot)
      fail("[allgather] rank {} has {} bytes for a slot of {}", rank, slots.sizes[rank],
           slots.slot);
  return gather_segments(op, [&](size_t rank) { return slots.of(rank); });
}

namespace {

// Log2(ranks) rounds: whoever has the data sends them half of the remaining distance.
Result<> broadcast_tree(Operation& op, std::span<std::byte> data, int place) {
  const int n = op.size(), root = static_cast<int>(op.header().root);
  auto rank_at = [&](int p) { return (p + root) % n; };
  int mask = 1;
  for (; mask < n; mask *= 2) {
    if ((place & mask) == 0) continue;
    if (Result<> got = op.receive(rank_at(place - mask), data); !got) return got;
    break;
  }
  for (mask /= 2; mask > 0; mask /= 2) {
    if (place + mask >= n) continue;
    if (Result<> sent = op.send(rank_at(place + mask), data); !sent) return sent;
  }
  return op.flush();
}

}  // namespace

Result<> broadcast(Operation& op, std::span<std::byte> data) {
  const int n = op.size(), root = static_cast<int>(op.header().root);
  if (n == 1) return success();
  const int place = (op.rank() + n - root) % n;
  if (data.size() <= kTreeBytes) return broadcast_tree(op, data, place);
  // A chain in chunks: each rank receives and sends every byte once.
  const int next = (op.rank() + 1) % n, previous = (op.rank() + n - 1) % n;
  Result<> passed = for_each_chunk(data, [&](std::span<std::byte> chunk) -> Result<> {
    if (place > 0)
      if (Result<> got = op.receive(previous, chunk); !got) return got;
    return place + 1 < n ? op.send(next, chunk) : success();
  });
  return passed ? op.flush() : passed;
}

// Hensgen, Finkel and Manber, "Two algorithms for barrier synchronization", 1988.
Result<> barrier(Operation& op) {
  const int n = op.size(), r = op.rank();
  for (int d = 1; d < n; d *= 2) {
    if (Result<> sent = op.send((r + d) % n, {}); !sent) return sent;
    if (Result<> got = op.receive((r + n - d) % n, {}); !got) return got;
  }
  return op.flush();
}

}  // namespace andiron::collective
