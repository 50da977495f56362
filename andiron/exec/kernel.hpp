#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "andiron/graph/schema.hpp"

namespace andiron::exec {

/// The memory of one operand of a kernel: row-major and dense, except that the rows of the matrix
/// [count / last size, last size] may lie `row_stride` elements apart where a kernel declares it.
struct Operand {
  DType dtype = DType::f32;
  Sizes sizes;
  int64_t row_stride = 0;  ///< elements; equals cols() when dense

  int64_t count() const { return andiron::count_of(sizes); }
  int64_t cols() const { return sizes.empty() ? 1 : sizes.back(); }
  int64_t rows() const { return cols() == 0 ? 0 : count() / cols(); }
  bool dense() const { return row_stride == cols(); }
};

/// What a kernel is made for. Shapes never change afterwards.
struct KernelRequest {
  const Node& node;
  std::vector<Operand> src, dst;
  /// The most threads a run may use. With 1 the kernel may run inside somebody's parallel region
  /// and must not open its own; several threads may then run it at once with other memory.
  int threads = 1;
  /// How many threads may run the kernel at the same time, each under its own KernelCall::worker.
  int workers = 1;
  /// How many threads of the crew may help a run on its caller's thread (see exec/crew.hpp).
  int helpers = 0;
  /// For each dst: dst += result instead of dst = result (only where the entry declares
  /// `accumulates`). Empty means none.
  std::vector<bool> accumulate = {};

  bool adds_to(size_t i) const { return i < accumulate.size() && accumulate[i]; }
};

/// The memory of one run.
struct KernelCall {
  const void* const* src;  ///< null for an optional input that is left out
  void* const* dst;
  std::byte* scratch;      ///< scratch_bytes() bytes, 64-byte aligned, contents undefined
  int64_t first_row = 0;   ///< index of the tile's first row within the batch
  int worker = 0;          ///< in [0, KernelRequest::workers)
};

/// A compiled node: immutable after construction, safe to run from several threads at once.
/// A run allocates nothing and throws only for bad data (an id out of range).
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual void run(const KernelCall& call) const = 0;
  virtual size_t scratch_bytes() const { return 0; }
  virtual std::string_view name() const = 0;  ///< for the profiler: "onednn matmul"
};

struct KernelEntry {
  std::string_view op;
  /// Null when this kernel cannot do the request (dtype, shape); the next entry is asked.
  std::unique_ptr<Kernel> (*make)(const KernelRequest&);
  bool strided_src = false;  ///< understands row_stride of its sources
  bool strided_dst = false;  ///< and of its destinations
  bool accumulates = false;  ///< honours KernelRequest::accumulate
};

/// All fast kernels, the preferred one of an op first: exec/kernel_table.cpp, one line each.
std::span<const KernelEntry> kernel_table();

/// The fast kernel for the request, else the op's reference kernel. Never null; throws Error when
/// the op has neither for these dtypes. Strided operands and accumulation must be declared by the
/// entry, so ask `supports` first.
std::unique_ptr<Kernel> make_kernel(const KernelRequest& request);

struct KernelSupport {
  bool strided_src = false, strided_dst = false, accumulates = false;
};
/// What the kernel that `make_kernel` would choose can do, and that kernel, if there is a fast one.
KernelSupport supports(const KernelRequest& request, std::unique_ptr<Kernel>* kernel = nullptr);

/// Splits [0, n) into `parts` nearly equal ranges whose bounds are multiples of `grain`.
struct Range {
  int64_t begin, end;
};
Range part_of(int64_t n, int64_t part, int64_t parts, int64_t grain = 1);

}  // namespace andiron::exec
