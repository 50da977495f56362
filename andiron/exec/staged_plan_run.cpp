#include <omp.h>

#include <cstring>
#include <exception>

#include "andiron/base/error.hpp"
#include "andiron/exec/lane.hpp"
#include "andiron/exec/staged_plan.hpp"

namespace andiron::exec {

namespace {

TensorType type_of(const Tensor& t) { return {t.dtype(), Shape(t.sizes())}; }

bool has_type(const Tensor& t, const TensorType& type) {
  const Sizes& sizes = t.sizes();
  bool same = t.dtype() == type.dtype && sizes.size() == type.shape.size();
  for (size_t a = 0; same && a < sizes.size(); ++a) same = sizes[a] == type.shape[a].size();
  return same;
}

}  // namespace

void StagedPlan::check(std::span<const Tensor> inputs, std::span<Tensor> outputs) const {
  if (inputs.size() != input_types_.size())
    fail("[plan] takes {} inputs; got {}", input_types_.size(), inputs.size());
  if (outputs.size() != output_types_.size())
    fail("[plan] has {} outputs; got room for {}", output_types_.size(), outputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!has_type(inputs[i], input_types_[i]))
      fail("[plan] input '{}' must be {}; got {}",
           graph_.inputs()[i].node().attr<std::string>("name"), str(input_types_[i]),
           str(type_of(inputs[i])));
    if (!inputs[i].dense()) fail("[plan] input {} must be dense", i);
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!has_type(outputs[i], output_types_[i]) || !outputs[i].dense())
      fail("[plan] output {} must be dense {}; got {}", i, str(output_types_[i]),
           str(type_of(outputs[i])));
  }
}

void StagedPlan::run(std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  check(inputs, outputs);
  for (size_t i = 0; i < inputs.size(); ++i)
    input_data_[i] = static_cast<std::byte*>(inputs[i].raw());
  for (size_t i = 0; i < outputs.size(); ++i)
    output_data_[i] = static_cast<std::byte*>(outputs[i].raw());
  // It is missing where memory ran out when another plan wanted a larger one.
  workspace_->reserve(need_);
  if (threads_ == 1) {
    execute();
  } else {
    Lane::main().run([this] { execute(); });
  }
}

std::byte* StagedPlan::address(int slot) const {
  const Slot& s = slots_[static_cast<size_t>(slot)];
  const auto i = static_cast<size_t>(s.index);
  switch (s.kind) {
    case Slot::input:
      return input_data_[i];
    case Slot::output:
      return output_data_[i];
    case Slot::variable:
      return static_cast<std::byte*>(variables_[i]->value().raw());
    case Slot::constant:
      return static_cast<std::byte*>(constants_[i].raw());
    case Slot::buffer:
      break;
  }
  return workspace_->buffers() + buffer_offsets_[i];
}

void StagedPlan::fill_pointers(const StageRun& stage, int worker, int64_t first_row) {
  auto& imports = import_table_[static_cast<size_t>(worker)];
  auto& exports = export_table_[static_cast<size_t>(worker)];
  auto at = [&](int slot) {
    return address(slot) + slots_[static_cast<size_t>(slot)].row_bytes * first_row;
  };
  for (size_t i = 0; i < stage.imports.size(); ++i) imports[i] = at(stage.imports[i]);
  for (size_t i = 0; i < stage.exports.size(); ++i) {
    const bool partial = stage.is_body && stage.partial_offset[i] >= 0;
    exports[i] =
        partial ? workspace_->partials() + worker_partial_bytes_ * worker + stage.partial_offset[i]
                : at(stage.exports[i]);
  }
}

void StagedPlan::execute() {
  for (StageRun& stage : runs_) stage.is_body ? run_tiles(stage) : run_whole(stage);
  for (const CopyBack& c : copies_)
    if (c.n_bytes > 0) std::memcpy(address(c.to), address(c.from), static_cast<size_t>(c.n_bytes));
  ++n_runs_;
}

void StagedPlan::run_whole(StageRun& stage) {
  fill_pointers(stage, 0, 0);
  stage.section->run({import_table_[0].data(), export_table_[0].data(), workspace_->arena(), 0, 0,
                      profile_ ? &stage.seconds : nullptr, check_numerics_});
}

