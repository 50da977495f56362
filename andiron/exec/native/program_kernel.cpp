#include "andiron/exec/native/program_kernel.hpp"

#include <algorithm>
#include <cstring>

#include "andiron/base/error.hpp"
#include "andiron/exec/native/folds.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kFlushRows = 64;
constexpr int64_t kSegmentElements = 16384;
constexpr int64_t kMaxSegments = 64;
constexpr int64_t kMaxColumnTotals = 1 << 18;
// Each segment keeps a total of every column: with fewer rows that is more work than the sums.
constexpr int64_t kMinRowsOfColumnSums = 32;

// What is worth the crew's help, in elements of a plain sum: some five microseconds.
constexpr int64_t kSharedWork = 65536;

int64_t work_of(const Program& p) {
  int64_t per_element = 0;
  for (const Program::Step& step : p.steps)
    per_element += step.kind == Program::Kind::compute ? cost_of(step.op) : 1;
  return per_element * p.count();
}

size_t aligned(size_t n_bytes) { return (n_bytes + kAlignment - 1) / kAlignment * kAlignment; }

double folded(Fold fold, double a, double b) {
  if (fold == Fold::sum) return a + b;
  if (fold == Fold::product) return a * b;
  if (fold == Fold::max) return a > b || a != a ? a : b;
  return a < b || a != a ? a : b;
}

void write_result(const Program::FoldResult& fold, void* dst, int64_t i, double value) {
  if (fold.dtype == DType::bf16) {
    static_cast<bfloat16*>(dst)[i * fold.step] = static_cast<float>(value);
  } else {
    float& y = static_cast<float*>(dst)[i * fold.step];
    y = fold.accumulate ? y + static_cast<float>(value) : static_cast<float>(value);
  }
}

}  // namespace

ProgramKernel::ProgramKernel(std::unique_ptr<Program> program, int threads, int helpers,
                             std::string name, const VectorTable& table)
    : program_(std::move(program)), table_(table), name_(std::move(name)) {
  const Program& p = *program_;
  const bool flat = p.rows == 1;
  const int64_t units = flat ? (p.cols + p.block_cols - 1) / p.block_cols
                             : (p.rows + p.block_rows - 1) / p.block_rows;
  n_segments_ = std::clamp<int64_t>(p.count() / kSegmentElements, 1, kMaxSegments);
  n_segments_ = std::clamp<int64_t>(n_segments_, 1, std::max<int64_t>(units, 1));
  for (const Program::FoldResult& fold : p.folds) {
    first_total_.push_back(n_totals_);
    first_sum_.push_back(n_sums_);
    if (fold.kind == Space::Reduced::all) n_totals_ += 1;
    if (fold.kind == Space::Reduced::leading) {
      n_totals_ += static_cast<size_t>(p.cols);
      n_sums_ += static_cast<size_t>(p.cols);
    }
  }
  if (n_sums_ > 0) {
    const int64_t most =
        std::min(kMaxColumnTotals / static_cast<int64_t>(n_sums_), p.rows / kMinRowsOfColumnSums);
    n_segments_ = std::clamp<int64_t>(most, 1, n_segments_);
  }
  hands_ = Hands(threads, work_of(p) >= kSharedWork ? helpers : 0, n_segments_);
  part_bytes_ =
      aligned(static_cast<size_t>(p.n_registers) * aligned(static_cast<size_t>(p.block()) * 4) +
              n_sums_ * sizeof(float));
  totals_bytes_ = static_cast<size_t>(n_segments_) * n_totals_ * sizeof(double);
}

double* ProgramKernel::totals(const KernelCall& call, int64_t segment) const {
  std::byte* first = call.scratch + part_bytes_ * static_cast<size_t>(hands_.parts());
  return reinterpret_cast<double*>(first) + static_cast<size_t>(segment) * n_totals_;
}

/// One block of the space: rows [row, row + n_rows), columns [col, col + n_cols).
struct ProgramKernel::Block {
  int64_t row, n_rows, col, n_cols;
  int64_t count() const { return n_rows * n_cols; }
};

/// What does one part: its slots, its sums.
class ProgramKernel::Worker {
 public:
  Worker(const ProgramKernel& kernel, const KernelCall& call, int part)
      : k_(kernel), p_(*kernel.program_), call_(call) {
    std::byte* memory = call.scratch + k_.part_bytes_ * static_cast<size_t>(part);
    const size_t register_bytes = aligned(static_cast<size_t>(p_.block()) * 4);
    for (int i = 0; i < p_.n_registers; ++i, memory += register_bytes)
      slot_[i] = reinterpret_cast<float*>(memory);
    sums_ = reinterpret_cast<float*>(memory);
    const Block whole{0, p_.block_rows, 0, p_.block_cols};
    for (const Program::Step& step : p_.setup) load(step, whole);
  }

