#include "andiron/collective/algorithms.hpp"
#include "andiron/collective/ring.hpp"

namespace andiron::collective {

namespace {

// What a rank adds up of each block. Data go through block by block, so that a block is still in
// the cache when its sums come: a third less time than a ring takes, which goes through all of it
// twice.
constexpr size_t kPieceBytes = 256 << 10;
// Blocks that are contributed to before the first one's sums are needed: hides a network's latency.
constexpr size_t kAhead = 2;

/// One allreduce on its way. In each block rank r adds up segment r of all ranks, its own first,
/// then those of r - 1, r - 2, ..., and sends the sum to all.
class Direct {
 public:
  Direct(Operation& op, std::span<std::byte> data)
      : op_(op),
        data_(data),
        n_(op.size()),
        element_(op.header().element),
        block_bytes_(kPieceBytes * static_cast<size_t>(n_)),
        arrived_(op.scratch(kPieceBytes)) {}

  Result<> run() {
    const size_t blocks = (data_.size() + block_bytes_ - 1) / block_bytes_;
    const size_t ahead = std::min(kAhead, blocks);
    for (size_t i = 0; i < ahead; ++i)
      if (Result<> done = contribute(i); !done) return done;
    for (size_t i = 0; i < blocks; ++i) {
      if (Result<> done = reduce(i); !done) return done;
      if (i + ahead < blocks)
        if (Result<> done = contribute(i + ahead); !done) return done;
      if (i + 1 < ahead) continue;
      if (Result<> done = take(i + 1 - ahead); !done) return done;
    }
    for (size_t i = blocks + 1 - ahead; i < blocks; ++i)
      if (Result<> done = take(i); !done) return done;
    return op_.flush();
  }

 private:
  std::span<std::byte> segment(size_t block, int rank) const {
    const size_t at = block * block_bytes_;
    const size_t n = std::min(block_bytes_, data_.size() - at);
    return Segments(data_.subspan(at, n), size_of(element_), n_)[static_cast<size_t>(rank)];
  }

  Result<> send(int peer, std::span<const std::byte> bytes) {
    return bytes.empty() ? success() : op_.send(peer, bytes);
  }
  Result<> receive(int peer, std::span<std::byte> bytes) {
    return bytes.empty() ? success() : op_.receive(peer, bytes);
  }
  int after(int d) const { return (op_.rank() + d) % n_; }
  int before(int d) const { return (op_.rank() + n_ - d) % n_; }

  Result<> contribute(size_t block) {
    for (int d = 1; d < n_; ++d)
      if (Result<> sent = send(after(d), segment(block, after(d))); !sent) return sent;
    return success();
  }

  Result<> reduce(size_t block) {
    const std::span<std::byte> mine = segment(block, op_.rank());
    for (int d = 1; d < n_; ++d) {
      if (Result<> got = receive(before(d), arrived_.first(mine.size())); !got) return got;
      add(element_, mine.data(), mine.data(), arrived_.data(), mine.size() / size_of(element_));
    }
    for (int d = 1; d < n_; ++d)
      if (Result<> sent = send(after(d), mine); !sent) return sent;
    return success();
  }

  // Overwrites what was contributed: the sum that comes contains it.
  Result<> take(size_t block) {
    for (int d = 1; d < n_; ++d)
      if (Result<> got = receive(before(d), segment(block, before(d))); !got) return got;
    return success();
  }

  Operation& op_;
  std::span<std::byte> data_;
  int n_;
  Element element_;
  size_t block_bytes_;
  std::span<std::byte> arrived_;
};

}  // namespace

Result<> allreduce_direct(Operation& op, std::span<std::byte> data) {
  return data.empty() ? success() : Direct(op, data).run();
}

}  // namespace andiron::collective
