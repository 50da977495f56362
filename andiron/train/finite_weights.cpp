#include "andiron/train/finite_weights.hpp"

#include <algorithm>

namespace andiron::train {

namespace {

constexpr int64_t kBlock = 4096;

// Times zero, NaN and infinity give NaN: a block is one sum, which takes vector instructions.
template <class T>
bool all_finite(const T* x, int64_t n) {
  for (int64_t start = 0; start < n; start += kBlock) {
    const int64_t end = std::min(n, start + kBlock);
    T sums[8] = {};
    int64_t i = start;
    for (; i + 8 <= end; i += 8)
      for (int64_t k = 0; k < 8; ++k) sums[k] += x[i + k] * T(0);
    for (; i < end; ++i) sums[0] += x[i] * T(0);
    for (const T sum : sums)
      if (!(sum == T(0))) return false;
  }
  return true;
}

bool all_finite(const Tensor& given) {
  if (!is_floating(given.dtype())) return true;
  const Tensor t = given.contiguous();
  if (t.dtype() == DType::f64) return all_finite(t.data<double>(), t.count());
  const Tensor f = t.dtype() == DType::f32 ? t : t.cast(DType::f32);
  return all_finite(f.data<float>(), f.count());
}

}  // namespace

VariablePtr first_not_finite(const std::vector<VariablePtr>& variables) {
  for (const VariablePtr& v : variables)
    if (!all_finite(v->value())) return v;
  return nullptr;
}

}  // namespace andiron::train
