#pragma once

#include <memory>

#include "andiron/exec/kernel.hpp"
#include "andiron/exec/native/hands.hpp"
#include "andiron/exec/native/program.hpp"
#include "andiron/exec/native/vector_ops.hpp"
#include "andiron/passes/fuse.hpp"

namespace andiron::exec {

/// Runs a program. The space is cut into segments that depend on the shape only; threads share the
/// segments out, and reductions are finished over the segments in order, in double: the same bits
/// for any number of threads. Within a segment at most `kFlushRows` rows are added in float.
class ProgramKernel final : public Kernel {
 public:
  /// `threads` and `helpers` as in KernelRequest.
  ProgramKernel(std::unique_ptr<Program> program, int threads, int helpers, std::string name,
                const VectorTable& table = vector_table());

  void run(const KernelCall& call) const override;
  size_t scratch_bytes() const override {
    return part_bytes_ * static_cast<size_t>(hands_.parts()) + totals_bytes_;
  }
  std::string_view name() const override { return name_; }

 private:
  struct Block;
  class Worker;
  void run_segments(const KernelCall& call, int part, int parts) const;
  void finish(const KernelCall& call) const;
  double* totals(const KernelCall& call, int64_t segment) const;

  std::unique_ptr<Program> program_;
  const VectorTable& table_;
  std::string name_;
  Hands hands_;
  int64_t n_segments_ = 1;
  size_t n_totals_ = 0;              ///< doubles per segment
  std::vector<size_t> first_total_;  ///< per fold
  std::vector<size_t> first_sum_;    ///< per fold: floats after a part's registers
  size_t n_sums_ = 0;
  size_t part_bytes_ = 0, totals_bytes_ = 0;
};

/// For kernel_table: one elementwise op or reduction as a program of its own.
std::unique_ptr<Kernel> make_vector_kernel(const KernelRequest& request);
/// For kernel_table: the op `fused`.
std::unique_ptr<Kernel> make_fused_kernel(const KernelRequest& request);
/// What the pass `fuse` may put into one program.
FuseRules fuse_rules();

}  // namespace andiron::exec
