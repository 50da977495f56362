#include "andiron/collective/algorithms.hpp"
#include "andiron/collective/ring.hpp"

namespace andiron::collective {

namespace {

// Numbers of a segment that are exchanged at a time with each peer.
constexpr size_t kBlock = 64 << 10;

}  // namespace

// Rank r adds up segment r of all ranks: its own, then those of r - 1, r - 2, ... A number is
// rounded when it leaves its rank and the sum once more, however many ranks there are; round a
// ring it would be rounded at each.
Result<> allreduce_direct_bf16(Operation& op, std::span<std::byte> data) {
  const int n = op.size(), r = op.rank();
  const Segments segments(data, sizeof(float), n);
  auto segment = [&](int rank) {
    const std::span<std::byte> bytes = segments[static_cast<size_t>(rank)];
    return std::span(reinterpret_cast<float*>(bytes.data()), bytes.size() / sizeof(float));
  };
  auto block = [&](int rank, size_t i) {
    const std::span<float> all = segment(rank);
    const size_t begin = std::min(i * kBlock, all.size());
    return all.subspan(begin, std::min(kBlock, all.size() - begin));
  };
  const size_t longest =
      (data.size() / sizeof(float) + static_cast<size_t>(n) - 1) / static_cast<size_t>(n);
  const size_t blocks = (longest + kBlock - 1) / kBlock;
  // [ranks + 2, block]: what goes to each peer, the sum, what arrives.
  const size_t row = std::min(longest, kBlock);
  auto* words = reinterpret_cast<uint16_t*>(
      op.scratch((static_cast<size_t>(n) + 2) * row * sizeof(uint16_t)).data());
  uint16_t* sum = words + static_cast<size_t>(n) * row;
  uint16_t* arrived = sum + row;
  auto bytes_of = [](uint16_t* at, size_t count) {
    return std::as_writable_bytes(std::span(at, count));
  };

  for (size_t i = 0; i < blocks; ++i) {
    const std::span<float> mine = block(r, i);
    for (int d = 1; d < n; ++d) {
      const int peer = (r + d) % n;
      const std::span<float> theirs = block(peer, i);
      uint16_t* out = words + static_cast<size_t>(peer) * row;
      to_bf16(out, theirs.data(), theirs.size());
      if (theirs.empty()) continue;
      if (Result<> sent = op.send(peer, bytes_of(out, theirs.size())); !sent) return sent;
    }
    for (int d = 1; d < n && !mine.empty(); ++d) {
      const int peer = (r + n - d) % n;
      if (Result<> got = op.receive(peer, bytes_of(arrived, mine.size())); !got) return got;
      add_bf16(mine.data(), arrived, mine.size());
    }
    to_bf16(sum, mine.data(), mine.size());
    from_bf16(mine.data(), sum, mine.size());
    for (int d = 1; d < n && !mine.empty(); ++d)
      if (Result<> sent = op.send((r + d) % n, bytes_of(sum, mine.size())); !sent) return sent;
    for (int d = 1; d < n; ++d) {
      const int peer = (r + n - d) % n;
      const std::span<float> theirs = block(peer, i);
      if (theirs.empty()) continue;
      if (Result<> got = op.receive(peer, bytes_of(arrived, theirs.size())); !got) return got;
      from_bf16(theirs.data(), arrived, theirs.size());
    }
    // The rows are used again. Whoever has not read its message yet does so before it waits here.
    if (Result<> left = op.flush(); !left) return left;
  }
  return success();
}

}  // namespace andiron::collective
