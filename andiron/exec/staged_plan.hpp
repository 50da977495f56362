#pragma once

#include <unordered_map>

#include "andiron/exec/plan.hpp"
#include "andiron/exec/section.hpp"
#include "andiron/passes/pipeline.hpp"
#include "andiron/passes/tile.hpp"

namespace andiron::exec {

/// A plan of up to three stages: before the tiles, the tiled body, after the tiles. Untiled graphs
/// have one stage.
class StagedPlan final : public Plan {
 public:
  /// `history` takes the graph after each pass; it may be null.
  StagedPlan(const Graph& graph, const std::map<std::string, int64_t>& sizes,
             const PlanOptions& options, PassHistory* history = nullptr);

  using Plan::run;
  void run(std::span<const Tensor> inputs, std::span<Tensor> outputs) override;
  const std::vector<TensorType>& output_types() const override { return output_types_; }
  std::string print() const override;
  std::vector<std::pair<std::string, std::string>> stages() const override;
  std::vector<NodeProfile> profile() const override;
  size_t arena_bytes() const override;

 private:
  // Where a value that crosses stages lives.
  struct Slot {
    enum Kind { input, variable, output, buffer, constant } kind;
    int index = 0;
    int64_t row_bytes = 0;  // bytes per row of the batch; 0 when the value has no rows
  };
  struct StageRun {
    std::unique_ptr<Section> section, tail;  // tail: the last, shorter tile of a body
    std::vector<int> imports, exports;       // slots
    std::vector<double> seconds, tail_seconds;
    bool is_body = false;
    // Of a body: where each export's accumulator lies in a worker's partial sums, or -1.
    std::vector<int64_t> partial_offset, partial_bytes;
  };

  bool worth_tiling(const Tiling& tiling) const;
  void make_stage(std::vector<const Node*> members, bool is_body, PassHistory* history,
                  const std::string& name);
  std::unique_ptr<Section> make_section(const StageGraph& stage, int64_t batch, bool is_body,
                                        const std::vector<bool>& accumulate,
                                        PassHistory* history = nullptr,
                                        const std::string& name = "");
  std::vector<int> donations(const StageGraph& stage) const;
  void find_donated_variables(const Tiling& tiling, bool tiled);
  void plan_copies();
  void allocate();
  int slot_of(const Value& v);
  void choose_tile(const StageGraph& body);
  Slot new_slot(const Value& v);

  void check(std::span<const Tensor> inputs, std::span<Tensor> outputs) const;
  void execute();
  void run_whole(StageRun& stage);
  void run_tiles(StageRun& stage);
  void add_partial_sums(const StageRun& stage);
  std::byte* address(int slot) const;
  void fill_pointers(const StageRun& stage, int worker, int64_t first_row);

  Graph source_;  // as it was given
  PlanOptions options_;
  Graph graph_;  // symbolic in the batch, after the algebraic passes
  std::map<std::string, int64_t> sizes_;
  int64_t batch_ = 0, tile_rows_ = 0;
  int threads_ = 1, helpers_ = 0;
  int tile_workers_ = 1;  // threads that run tiles side by side
  bool profile_ = false, check_numerics_ = false;
  std::vector<TensorType> input_types_, output_types_;

  std::vector<VariablePtr> variables_;
  std::vector<Slot> slots_;
  std::unordered_map<Value, int, ValueHash> slot_of_;
  // Values on the way from a variable to its update that may lie in the variable's memory.
  std::unordered_map<Value, int, ValueHash> in_variable_;
  std::vector<int64_t> buffer_bytes_;
  std::vector<Tensor> constants_;
  struct CopyBack {
    int from, to;  // slots
    int64_t n_bytes;
  };
  std::vector<CopyBack> copies_;
  std::vector<StageRun> runs_;
  int64_t n_runs_ = 0;

  std::vector<size_t> buffer_offsets_;
  std::shared_ptr<Workspace> workspace_;
  Workspace::Need need_;
  size_t arena_bytes_ = 0, worker_arena_bytes_ = 0;
  int64_t worker_partial_bytes_ = 0;
  // Pointers of the run under way.
  std::vector<std::byte*> input_data_, output_data_;
  std::vector<std::vector<const void*>> import_table_;
  std::vector<std::vector<void*>> export_table_;
};

}  // namespace andiron::exec
