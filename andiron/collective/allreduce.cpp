#include "andiron/collective/algorithms.hpp"

namespace andiron::collective {

namespace {

// Where the next algorithm becomes the faster one: benchmarks/collective.
constexpr size_t kDoublingBytes = 32 << 10;
constexpr size_t kHalvingBytes = 512 << 10;
// With more ranks the segments of a block, one for each, would not stay in the cache.
constexpr int kDirectRanks = 8;

}  // namespace

Algorithm choose_allreduce(size_t bytes, int ranks, Wire wire) {
  if (wire == Wire::bf16) return Algorithm::direct;
  if (bytes <= kDoublingBytes) return Algorithm::doubling;
  // Two ranks exchange everything at once in any case.
  if (bytes <= kHalvingBytes && ranks > 2) return Algorithm::halving;
  return ranks <= kDirectRanks ? Algorithm::direct : Algorithm::ring;
}

Result<> allreduce(Operation& op, std::span<std::byte> data) {
  if (op.size() == 1) return success();
  switch (choose_allreduce(data.size(), op.size(), op.header().wire)) {
    case Algorithm::doubling:
      return allreduce_doubling(op, data);
    case Algorithm::halving:
      return allreduce_halving(op, data);
    case Algorithm::ring:
      return allreduce_ring(op, data);
    case Algorithm::direct:
      return op.header().wire == Wire::bf16 ? allreduce_direct_bf16(op, data)
                                            : allreduce_direct(op, data);
  }
  return success();
}

}  // namespace andiron::collective