  void segment(int64_t s) {
    totals_ = k_.totals(call_, s);
    begin_folds();
    const bool flat = p_.rows == 1;
    const Range range = flat ? part_of(p_.cols, s, k_.n_segments_, p_.block_cols)
                             : part_of(p_.rows, s, k_.n_segments_, p_.block_rows);
    if (flat) {
      for (int64_t c = range.begin; c < range.end; c += p_.block_cols)
        block({0, 1, c, std::min(p_.block_cols, range.end - c)});
    } else {
      int64_t unflushed = 0;
      for (int64_t r = range.begin; r < range.end; r += p_.block_rows) {
        const int64_t n_rows = std::min(p_.block_rows, range.end - r);
        for (int64_t c = 0; c < p_.cols; c += p_.block_cols)
          block({r, n_rows, c, std::min(p_.block_cols, p_.cols - c)});
        if ((unflushed += n_rows) >= kFlushRows) {
          flush();
          unflushed = 0;
        }
      }
    }
    flush();
  }

 private:
  void begin_folds() {
    for (size_t f = 0; f < p_.folds.size(); ++f) {
      const Program::FoldResult& fold = p_.folds[f];
      const double none = empty_fold(fold.fold);
      if (fold.kind == Space::Reduced::all) totals_[k_.first_total_[f]] = none;
      if (fold.kind != Space::Reduced::leading) continue;
      std::fill_n(totals_ + k_.first_total_[f], p_.cols, none);
      std::fill_n(sums_ + k_.first_sum_[f], p_.cols, static_cast<float>(none));
    }
  }

  void flush() {
    for (size_t f = 0; f < p_.folds.size(); ++f) {
      const Program::FoldResult& fold = p_.folds[f];
      if (fold.kind != Space::Reduced::leading) continue;
      float* sums = sums_ + k_.first_sum_[f];
      fold_table().into[static_cast<size_t>(fold.fold)](totals_ + k_.first_total_[f], sums,
                                                        p_.cols);
      std::fill_n(sums, p_.cols, static_cast<float>(empty_fold(fold.fold)));
    }
  }

  void block(const Block& b) {
    for (const Program::Direct& d : p_.direct_sources) {
      const Program::Memory& m = p_.sources[static_cast<size_t>(d.index)];
      slot_[d.slot] = const_cast<float*>(static_cast<const float*>(call_.src[m.operand])) +
                      m.access.row_offset(b.row) + b.col;
    }
    for (const Program::Direct& d : p_.direct_destinations) {
      const Program::Memory& m = p_.destinations[static_cast<size_t>(d.index)];
      slot_[d.slot] =
          static_cast<float*>(call_.dst[m.operand]) + m.access.row_offset(b.row) + b.col;
    }
    const int64_t n = b.count();
    for (const Program::Step& s : p_.steps) {
      switch (s.kind) {
        case Program::Kind::compute:
          k_.table_.op[static_cast<size_t>(s.op)](slot_[s.dst], at(s.a), at(s.b), at(s.c), n,
                                                  s.imm.data());
          break;
        case Program::Kind::load:
          load(s, b);
          break;
        case Program::Kind::store:
          store(s, b);
          break;
        case Program::Kind::fold:
          fold(s, b);
          break;
      }
    }
  }

  const float* at(int16_t slot) const { return slot < 0 ? nullptr : slot_[slot]; }

  void convert(DType dtype, float* dst, const void* src, int64_t n) const {
    switch (dtype) {
      case DType::f32:
        std::memcpy(dst, src, static_cast<size_t>(n) * sizeof(float));
        break;
      case DType::bf16:
        k_.table_.from_bf16(dst, src, n);
        break;
      case DType::i8:
        k_.table_.from_i8(dst, src, n);
        break;
      case DType::i32:
        k_.table_.from_i32(dst, src, n);
        break;
      case DType::i64:
        k_.table_.from_i64(dst, src, n);
        break;
      default:
        k_.table_.from_u8(dst, src, n);
    }
  }

  void load(const Program::Step& s, const Block& b) const {
    const Program::Memory& m = p_.sources[static_cast<size_t>(s.index)];
    float* dst = slot_[s.dst];
    if (m.operand < 0) {
      std::fill_n(dst, b.count(), m.value);
      return;
    }
    const auto* src = static_cast<const std::byte*>(call_.src[m.operand]);
    const auto item = static_cast<int64_t>(size_of(m.dtype));
    const bool dense = m.access.wide && m.access.affine() && m.access.row_stride() == p_.cols;
    if (dense && b.n_rows > 1) {
      convert(m.dtype, dst, src + b.row * p_.cols * item, b.count());
    } else if (m.dtype == DType::f32 && b.n_cols == 1 && m.access.affine()) {
      const auto* x = reinterpret_cast<const float*>(src) + m.access.row_offset(b.row);
      for (int64_t r = 0; r < b.n_rows; ++r) dst[r] = x[r * m.access.row_stride()];
    } else {
      for (int64_t r = 0; r < b.n_rows; ++r, dst += b.n_cols) {
        const std::byte* row = src + m.access.row_offset(b.row + r) * item;
        if (m.access.wide) {
          convert(m.dtype, dst, row + b.col * item, b.n_cols);
        } else {
          float value = 0;
          convert(m.dtype, &value, row, 1);
          std::fill_n(dst, b.n_cols, value);
        }
      }
    }
  }

