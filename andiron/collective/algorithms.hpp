#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "andiron/collective/operation.hpp"

namespace andiron::collective {

/// How an allreduce is done.
enum class Algorithm {
  doubling,  // all exchange everything, log2(ranks) rounds: small
  halving,  // recursive halving, then doubling: 2 log2(ranks) rounds, 2(n-1)/n of the bytes: middle
  direct,   // each rank adds up its own segment of all contributions, block by block: large
  ring,     // reduce-scatter and allgather round a ring, in chunks: large, many ranks
};
/// Depends on its arguments only, so that all ranks choose alike.
Algorithm choose_allreduce(size_t bytes, int ranks, Wire wire);

// The collectives, as index arithmetic. They block until this rank's part is done. Sums have the
// same bits on every rank, and the order of additions depends on ranks, size and algorithm only.
// After a failure the data are undefined. None of them waits for a rank that does not wait for it,
// however small the buffers between them are.

/// data[i] = sum over the ranks. The header tells element and wire.
Result<> allreduce(Operation& op, std::span<std::byte> data);
Result<> allreduce_doubling(Operation& op, std::span<std::byte> data);
Result<> allreduce_halving(Operation& op, std::span<std::byte> data);
Result<> allreduce_direct(Operation& op, std::span<std::byte> data);
Result<> allreduce_ring(Operation& op, std::span<std::byte> data);
/// float32 only.
Result<> allreduce_direct_bf16(Operation& op, std::span<std::byte> data);

/// What each rank gave, one after another: rank r's bytes are [offsets[r], offsets[r + 1]).
struct Gathered {
  std::vector<std::byte> bytes;
  std::vector<size_t> offsets;

  std::span<const std::byte> of(int rank) const {
    const auto r = static_cast<size_t>(rank);
    return std::span(bytes).subspan(offsets[r], offsets[r + 1] - offsets[r]);
  }
};
/// Any number of bytes from each rank. `out` keeps its capacity from call to call.
Result<> allgather(Operation& op, std::span<const std::byte> mine, Gathered& out);

/// Memory of the caller with a slot for each rank: rank r's bytes are [r * slot, r * slot +
/// sizes[r]).
struct Slots {
  std::span<std::byte> memory;  ///< ranks * slot bytes
  size_t slot = 0;
  std::vector<size_t> sizes;  ///< of all ranks; the caller sets its own

  std::span<std::byte> of(size_t rank) const { return memory.subspan(rank * slot, sizes[rank]); }
};
/// The same without a copy: each rank's bytes lie in its slot already, and stay there. Fails when a
/// rank has more than fits.
Result<> allgather(Operation& op, Slots& slots);

/// `data` of rank `header().root` to all. Every rank gives the same size.
Result<> broadcast(Operation& op, std::span<std::byte> data);

/// Returns when every rank has entered.
Result<> barrier(Operation& op);

}  // namespace andiron::collective
