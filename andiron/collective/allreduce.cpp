#include "andiron/collective/algorithms.hpp"

namespace andiron::collective {

namespace {

// Where the next algorithm becomes the faster one: benchmarks/collective.
constexpr size_t kDoublingBytes = 16 << 10;
constexpr size_t kHalvingBytes = 256 << 10;

}  // namespace

Algorithm choose_allreduce(size_t bytes, int ranks, Wire wire) {
  if (wire == Wire::bf16) return Algorithm::direct;
  if (bytes <= kDoublingBytes) return Algorithm::doubling;
  // Two ranks exchange everything at once in any case.
  if (bytes <= kHalvingBytes && ranks > 2) return Algorithm::halving;
  return Algorithm::ring;
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
      return allreduce_direct_bf16(op, data);
  }
  return success();
}

}  // namespace andiron::collective
