#include "andiron/exec/native/optimizer_kernels.hpp"

#include <cstring>
#include <vector>

#include "andiron/exec/native/parallel.hpp"
#include "andiron/exec/native/rule_loops.hpp"
#include "andiron/ops/optimizer/flush_denormals.hpp"
#include "andiron/ops/optimizer/operands.hpp"
#include "andiron/ops/optimizer/reference.hpp"
#include "andiron/ops/optimizer/rules.hpp"

namespace andiron::exec {

namespace {

using ops::Replay;

// Elements of a dense sweep that a thread takes at a time, and rows of a table.
constexpr int64_t kSweep = 4096, kRowsChunk = 32;
constexpr int64_t kSerial = 16 * 1024;  // elements that are not worth a parallel region

// What the two ops of tables have in common: a rule, and state that may have to be copied first.
template <class R>
class OptimizerKernel : public Kernel {
 public:
  OptimizerKernel(const KernelRequest& r, size_t first_slot)
      : rule_(r.node.attributes),
        loops_(RuleLoopsOf<R>::get(current_isa())),
        n_slots_(R::n_slots(r.node.attributes)),
        first_slot_(first_slot),
        count_(r.dst[0].count()),
        width_(r.dst[0].cols()),
        exact_(static_cast<int>(r.dst.size()) > n_slots_ + 1),
        threads_(count_ < kSerial ? 1 : r.threads) {}

 protected:
  RuleRun run_at(const KernelCall& call, int64_t begin, int64_t n) const {
    RuleRun run{static_cast<float*>(call.dst[0]) + begin, {}, n};
    for (int s = 0; s < n_slots_; ++s) run.slot[s] = static_cast<float*>(call.dst[s + 1]) + begin;
    return run;
  }
  // Moves elements [begin, begin + n) to dst, where they are not there already.
  void bring(const KernelCall& call, int64_t begin, int64_t n) const {
    for (int i = 0; i <= n_slots_; ++i) {
      const void* src = call.src[i == 0 ? 0 : first_slot_ + static_cast<size_t>(i) - 1];
      if (src == call.dst[i]) continue;
      std::memcpy(static_cast<float*>(call.dst[i]) + begin, static_cast<const float*>(src) + begin,
                  static_cast<size_t>(n) * 4);
    }
  }
  void bring_table(const KernelCall& call) const {
    parallel(threads_, [&](int part, int parts) {
      const Range range = part_of(count_, part, parts, kSweep);
      bring(call, range.begin, range.end - range.begin);
    });
    if (!exact_) return;
    const int last = n_slots_ + 1;
    const void* src = call.src[first_slot_ + static_cast<size_t>(n_slots_)];
    if (src != call.dst[last])
      std::memcpy(call.dst[last], src,
                  static_cast<size_t>(count_ / std::max<int64_t>(width_, 1)) * 4);
  }
  int32_t* last_step(const KernelCall& call) const {
    return exact_ ? static_cast<int32_t*>(call.dst[n_slots_ + 1]) : nullptr;
  }
  void prefetch(const RuleRun& run) const {
    for (int64_t at = 0; at < run.n; at += 16) {
      __builtin_prefetch(run.p + at, 1);
      for (int s = 0; s < n_slots_; ++s) __builtin_prefetch(run.slot[s] + at, 1);
    }
  }

  typename R::template Step<float> rule_;
  const RuleLoops<R>& loops_;
  int n_slots_;
  size_t first_slot_;
  int64_t count_, width_;
  bool exact_;
  int threads_;
};

float scalar(const KernelCall& call, size_t i) { return static_cast<const float*>(call.src[i])[0]; }
int64_t step_of(const KernelCall& call, size_t i) {
  return static_cast<const int64_t*>(call.src[i])[0];
}

// One sweep over all parameters of a group: they are to it one line of elements.
template <class R>
class Update final : public Kernel {
 public:
  explicit Update(const KernelRequest& r)
      : attributes_(r.node.attributes),
        rule_(attributes_),
        loops_(RuleLoopsOf<R>::get(current_isa())),
        in_{static_cast<size_t>(R::n_slots(attributes_))} {
    begins_.push_back(0);
    for (size_t i = 0; i < in_.n_parameters(r.src.size()); ++i)
      begins_.push_back(begins_.back() + r.dst[in_.out(i)].count());
    threads_ = begins_.back() < kSerial ? 1 : r.threads;
  }

