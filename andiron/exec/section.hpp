#pragma once

#include <memory>
#include <string>
#include <vector>

#include "andiron/exec/kernel.hpp"
#include "andiron/exec/plan.hpp"
#include "andiron/graph/graph.hpp"

namespace andiron::exec {

struct SectionOptions {
  int threads = 1;  ///< per run
  int workers = 1;  ///< how many threads may run the section at once
  int helpers = 0;  ///< of the crew, per run
  /// For each output of the graph: add to the export instead of overwriting it.
  std::vector<bool> accumulate = {};
  /// For each output: the input whose memory the caller passes as the export too, or -1.
  std::vector<int> donated = {};
};

/// A concrete graph without variables as a flat list of kernels over one arena. Imports (the
/// graph's placeholders) and exports (its outputs) are memory of the caller, dense.
/// Immutable; `run` may be called by several workers at once, each with its own arena.
class Section {
 public:
  Section(const Graph& graph, SectionOptions options);

  struct Call {
    const void* const* imports;
    void* const* exports;
    std::byte* arena;  ///< arena_bytes(), 64-byte aligned
    int64_t first_row = 0;
    int worker = 0;
    /// One entry per step when profiling, else null.
    std::vector<double>* seconds = nullptr;
    bool check_numerics = false;
  };
  void run(const Call& call) const;

  size_t arena_bytes() const { return arena_bytes_; }
  size_t n_steps() const { return steps_.size(); }
  DType output_dtype(size_t i) const { return graph_.outputs()[i].dtype(); }
  /// Adds this section's steps with the given seconds to a profile.
  void describe(const std::vector<double>& seconds, int64_t runs,
                std::vector<NodeProfile>& profile) const;
  std::string print() const;

 private:
  friend class SectionBuilder;
  // Memory is base + offset, where base is the arena, an import, an export or nothing (constants).
  struct Place {
    int base = 0;
    int64_t offset = 0;
  };
  struct Step {
    std::unique_ptr<Kernel> kernel;
    std::vector<Place> src, dst;  // base -1: a missing optional input
    Place scratch;
    const Node* node = nullptr;
    std::vector<Operand> dst_operands;
  };
  void check(const Step& step, void* const* dst) const;

  Graph graph_;
  std::vector<Step> steps_;
  std::vector<Tensor> constants_;
  size_t n_imports_ = 0, n_exports_ = 0, arena_bytes_ = 0, max_operands_ = 0;
};

}  // namespace andiron::exec
