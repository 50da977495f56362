#include "andiron/collective/ring.hpp"

#include "andiron/collective/algorithms.hpp"

namespace andiron::collective {

Result<> ring_send(Operation& op, std::span<std::byte> segment) {
  const int next = (op.rank() + 1) % op.size();
  return for_each_chunk(segment, [&](std::span<std::byte> chunk) { return op.send(next, chunk); });
}

// Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms for clusters of workstations", 2009.
// Segment s starts at rank s, collects one contribution at each rank and is complete at rank s - 1,
// from where it goes round once more. A chunk is passed on as soon as it was added to, so there is
// no barrier between the rounds. No chunk in a queue is overwritten: what would do so is the sum
// that contains it.
Result<> allreduce_ring(Operation& op, std::span<std::byte> data) {
  const int n = op.size(), r = op.rank(), next = (r + 1) % n, previous = (r + n - 1) % n;
  const Element element = op.header().element;
  const Segments segments(data, size_of(element), n);
  const std::span<std::byte> arrived = op.scratch(Segments::kChunkBytes);

  if (Result<> sent = ring_send(op, segments[static_cast<size_t>(r)]); !sent) return sent;
  for (int t = 0; t + 1 < n; ++t) {
    const auto s = static_cast<size_t>((r + n - 1 - t) % n);
    Result<> added = for_each_chunk(segments[s], [&](std::span<std::byte> chunk) -> Result<> {
      if (Result<> got = op.receive(previous, arrived.first(chunk.size())); !got) return got;
      add(element, chunk.data(), arrived.data(), chunk.data(), chunk.size() / size_of(element));
      return op.send(next, chunk);
    });
    if (!added) return added;
  }
  Result<> gathered = ring_allgather(op, (r + 1) % n, [&](size_t s) { return segments[s]; });
  return gathered ? op.flush() : gathered;
}

}  // namespace andiron::collective