  void run(const KernelCall& call) const override {
    const ops::StepScalars k =
        R::scalars(attributes_, scalar(call, in_.kLearningRate), step_of(call, in_.kStep));
    parallel(threads_, [&](int part, int parts) {
      const ops::FlushDenormals flush;
      const Range range = part_of(begins_.back(), part, parts, kSweep);
      for (size_t i = 0; i + 1 < begins_.size(); ++i) {
        const int64_t end = std::min(range.end, begins_[i + 1]) - begins_[i];
        for (int64_t at = std::max(range.begin, begins_[i]) - begins_[i]; at < end; at += kSweep)
          sweep(call, i, at, std::min(kSweep, end - at), k);
      }
    });
  }
  std::string_view name() const override { return "optimizer sweep"; }

 private:
  // Elements [at, at + n) of parameter i.
  void sweep(const KernelCall& call, size_t i, int64_t at, int64_t n,
             const ops::StepScalars& k) const {
    const auto place = [&](size_t output) {
      auto* dst = static_cast<float*>(call.dst[output]) + at;
      const auto* src = static_cast<const float*>(call.src[in_.source_of(output)]) + at;
      if (src != dst) std::memcpy(dst, src, static_cast<size_t>(n) * 4);
      return dst;
    };
    RuleRun run{place(in_.out(i)), {}, n};
    for (size_t s = 0; s < in_.n_slots; ++s) run.slot[s] = place(in_.out(i) + 1 + s);
    loops_.step(rule_, static_cast<int>(in_.n_slots), run,
                static_cast<const float*>(call.src[in_.grad(i)]) + at, k.data());
  }

  Attributes attributes_;
  typename R::template Step<float> rule_;
  const RuleLoops<R>& loops_;
  ops::UpdateInputs in_;
  std::vector<int64_t> begins_;  // where each parameter begins in the line, and the end of all
  int threads_ = 1;
};

template <class R>
class UpdateRows final : public OptimizerKernel<R> {
 public:
  using In = ops::UpdateRowsInputs;
  explicit UpdateRows(const KernelRequest& r)
      : OptimizerKernel<R>(r, In::kSlots),
        attributes_(r.node.attributes),
        by_(ops::values_by(attributes_)),
        stride_(r.src[In::kValues].row_stride) {
    this->threads_ = r.src[In::kValues].count() < kSerial ? 1 : r.threads;
  }

  size_t scratch_bytes() const override {
    return static_cast<size_t>(this->threads_) * sum_bytes();
  }

  void run(const KernelCall& call) const override {
    this->bring_table(call);
    const int64_t step = step_of(call, In::kStep);
    const ops::StepScalars k = R::scalars(attributes_, scalar(call, In::kLearningRate), step);
    const auto* rows = static_cast<const int32_t*>(call.src[In::kRows]);
    const int32_t count = static_cast<const int32_t*>(call.src[In::kCount])[0];
    int32_t* last_step = this->last_step(call);
    const int64_t width = this->width_;
    parallel_chunks(this->threads_, count, kRowsChunk, [&](int64_t begin, int64_t end) {
      const ops::FlushDenormals flush;
      const auto part = static_cast<size_t>(this->threads_ > 1 ? omp_get_thread_num() : 0);
      auto* sum = reinterpret_cast<float*>(call.scratch + part * sum_bytes());
      for (int64_t j = begin; j < end; ++j) {
        if (j + 1 < end) this->prefetch(this->run_at(call, rows[j + 1] * width, width));
        this->loops_.step(this->rule_, this->n_slots_, this->run_at(call, rows[j] * width, width),
                          gradient(call, j, end, sum), k.data());
        if (last_step != nullptr) last_step[rows[j]] = static_cast<int32_t>(step);
      }
    });
  }
  std::string_view name() const override { return "optimizer rows"; }

 private:
  size_t sum_bytes() const { return (static_cast<size_t>(this->width_) * 4 + 63) / 64 * 64; }

  // The gradient of the j-th row that occurs; `sum` is room for it.
  const float* gradient(const KernelCall& call, int64_t j, int64_t end, float* sum) const {
    const auto* values = static_cast<const float*>(call.src[In::kValues]);
    if (by_ == ops::ValuesBy::unique) return values + j * stride_;
    if (by_ == ops::ValuesBy::table)
      return values + static_cast<const int32_t*>(call.src[In::kRows])[j] * stride_;
    const auto* order = static_cast<const int32_t*>(call.src[In::kOrder]);
    const auto* starts = static_cast<const int32_t*>(call.src[In::kStarts]);
    const int64_t width = this->width_;
    // The next row's first values; the hardware follows from there.
    if (j + 1 < end) prefetch_values(values + order[starts[j + 1]] * stride_);
    if (starts[j + 1] - starts[j] == 1) return values + order[starts[j]] * stride_;
    for (int64_t d = 0; d < width; ++d) sum[d] = 0.0F;
    for (int32_t i = starts[j]; i < starts[j + 1]; ++i) {
      if (i + 2 < starts[j + 1]) prefetch_values(values + order[i + 2] * stride_);
      const float* from = values + order[i] * stride_;
      for (int64_t d = 0; d < width; ++d) sum[d] += from[d];
    }
    return sum;
  }
  void prefetch_values(const float* row) const {
    for (int64_t d = 0; d < this->width_; d += 16) __builtin_prefetch(row + d);
  }

