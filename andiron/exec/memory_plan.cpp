#include "andiron/exec/memory_plan.hpp"

#include <algorithm>
#include <numeric>

#include "andiron/tensor/tensor.hpp"

namespace andiron::exec {

int64_t plan_memory(std::vector<Lifetime>& blocks) {
  auto rounded = [](int64_t n) {
    const auto unit = static_cast<int64_t>(kAlignment);
    return (n + unit - 1) / unit * unit;
  };
  std::vector<size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return blocks[a].n_bytes > blocks[b].n_bytes; });

  int64_t arena = 0;
  std::vector<const Lifetime*> placed;  // sorted by offset
  for (size_t index : order) {
    Lifetime& block = blocks[index];
    int64_t offset = 0;
    for (const Lifetime* other : placed) {
      if (other->last < block.first || block.last < other->first) continue;
      if (offset + block.n_bytes <= other->offset) break;
      offset = std::max(offset, other->offset + rounded(other->n_bytes));
    }
    block.offset = offset;
    arena = std::max(arena, offset + rounded(block.n_bytes));
    placed.insert(std::upper_bound(placed.begin(), placed.end(), &block,
                                   [](const Lifetime* a, const Lifetime* b) {
                                     return a->offset < b->offset;
                                   }),
                  &block);
  }
  return arena;
}

}  // namespace andiron::exec
