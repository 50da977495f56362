#pragma once

#include <array>
#include <memory>
#include <vector>

#include "andiron/exec/native/space.hpp"
#include "andiron/exec/native/vector_form.hpp"
#include "andiron/graph/graph.hpp"

namespace andiron::exec {

/// A graph of elementwise ops, with reductions of their results, as a list of vector operations
/// over blocks that stay in the L1 cache. Slots are the operands of the operations: registers (one
/// block of scratch each), sources that lie in memory as a block does, and such destinations.
struct Program {
  enum class Kind : uint8_t {
    compute,  ///< slot[dst] = op(slot[a], slot[b], slot[c])
    load,     ///< slot[dst] = the block of source `index`
    store,    ///< the block of destination `index` = slot[a]
    fold      ///< folds[index] takes slot[a] in
  };
  struct Step {
    Kind kind = Kind::compute;
    VectorOp op = VectorOp::copy;
    int16_t dst = -1, a = -1, b = -1, c = -1, index = -1;
    std::array<float, 2> imm = {};
  };
  struct Memory {
    int16_t operand;  ///< index among the sources or destinations of the kernel; -1: a constant
    DType dtype;
    Access access;
    float value = 0.0F;  ///< of a constant
  };
  struct FoldResult {
    Fold fold;
    Space::Reduced kind;  ///< all, leading (per column) or trailing (per row)
    int16_t operand;      ///< among the destinations
    DType dtype;
    int64_t step = 1;  ///< elements between results
    bool accumulate = false;
  };

  int64_t rows = 1, cols = 1;
  int64_t block_rows = 1, block_cols = 1;  ///< block_rows > 1 only when a block has whole rows
  int n_registers = 0;
  std::vector<Memory> sources, destinations;  ///< what steps and direct slots refer to
  struct Direct {
    int16_t slot, index;
  };
  std::vector<Direct> direct_sources, direct_destinations;
  std::vector<Step> setup;  ///< loads of what is the same in every block, once
  std::vector<Step> steps;
  std::vector<FoldResult> folds;

  int64_t count() const { return rows * cols; }
  int64_t block() const { return block_rows * block_cols; }
};

/// `inputs` and `outputs` are values whose memory src and dst describe; `nodes` compute outputs
/// from inputs (and constants), producers first. Null when the bytecode cannot do it.
std::unique_ptr<Program> compile_program(const std::vector<Value>& inputs,
                                         const std::vector<Value>& outputs,
                                         const std::vector<const Node*>& nodes,
                                         const KernelRequest& request);

inline constexpr int kMaxSlots = 96;

}  // namespace andiron::exec