  Attributes attributes_;
  ops::ValuesBy by_;
  int64_t stride_;
};

template <class R>
class CatchUp final : public OptimizerKernel<R> {
 public:
  using In = ops::CatchUpInputs;
  explicit CatchUp(const KernelRequest& r)
      : OptimizerKernel<R>(r, In::kSlots),
        replay_(R::replay(r.node.attributes)),
        listed_(r.node.inputs[In::kRows].defined()),
        n_rows_(r.dst[0].sizes[0]),
        n_history_(r.src[In::kHistory].sizes[0]) {}

  void run(const KernelCall& call) const override {
    this->bring_table(call);
    if (replay_ == Replay::none) return;
    std::atomic<int64_t> lost = INT64_MAX;
    if (!listed_) {
      each(call, 0, n_rows_, lost, [](int64_t j) { return j; });
    } else {
      const auto* rows = static_cast<const int32_t*>(call.src[In::kRows]);
      const int32_t count = static_cast<const int32_t*>(call.src[In::kCount])[0];
      each(call, 0, count, lost, [rows](int64_t j) { return static_cast<int64_t>(rows[j]); });
      const ops::RowRange turn = ops::turn_of(step_of(call, In::kStep), n_history_, n_rows_);
      each(call, turn.begin, turn.end, lost, [](int64_t j) { return j; });
    }
    if (lost < INT64_MAX)
      ops::fail_history(R::kName, lost, this->last_step(call)[lost.load()],
                        step_of(call, In::kStep), n_history_);
  }
  std::string_view name() const override { return "optimizer replay"; }

 private:
  template <class RowOf>
  void each(const KernelCall& call, int64_t first, int64_t last, std::atomic<int64_t>& lost,
            RowOf row_of) const {
    const int64_t step = step_of(call, In::kStep), width = this->width_;
    const auto* history = static_cast<const float*>(call.src[In::kHistory]);
    int32_t* last_step = this->last_step(call);
    parallel_chunks(this->threads_, last - first, kRowsChunk, [&](int64_t begin, int64_t end) {
      const ops::FlushDenormals flush;
      for (int64_t j = first + begin; j < first + end; ++j) {
        const int64_t row = row_of(j);
        int64_t done = last_step[row];
        if (done >= step - 1 || (done == 0 && replay_ == Replay::all)) continue;
        if (replay_ == Replay::last) done = step - 2;
        if (step - 1 - done > n_history_) {
          lower(lost, row);
          continue;
        }
        this->loops_.replay(this->rule_, this->n_slots_, this->run_at(call, row * width, width),
                            {history, n_history_, done + 1, step - 1});
        last_step[row] = static_cast<int32_t>(step - 1);
      }
    });
  }

  Replay replay_;
  bool listed_;
  int64_t n_rows_, n_history_;
};

template <class R>
std::unique_ptr<Kernel> make_for(const KernelRequest& r, std::string_view what) {
  if (what == "update") return std::make_unique<Update<R>>(r);
  if (what == "update_rows") return std::make_unique<UpdateRows<R>>(r);
  if (what == "catch_up") return std::make_unique<CatchUp<R>>(r);
  return nullptr;
}

}  // namespace

std::unique_ptr<Kernel> make_optimizer(const KernelRequest& r) {
  const std::string_view op = r.node.op->name;
  const size_t cut = op.find('_');
  if (cut == std::string_view::npos || r.dst[0].dtype != DType::f32) return nullptr;
  const std::string_view optimizer = op.substr(0, cut), what = op.substr(cut + 1);
  for (size_t i = 0; i < r.src.size(); ++i)
    if (r.node.inputs[i].defined() && !r.src[i].dense() &&
        !(what == "update_rows" && i == ops::UpdateRowsInputs::kValues))
      return nullptr;
  std::unique_ptr<Kernel> kernel;
  ops::visit_rule(optimizer, [&]<class R>() { kernel = make_for<R>(r, what); });
  return kernel;
}

}  // namespace andiron::exec