void StagedPlan::run_tiles(StageRun& stage) {
  const int64_t n_tiles = (batch_ + tile_rows_ - 1) / tile_rows_;
  std::exception_ptr error;
#pragma omp parallel num_threads(tile_workers_) if (tile_workers_ > 1)
  {
    const int worker = omp_get_thread_num(), workers = omp_get_num_threads();
    try {
      // A team smaller than planned still covers every tile and every accumulator.
      for (int w = worker; w < tile_workers_; w += workers)
        std::memset(workspace_->partials() + worker_partial_bytes_ * w, 0,
                    static_cast<size_t>(worker_partial_bytes_));
      for (int w = worker; w < tile_workers_; w += workers) {
        const Range tiles = part_of(n_tiles, w, tile_workers_);
        for (int64_t t = tiles.begin; t < tiles.end; ++t) {
          const int64_t first_row = t * tile_rows_;
          const bool is_tail = first_row + tile_rows_ > batch_;
          fill_pointers(stage, w, first_row);
          const Section& section = is_tail ? *stage.tail : *stage.section;
          std::vector<double>& seconds = is_tail ? stage.tail_seconds : stage.seconds;
          section.run({import_table_[static_cast<size_t>(w)].data(),
                       export_table_[static_cast<size_t>(w)].data(),
                       workspace_->arena() + worker_arena_bytes_ * static_cast<size_t>(w),
                       first_row, w, profile_ && w == 0 ? &seconds : nullptr, check_numerics_});
        }
      }
    } catch (...) {
#pragma omp critical(andiron_tile_error)
      if (!error) error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
  add_partial_sums(stage);
}

// Sums the workers' accumulators in their order, whoever adds which elements.
void StagedPlan::add_partial_sums(const StageRun& stage) {
  for (size_t e = 0; e < stage.exports.size(); ++e) {
    if (stage.partial_offset[e] < 0) continue;
    const int slot = stage.exports[e];
    std::byte* dst = address(slot);
    const DType dtype = stage.section->output_dtype(e);
    const std::byte* src = workspace_->partials() + stage.partial_offset[e];
    visit_dtype(dtype, [&]<class T>() {
      const int64_t n = stage.partial_bytes[e] / static_cast<int64_t>(sizeof(T));
      T* sum = reinterpret_cast<T*>(dst);
#pragma omp parallel for num_threads(threads_) schedule(static) if (n > 16384)
      for (int64_t i = 0; i < n; ++i) {
        T total = reinterpret_cast<const T*>(src)[i];
        for (int w = 1; w < tile_workers_; ++w)
          total = static_cast<T>(total +
                                 reinterpret_cast<const T*>(src + worker_partial_bytes_ * w)[i]);
        sum[i] = total;
      }
    });
  }
}

std::vector<NodeProfile> StagedPlan::profile() const {
  std::vector<NodeProfile> profile;
  for (const StageRun& stage : runs_) {
    int64_t runs = n_runs_;
    if (stage.is_body)
      runs *= part_of((batch_ + tile_rows_ - 1) / tile_rows_, 0, tile_workers_).end;
    const size_t first = profile.size();
    stage.section->describe(stage.seconds, runs, profile);
    if (!stage.is_body) continue;
    // One worker is timed; the others do as much meanwhile.
    for (size_t i = first; i < profile.size(); ++i) {
      profile[i].flops *= tile_workers_;
      profile[i].bytes *= tile_workers_;
    }
  }
  return profile;
}

std::string StagedPlan::print() const {
  std::string text = fmt::format("plan: {} threads, {} bytes", threads_, arena_bytes());
  if (tile_rows_ > 0) text += fmt::format(", tiles of {} rows", tile_rows_);
  text += "\n";
  for (const StageRun& stage : runs_)
    text += (stage.is_body ? "-- per tile --\n" : "-- whole batch --\n") + stage.section->print();
  return text;
}

std::vector<std::pair<std::string, std::string>> StagedPlan::stages() const {
  // Compiled once more for it: plans do not carry the graphs between their passes about.
  PassHistory history;
  const StagedPlan again(source_, sizes_, options_, &history);
  std::vector<std::pair<std::string, std::string>> texts;
  for (const auto& [name, graph] : history) texts.emplace_back(name, graph.print());
  texts.emplace_back("plan", print());
  return texts;
}

}  // namespace andiron::exec
