#include <bit>

#include "andiron/collective/algorithms.hpp"

// Recursive halving and doubling: Thakur, Rabenseifner and Gropp, "Optimization of collective
// communication operations in MPICH", 2005.
namespace andiron::collective {

namespace {

/// Ranks beyond a power of two give their data to a neighbour and get the sum from it. The others
/// have places 0 .. places - 1.
struct Fold {
  explicit Fold(const Operation& op)
      : rank(op.rank()),
        places(static_cast<int>(std::bit_floor(static_cast<unsigned>(op.size())))),
        extra(op.size() - places) {}

  bool gives() const { return rank < 2 * extra && rank % 2 == 1; }
  bool takes() const { return rank < 2 * extra && rank % 2 == 0; }
  int place() const { return rank < 2 * extra ? rank / 2 : rank - extra; }
  int rank_at(int p) const { return p < extra ? 2 * p : p + extra; }

  int rank, places, extra;
};

// The lower place's data stand at the left, so that both partners compute the same.
void add_in_order(Element element, std::byte* mine, const std::byte* theirs, bool mine_is_left,
                  size_t bytes) {
  const size_t n = bytes / size_of(element);
  if (mine_is_left)
    add(element, mine, mine, theirs, n);
  else
    add(element, mine, theirs, mine, n);
}

template <class Middle>
Result<> folded(Operation& op, std::span<std::byte> data, const Fold& fold, Middle&& middle) {
  const int r = op.rank();
  if (fold.gives()) {
    if (Result<> sent = op.send(r - 1, data); !sent) return sent;
    return op.receive(r - 1, data);
  }
  if (fold.takes()) {
    const std::span<std::byte> arrived = op.scratch(data.size()).first(data.size());
    if (Result<> got = op.receive(r + 1, arrived); !got) return got;
    add_in_order(op.header().element, data.data(), arrived.data(), true, data.size());
  }
  if (Result<> done = middle(); !done) return done;
  if (fold.takes())
    if (Result<> sent = op.send(r + 1, data); !sent) return sent;
  return op.flush();
}

}  // namespace

Result<> allreduce_doubling(Operation& op, std::span<std::byte> data) {
  const Fold fold(op);
  return folded(op, data, fold, [&]() -> Result<> {
    const std::span<std::byte> arrived = op.scratch(data.size()).first(data.size());
    for (int mask = 1; mask < fold.places; mask *= 2) {
      const int partner = fold.rank_at(fold.place() ^ mask);
      if (Result<> sent = op.send(partner, data); !sent) return sent;
      if (Result<> got = op.receive(partner, arrived); !got) return got;
      // The sum overwrites what was sent. The partner reads it without waiting for us.
      if (Result<> left = op.flush(); !left) return left;
      add_in_order(op.header().element, data.data(), arrived.data(), (fold.place() & mask) == 0,
                   data.size());
    }
    return success();
  });
}

Result<> allreduce_halving(Operation& op, std::span<std::byte> data) {
  const Fold fold(op);
  const Element element = op.header().element;
  const size_t n = data.size() / size_of(element);
  // The `mask` segments that a place has when its partner is at distance `mask`.
  auto part = [&](int place, int mask) {
    const auto first = static_cast<size_t>(place & ~(mask - 1));
    const auto places = static_cast<size_t>(fold.places);
    const size_t begin = n * first / places * size_of(element);
    const size_t end = n * (first + static_cast<size_t>(mask)) / places * size_of(element);
    return data.subspan(begin, end - begin);
  };
  return folded(op, data, fold, [&]() -> Result<> {
    const int place = fold.place();
    for (int mask = fold.places / 2; mask > 0; mask /= 2) {
      const int partner = fold.rank_at(place ^ mask);
      const std::span<std::byte> mine = part(place, mask);
      const std::span<std::byte> arrived = op.scratch(mine.size()).first(mine.size());
      if (Result<> sent = op.send(partner, part(place ^ mask, mask)); !sent) return sent;
      if (Result<> got = op.receive(partner, arrived); !got) return got;
      add_in_order(element, mine.data(), arrived.data(), (place & mask) == 0, mine.size());
    }
    for (int mask = 1; mask < fold.places; mask *= 2) {
      const int partner = fold.rank_at(place ^ mask);
      if (Result<> sent = op.send(partner, part(place, mask)); !sent) return sent;
      if (Result<> got = op.receive(partner, part(place ^ mask, mask)); !got) return got;
    }
    return success();
  });
}

}  // namespace andiron::collective
