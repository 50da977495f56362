#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "andiron/exec/workspace.hpp"
#include "andiron/graph/graph.hpp"

namespace andiron::exec {

struct PlanOptions {
  int threads = 0;              ///< 0: all that the process may use (see default_threads)
  int helpers = 0;              ///< threads that may help a plan of one thread (see exec/crew.hpp)
  bool fuse = true;             ///< fuse elementwise chains, bias and activation
  bool tile = true;             ///< run row-wise subgraphs tile by tile
  int64_t tile_rows = 0;        ///< 0: chosen so that a tile's activations fit the L2 cache
  bool profile = false;         ///< time every node
  bool check_numerics = false;  ///< throw Error naming the first node that produced NaN or Inf
  /// Shared with plans that never run at the same time; null: the plan's own.
  std::shared_ptr<Workspace> workspace = nullptr;
};

/// One node's share of the time, for the profiler's table and the Chrome trace.
struct NodeProfile {
  std::string op, name, kernel, types;
  double seconds = 0, flops = 0, bytes = 0;
  int64_t runs = 0;
};

/// A graph compiled for one set of sizes: a flat list of kernels over planned memory.
/// Owns its memory, or shares a workspace; shares the variables. After the first run a run
/// allocates nothing and takes no lock. Thread safety: one run at a time per plan; runs of plans
/// that write the same variables must not overlap.
class Plan {
 public:
  /// `sizes` gives every symbol of the graph a size, e.g. {{"batch", 128}}.
  static std::unique_ptr<Plan> compile(const Graph& graph,
                                       const std::map<std::string, int64_t>& sizes = {},
                                       const PlanOptions& options = {});
  virtual ~Plan() = default;

  /// `inputs` follow the graph's placeholders: dense, of the planned types. `outputs` are dense
  /// tensors of the output types that are overwritten. Variables get their updates.
  virtual void run(std::span<const Tensor> inputs, std::span<Tensor> outputs) = 0;
  std::vector<Tensor> run(std::span<const Tensor> inputs);

  virtual const std::vector<TensorType>& output_types() const = 0;
  /// The graph after all passes, with the memory of each value.
  virtual std::string print() const = 0;
  /// The graph after each pass, in order: (pass name, text).
  virtual std::vector<std::pair<std::string, std::string>> stages() const = 0;
  virtual std::vector<NodeProfile> profile() const = 0;
  /// Of the memory that it works in.
  virtual size_t arena_bytes() const = 0;
};

/// The cores this process may run on, or what `set_default_threads` said.
int default_threads();
void set_default_threads(int threads);

}  // namespace andiron::exec
