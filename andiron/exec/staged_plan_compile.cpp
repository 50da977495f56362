#include <omp.h>
#include <unistd.h>

#include <algorithm>

#include "andiron/base/error.hpp"
#include "andiron/exec/native/program_kernel.hpp"
#include "andiron/exec/staged_plan.hpp"

namespace andiron::exec {

namespace {

constexpr const char* kBatch = "batch";
// Fewer rows per worker than this do not pay for the accumulators of weight gradients.
constexpr int64_t kMinRowsPerWorker = 256;
// Below this many operations waking other threads costs more than it saves: such plans run on the
// caller's thread.
constexpr double kTinyPlanFlops = 4e6;
constexpr int64_t kMinTile = 64, kMaxTile = 1024, kTileUnit = 16;
// Of a tile of less than kMinTile rows.
constexpr int64_t kMaxTileBytes = int64_t{64} << 20;

int64_t l2_bytes() {
  const long size = sysconf(_SC_LEVEL2_CACHE_SIZE);
  return size > 0 ? size : 512 * 1024;
}

bool is_leaf(const Node& node) {
  return node.is("input") || node.is("variable") || node.is("constant");
}

// The value whose memory v takes over by its op's contract, or an undefined one.
Value overwritten_by(const Value& v) {
  if (is_leaf(v.node()) || v.node().op->traits.elementwise) return {};
  const int i = inplace_input(v.node(), v.index());
  return i < 0 ? Value() : v.node().inputs[static_cast<size_t>(i)];
}

double total_flops(const Graph& concrete) {
  double total = 0;
  for (const Node* node : concrete.nodes()) {
    if (is_leaf(*node)) continue;
    if (node->op->flops != nullptr) {
      total += node->op->flops(*node);
    } else {
      for (const TensorType& t : node->outputs)
        total += static_cast<double>(t.shape.count().size());
    }
  }
  return total;
}

}  // namespace

StagedPlan::StagedPlan(const Graph& graph, const std::map<std::string, int64_t>& sizes,
                       const PlanOptions& options, PassHistory* history)
    : source_(graph),
      options_(options),
      sizes_(sizes),
      profile_(options.profile),
      check_numerics_(options.check_numerics) {
  // oneDNN's products are wrong when fewer threads come than were asked for (OMP_THREAD_LIMIT).
  threads_ =
      std::min(options.threads > 0 ? options.threads : default_threads(), omp_get_thread_limit());
  if (auto it = sizes_.find(kBatch); it != sizes_.end()) batch_ = it->second;
  const Graph concrete = bind_sizes(graph, sizes_);
  auto take_types = [&](const std::vector<Value>& values, std::vector<TensorType>& types,
                        const char* what) {
    for (const Value& v : values) {
      if (!v.shape().known())
        fail("[plan] {} {} has the open shape {}: give every symbol a size", what, types.size(),
             v.shape().str());
      types.push_back(v.type());
    }
  };
  take_types(concrete.inputs(), input_types_, "input");
  take_types(concrete.outputs(), output_types_, "output");

  helpers_ = options.helpers;
  if (options.threads <= 0 && total_flops(concrete) < kTinyPlanFlops) {
    helpers_ = threads_ - 1;
    threads_ = 1;
  }
  // Rows that are not there would have to be told from those that are.
  const bool commute = options.fuse && !options.check_numerics;
  graph_ = optimise_symbolic(graph, sizes_, threads_, commute, history);
  variables_ = graph_.variables();
  const Tiling tiling = classify(graph_, kBatch);
  const bool tiled = options.tile && batch_ > 0 && worth_tiling(tiling);

  std::vector<const Node*> before, body, after;
  for (const Node* node : graph_.nodes()) {
    if (is_leaf(*node)) continue;
    const Stage stage = tiled ? tiling.stage.at(node) : Stage::after;
    (stage == Stage::before ? before : stage == Stage::body ? body : after).push_back(node);
  }
  const bool serial = std::any_of(body.begin(), body.end(),
                                  [](const Node* node) { return node->op->traits.serial; });
  tile_workers_ = serial ? 1 : threads_;
  find_donated_variables(tiling, tiled);
  if (!before.empty()) make_stage(before, false, history, "before the tiles");
  if (!body.empty()) make_stage(body, true, history, "per tile");
  if (!after.empty()) make_stage(after, false, history, tiled ? "after the tiles" : "whole batch");
  plan_copies();
  allocate();
}

bool StagedPlan::worth_tiling(const Tiling& tiling) const {
  if (!tiling.has_body) return false;
  bool sums = false;
  for (const auto& [node, kind] : tiling.kind) sums |= kind == BatchKind::partial_sum;
  // A few layers before one that needs the whole batch are better off with it, too.
  if (tiling.heavy < tiling.kept_out) return false;
  const int64_t rows_per_worker = batch_ / threads_;
  return tiling.heavy > 0 && rows_per_worker >= (sums ? kMinRowsPerWorker : kMinTile);
}

// An update may be written over the variable when it is made by a chain of ops that overwrite their
// input, and when nothing reads an older value of the chain in a later stage.
void StagedPlan::find_donated_variables(const Tiling& tiling, bool tiled) {
  std::unordered_map<Value, std::vector<const Node*>, ValueHash> readers;
  for (const Node* node : graph_.nodes())
    for (const Value& v : node->inputs)
      if (v.defined()) readers[v].push_back(node);
  auto stage = [&](const Node* node) { return tiled ? tiling.stage.at(node) : Stage::after; };
  auto is_output = [&](const Value& v) {
    const auto& outputs = graph_.outputs();
    return std::find(outputs.begin(), outputs.end(), v) != outputs.end();
  };

  for (const Graph::Update& update : graph_.updates()) {
    const auto it = std::find(variables_.begin(), variables_.end(), update.variable);
    const int variable = static_cast<int>(it - variables_.begin());
    std::vector<Value> chain;
    bool good = !is_output(update.value);
    Value v = update.value;
    while (good) {
      const Value old = overwritten_by(v);
      good = old.defined() && !is_output(old) && in_variable_.count(v) == 0;
      if (!good) break;
      for (const Node* reader : readers[old])
        good &= reader == &v.node() || stage(reader) <= stage(&v.node());
      chain.push_back(v);
      if (old.node().is("variable")) {
        good &= old.node().attr<VariablePtr>("variable") == update.variable;
        break;
      }
      v = old;
    }
    if (!good) continue;
    for (const Value& value : chain) in_variable_[value] = variable;
  }
}

StagedPlan::Slot StagedPlan::new_slot(const Value& v) {
  Slot slot{Slot::buffer, 0, 0};
  const TensorType type{v.dtype(), v.shape().bind(sizes_)};
  const int64_t n_bytes = type.shape.count().size() * static_cast<int64_t>(size_of(type.dtype));
  if (batch_ > 0 && !v.shape().empty() && v.shape()[0].multiple_of(kBatch) > 0)
    slot.row_bytes = n_bytes / batch_;
  auto index_in = [&](const std::vector<Value>& values) {
    const auto it = std::find(values.begin(), values.end(), v);
    return it == values.end() ? -1 : static_cast<int>(it - values.begin());
  };
  auto variable_index = [&](const VariablePtr& variable) {
    return static_cast<int>(std::find(variables_.begin(), variables_.end(), variable) -
                            variables_.begin());
  };
  if (v.node().is("input")) {
    slot.kind = Slot::input;
    slot.index = index_in(graph_.inputs());
  } else if (v.node().is("variable")) {
    slot.kind = Slot::variable;
    slot.index = variable_index(v.node().attr<VariablePtr>("variable"));
  } else if (v.node().is("constant")) {
    slot.kind = Slot::constant;
    slot.index = static_cast<int>(constants_.size());
    constants_.push_back(v.node().attr<Tensor>("tensor"));
  } else if (auto it = in_variable_.find(v); it != in_variable_.end()) {
    slot.kind = Slot::variable;
    slot.index = it->second;
  } else if (const int output = index_in(graph_.outputs()); output >= 0) {
    slot.kind = Slot::output;
    slot.index = output;
  } else {
    slot.index = static_cast<int>(buffer_bytes_.size());
    buffer_bytes_.push_back(n_bytes);
  }
  return slot;
}

int StagedPlan::slot_of(const Value& v) {
  auto it = slot_of_.find(v);
  if (it != slot_of_.end()) return it->second;
  slots_.push_back(new_slot(v));
  const int index = static_cast<int>(slots_.size()) - 1;
  slot_of_[v] = index;
  return index;
}

// For each export that lies in a variable: the import it overwrites.
std::vector<int> StagedPlan::donations(const StageGraph& stage) const {
  std::vector<int> donated;
  for (const Value& e : stage.exports) {
    int import = -1;
    if (in_variable_.count(e) > 0) {
      for (Value v = overwritten_by(e); v.defined() && import < 0; v = overwritten_by(v)) {
        const auto it = std::find(stage.imports.begin(), stage.imports.end(), v);
        if (it != stage.imports.end()) import = static_cast<int>(it - stage.imports.begin());
      }
    }
    donated.push_back(import);
  }
  return donated;
}

std::unique_ptr<Section> StagedPlan::make_section(const StageGraph& stage, int64_t batch,
                                                  bool is_body, const std::vector<bool>& accumulate,
                                                  PassHistory* history, const std::string& name) {
  std::map<std::string, int64_t> sizes = sizes_;
  if (batch_ > 0) sizes[kBatch] = batch;
  const FuseRules rules = fuse_rules();
  const Graph graph = optimise_concrete(bind_sizes(stage.graph, sizes),
                                        options_.fuse ? &rules : nullptr, history, name);
  SectionOptions section;
  // Tiles run side by side, or one after another with all threads for each node.
  section.threads = is_body && tile_workers_ > 1 ? 1 : threads_;
  section.workers = is_body ? tile_workers_ : 1;
  section.helpers = !is_body && threads_ == 1 ? helpers_ : 0;
  section.accumulate = accumulate;
  section.donated = donations(stage);
  return std::make_unique<Section>(graph, section);
}

// As many rows as keep what a tile works on at a time in the L2 cache, such that the workers'
// shares are nearly equal. Not all of a tile's activations are in use at once: tiles of twice the
// cache are 2 % faster for NCF than tiles of three quarters of it (benchmarks/results.md).
void StagedPlan::choose_tile(const StageGraph& body) {
  int64_t rows = options_.tile_rows;
  if (rows <= 0) {
    const auto probe = make_section(body, kMinTile, true, {});
    const int64_t per_row =
        std::max<int64_t>(1, static_cast<int64_t>(probe->arena_bytes()) / kMinTile);
    // Images are large: a few of them keep a thread busy.
    const int64_t least = std::clamp<int64_t>(kMaxTileBytes / per_row, 1, kMinTile);
    rows = std::clamp(l2_bytes() * 2 / per_row, least, kMaxTile);
  }
  const int64_t per_worker = (batch_ + tile_workers_ - 1) / tile_workers_;
  const int64_t tiles = std::max<int64_t>(1, (per_worker + rows - 1) / rows);
  rows = (per_worker + tiles - 1) / tiles;
  if (rows >= kTileUnit) rows = (rows + kTileUnit - 1) / kTileUnit * kTileUnit;
  tile_rows_ = std::min(batch_, rows);
}

void StagedPlan::make_stage(std::vector<const Node*> members, bool is_body, PassHistory* history,
                            const std::string& name) {
  const StageGraph stage = cut(graph_, members);
  StageRun run;
  run.is_body = is_body;
  for (const Value& v : stage.imports) run.imports.push_back(slot_of(v));
  for (const Value& v : stage.exports) run.exports.push_back(slot_of(v));
  if (!is_body) {
    run.section = make_section(stage, batch_, false, {}, history, name);
    arena_bytes_ = std::max(arena_bytes_, run.section->arena_bytes());
  } else {
    std::vector<bool> accumulate;
    for (size_t i = 0; i < stage.exports.size(); ++i) {
      const Value& v = stage.exports[i];
      const bool sum = slots_[static_cast<size_t>(run.exports[i])].row_bytes == 0;
      accumulate.push_back(sum);
      const int64_t n_bytes =
          sum ? v.shape().bind(sizes_).count().size() * static_cast<int64_t>(size_of(v.dtype()))
              : 0;
      run.partial_offset.push_back(sum ? worker_partial_bytes_ : -1);
      run.partial_bytes.push_back(n_bytes);
      worker_partial_bytes_ += (n_bytes + 63) / 64 * 64;
    }
    choose_tile(stage);
    run.section = make_section(stage, tile_rows_, true, accumulate, history, name);
    const int64_t rest = batch_ % tile_rows_;
    if (rest > 0) run.tail = make_section(stage, rest, true, accumulate);
    worker_arena_bytes_ =
        std::max(run.section->arena_bytes(), run.tail ? run.tail->arena_bytes() : size_t{0});
  }
  if (profile_) {
    run.seconds.assign(run.section->n_steps(), 0.0);
    if (run.tail) run.tail_seconds.assign(run.tail->n_steps(), 0.0);
  }
  const size_t workers = is_body ? static_cast<size_t>(tile_workers_) : 1;
  if (import_table_.size() < workers) {
    import_table_.resize(workers);
    export_table_.resize(workers);
  }
  for (size_t w = 0; w < workers; ++w) {
    import_table_[w].resize(std::max(import_table_[w].size(), run.imports.size()));
    export_table_[w].resize(std::max(export_table_[w].size(), run.exports.size()));
  }
  runs_.push_back(std::move(run));
}

// Outputs and updates that no kernel writes in place: leaves, repeated outputs, updates computed
// elsewhere.
void StagedPlan::plan_copies() {
  auto copy = [&](const Value& from, Slot to) {
    const int source = slot_of(from);
    const Slot& s = slots_[static_cast<size_t>(source)];
    if (s.kind == to.kind && s.index == to.index) return;
    slots_.push_back(to);
    copies_.push_back(
        {source, static_cast<int>(slots_.size()) - 1,
         from.shape().bind(sizes_).count().size() * static_cast<int64_t>(size_of(from.dtype()))});
  };
  const auto& outputs = graph_.outputs();
  for (size_t i = 0; i < outputs.size(); ++i)
    copy(outputs[i], {Slot::output, static_cast<int>(i), 0});
  for (const Graph::Update& update : graph_.updates()) {
    const auto it = std::find(variables_.begin(), variables_.end(), update.variable);
    copy(update.value, {Slot::variable, static_cast<int>(it - variables_.begin()), 0});
  }
}

void StagedPlan::allocate() {
  // One behind the other, in the order of their readers' inputs: the gradients that a group's
  // update reads are one block.
  size_t n_bytes = 0;
  for (int64_t buffer : buffer_bytes_) {
    buffer_offsets_.push_back(n_bytes);
    n_bytes += (static_cast<size_t>(buffer) + 63) / 64 * 64;
  }
  worker_arena_bytes_ = (worker_arena_bytes_ + 4095) / 4096 * 4096;
  need_ = {
      .arena = std::max(arena_bytes_, worker_arena_bytes_ * static_cast<size_t>(tile_workers_)),
      .buffers = n_bytes,
      .partials = static_cast<size_t>(worker_partial_bytes_ * tile_workers_)};
  workspace_ = options_.workspace != nullptr ? options_.workspace : std::make_shared<Workspace>();
  workspace_->reserve(need_);
  input_data_.resize(input_types_.size());
  output_data_.resize(output_types_.size());
}

size_t StagedPlan::arena_bytes() const { return need_.arena + need_.buffers + need_.partials; }

}  // namespace andiron::exec
