#include "andiron/exec/native/float_vector.hpp"
#include "andiron/exec/native/pool_table.hpp"

namespace andiron::exec::ANDIRON_ISA {

namespace {

constexpr int64_t kWidth = FloatVector::kWidth;
constexpr int kVectors = 4;

struct Largest {
  FloatVector operator()(FloatVector best, FloatVector x) const { return larger_or_nan(best, x); }
  FloatVector end(FloatVector x) const { return x; }
};

struct Mean {
  FloatVector share;
  FloatVector operator()(FloatVector sum, FloatVector x) const { return sum + x; }
  FloatVector end(FloatVector x) const { return x * share; }
};

template <class Fold>
void fold_rows(const float* const* rows, int64_t n, int64_t channels, const Fold& fold,
               float* dst) {
  int64_t c = 0;
  for (; c + kVectors * kWidth <= channels; c += kVectors * kWidth) {
    FloatVector y[kVectors];
    for (int j = 0; j < kVectors; ++j) y[j] = FloatVector::load(rows[0] + c + j * kWidth);
    for (int64_t i = 1; i < n; ++i)
      for (int j = 0; j < kVectors; ++j)
        y[j] = fold(y[j], FloatVector::load(rows[i] + c + j * kWidth));
    for (int j = 0; j < kVectors; ++j) fold.end(y[j]).store(dst + c + j * kWidth);
  }
  for (; c < channels; c += kWidth) {
    const int64_t left = channels - c < kWidth ? channels - c : kWidth;
    FloatVector y = FloatVector::load(rows[0] + c, left);
    for (int64_t i = 1; i < n; ++i) y = fold(y, FloatVector::load(rows[i] + c, left));
    fold.end(y).store(dst + c, left);
  }
}

void largest(const float* const* rows, int64_t n, int64_t channels, float* dst) {
  fold_rows(rows, n, channels, Largest{}, dst);
}

void mean(const float* const* rows, int64_t n, int64_t channels, float share, float* dst) {
  fold_rows(rows, n, channels, Mean{FloatVector(share)}, dst);
}

}  // namespace

extern const PoolTable kPoolTable = {largest, mean};

}  // namespace andiron::exec::ANDIRON_ISA
