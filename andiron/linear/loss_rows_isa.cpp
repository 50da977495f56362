#include "andiron/exec/native/vector_math.hpp"
#include "andiron/linear/loss_rows.hpp"

namespace andiron::linear::ANDIRON_ISA {

namespace {

using exec::ANDIRON_ISA::exp_of;
using exec::ANDIRON_ISA::sigmoid_of;
using exec::ANDIRON_ISA::softplus_of;

constexpr int kLanes = 16;

inline double sum_of(const double* lane) {
  double wide[kLanes];
  for (int j = 0; j < kLanes; ++j) wide[j] = lane[j];
  for (int width = kLanes / 2; width > 0; width /= 2)
    for (int j = 0; j < width; ++j) wide[j] += wide[j + width];
  return wide[0];
}

// Calls step(i, lane) for each element, 16 at a time, with a partial sum for each lane.
template <class F>
inline double sum_over(int64_t n, F step) {
  double lane[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    float part[kLanes];
    for (int j = 0; j < kLanes; ++j) part[j] = step(i + j);
    for (int j = 0; j < kLanes; ++j) lane[j] += static_cast<double>(part[j]);
  }
  for (int j = 0; i + j < n; ++j) lane[j] += static_cast<double>(step(i + j));
  return sum_of(lane);
}

double softmax(const float* z, int64_t n, int64_t label, float* r) {
  float top = z[0];
  for (int64_t i = 1; i < n; ++i) top = z[i] > top ? z[i] : top;
  const float of_label = z[label];
  const double total = sum_over(n, [&](int64_t i) { return r[i] = exp_of(z[i] - top); });
  const float scale = static_cast<float>(1.0 / total);
  for (int64_t i = 0; i < n; ++i) r[i] *= scale;
  r[label] -= 1.0F;
  return __builtin_log(total) + static_cast<double>(top) - static_cast<double>(of_label);
}

double sigmoid(const float* z, const float* y, int64_t n, float* r) {
  return sum_over(n, [&](int64_t i) {
    const float x = z[i];
    r[i] = sigmoid_of(x) - y[i];
    return softplus_of(x) - y[i] * x;
  });
}

double squared_hinge(const float* z, const float* y, int64_t n, float* r) {
  return sum_over(n, [&](int64_t i) {
    const float t = 2.0F * y[i] - 1.0F;
    const float missing = 1.0F - t * z[i];
    const float m = missing > 0.0F ? missing : 0.0F;
    r[i] = -2.0F * t * m;
    return m * m;
  });
}

void add_scaled(const float* a, float t, const float* b, int64_t n, float* dst) {
  for (int64_t i = 0; i < n; ++i) dst[i] = __builtin_fmaf(t, b[i], a[i]);
}

double dot(const float* a, const float* b, int64_t n) {
  double lane[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int j = 0; j < kLanes; ++j)
      lane[j] += static_cast<double>(a[i + j]) * static_cast<double>(b[i + j]);
  for (int j = 0; i + j < n; ++j)
    lane[j] += static_cast<double>(a[i + j]) * static_cast<double>(b[i + j]);
  return sum_of(lane);
}

}  // namespace

extern const LossRows kLossRows = {softmax, sigmoid, squared_hinge, add_scaled, dot};

}  // namespace andiron::linear::ANDIRON_ISA