  void store_span(DType dtype, std::byte* dst, const float* src, int64_t n) const {
    if (dtype == DType::f32) {
      std::memcpy(dst, src, static_cast<size_t>(n) * sizeof(float));
    } else if (dtype == DType::bf16) {
      k_.table_.to_bf16(dst, src, n);
    } else {
      k_.table_.to_bool(dst, src, n);
    }
  }

  void store(const Program::Step& s, const Block& b) const {
    const Program::Memory& m = p_.destinations[static_cast<size_t>(s.index)];
    auto* dst = static_cast<std::byte*>(call_.dst[m.operand]);
    const auto item = static_cast<int64_t>(size_of(m.dtype));
    const float* src = slot_[s.a];
    if (m.access.affine() && m.access.row_stride() == p_.cols && b.n_rows > 1) {
      store_span(m.dtype, dst + b.row * p_.cols * item, src, b.count());
      return;
    }
    for (int64_t r = 0; r < b.n_rows; ++r, src += b.n_cols)
      store_span(m.dtype, dst + (m.access.row_offset(b.row + r) + b.col) * item, src, b.n_cols);
  }

  void fold(const Program::Step& s, const Block& b) {
    const auto f = static_cast<size_t>(s.index);
    const Program::FoldResult& fold = p_.folds[f];
    const auto how = static_cast<size_t>(fold.fold);
    const float* src = slot_[s.a];
    if (fold.kind == Space::Reduced::all) {
      double& total = totals_[k_.first_total_[f]];
      total = folded(fold.fold, total, fold_table().all[how](src, b.count()));
    } else if (fold.kind == Space::Reduced::leading) {
      fold_table().rows[how](sums_ + k_.first_sum_[f] + b.col, src, b.n_rows, b.n_cols, b.n_cols);
    } else {
      for (int64_t r = 0; r < b.n_rows; ++r) {
        double value = fold_table().all[how](src + r * b.n_cols, b.n_cols);
        if (b.col > 0) value = folded(fold.fold, row_total_[f], value);
        row_total_[f] = value;
        if (b.col + b.n_cols == p_.cols)
          write_result(fold, call_.dst[fold.operand], b.row + r, value);
      }
    }
  }

  const ProgramKernel& k_;
  const Program& p_;
  const KernelCall& call_;
  float* slot_[kMaxSlots];
  float* sums_ = nullptr;
  double* totals_ = nullptr;
  double row_total_[kMaxSlots];  // of rows longer than a block
};

void ProgramKernel::run_segments(const KernelCall& call, int part, int parts) const {
  const Range range = part_of(n_segments_, part, parts);
  if (range.begin == range.end) return;
  Worker worker(*this, call, part);
  for (int64_t s = range.begin; s < range.end; ++s) worker.segment(s);
}

void ProgramKernel::finish(const KernelCall& call) const {
  const Program& p = *program_;
  for (size_t f = 0; f < p.folds.size(); ++f) {
    const Program::FoldResult& fold = p.folds[f];
    if (fold.kind == Space::Reduced::trailing) continue;
    const int64_t n = fold.kind == Space::Reduced::all ? 1 : p.cols;
    for (int64_t i = 0; i < n; ++i) {
      double value = empty_fold(fold.fold);
      for (int64_t s = 0; s < n_segments_; ++s)
        value = folded(fold.fold, value, totals(call, s)[first_total_[f] + static_cast<size_t>(i)]);
      write_result(fold, call.dst[fold.operand], i, value);
    }
  }
}

void ProgramKernel::run(const KernelCall& call) const {
  const Program& p = *program_;
  if (p.count() == 0) {
    for (const Program::FoldResult& fold : p.folds) {
      const int64_t n = fold.kind == Space::Reduced::all        ? 1
                        : fold.kind == Space::Reduced::trailing ? p.rows
                                                                : p.cols;
      for (int64_t i = 0; i < n; ++i)
        write_result(fold, call.dst[fold.operand], i, empty_fold(fold.fold));
    }
    return;
  }
  hands_.run([&](int part, int parts) { run_segments(call, part, parts); });
  finish(call);
}

}  // namespace andiron::exec
