#include "andiron/exec/native/winograd_weights.hpp"

#include <algorithm>
#include <array>

#include "andiron/exec/native/winograd_table.hpp"
#include "andiron/exec/shared_copies.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kTile = WinogradShape::kTile;
constexpr int64_t kMaxKernel = 5, kMaxLanes = 32;

using Factors = std::array<std::array<float, kMaxKernel>, kTile>;

// G: the powers of each point over the product of its distances from the others.
Factors factors(int64_t kernel) {
  const double a = WinogradPoints::a, b = WinogradPoints::b;
  const double points[] = {0, a, -a, b, -b};
  Factors g{};
  for (size_t i = 0; i < 5; ++i) {
    double distances = 1, power = 1;
    for (size_t j = 0; j < 5; ++j)
      if (j != i) distances *= points[i] - points[j];
    for (size_t k = 0; k < static_cast<size_t>(kernel); ++k, power *= points[i])
      g[i][k] = static_cast<float>(power / distances);
  }
  g[kTile - 1][static_cast<size_t>(kernel - 1)] = 1.0F;
  return g;
}

// One channel of `lanes` filters that lie side by side in taps[tap][lane].
template <int64_t kKernel>
void transform(const Factors& g, const float (*taps)[kMaxLanes], int64_t lanes, float* to,
               int64_t matrix) {
  float half[kTile][kKernel][kMaxLanes];
  for (int64_t i = 0; i < kTile; ++i)
    for (int64_t j = 0; j < kKernel; ++j) {
#pragma omp simd
      for (int64_t l = 0; l < lanes; ++l) {
        float sum = 0;
        for (int64_t k = 0; k < kKernel; ++k)
          sum += g[static_cast<size_t>(i)][static_cast<size_t>(k)] * taps[k * kKernel + j][l];
        half[i][j][l] = sum;
      }
    }
  for (int64_t i = 0; i < kTile; ++i)
    for (int64_t j = 0; j < kTile; ++j) {
      float* at = to + (i * kTile + j) * matrix;
#pragma omp simd
      for (int64_t l = 0; l < lanes; ++l) {
        float sum = 0;
        for (int64_t k = 0; k < kKernel; ++k)
          sum += half[i][k][l] * g[static_cast<size_t>(j)][static_cast<size_t>(k)];
        at[l] = sum;
      }
    }
}

// The transpose: taps[tap][lane] of one channel of `lanes` filters side by side.
template <int64_t kKernel>
void transform_back(const Factors& g, const float* from, int64_t plane, int64_t lanes,
                    float (*taps)[kMaxLanes]) {
  float half[kKernel][kTile][kMaxLanes];
  for (int64_t i = 0; i < kKernel; ++i)
    for (int64_t j = 0; j < kTile; ++j) {
#pragma omp simd
      for (int64_t l = 0; l < lanes; ++l) {
        float sum = 0;
        for (int64_t k = 0; k < kTile; ++k)
          sum +=
              g[static_cast<size_t>(k)][static_cast<size_t>(i)] * from[(k * kTile + j) * plane + l];
        half[i][j][l] = sum;
      }
    }
  for (int64_t i = 0; i < kKernel; ++i)
    for (int64_t j = 0; j < kKernel; ++j) {
#pragma omp simd
      for (int64_t l = 0; l < lanes; ++l) {
        float sum = 0;
        for (int64_t k = 0; k < kTile; ++k)
          sum += half[i][k][l] * g[static_cast<size_t>(k)][static_cast<size_t>(j)];
        taps[i * kKernel + j][l] = sum;
      }
    }
}

}  // namespace

int64_t WinogradWeights::transformed_count(int64_t vector) const {
  return WinogradShape::kPositions * ((filters + vector - 1) / vector * vector) * channels;
}

void transform_weights(const WinogradWeights& w, const float* weights, int64_t vector,
                       int64_t begin, int64_t end, float* u) {
  const Factors g = factors(w.kernel);
  const int64_t padded = (w.filters + vector - 1) / vector * vector, panel = 2 * vector;
  const int64_t taps = w.kernel * w.kernel;
  float at[kMaxKernel * kMaxKernel][kMaxLanes] = {};
  for (int64_t first = begin * panel; first < std::min(end * panel, padded); first += panel) {
    const int64_t lanes = std::min(panel, padded - first);
    const int64_t filters = std::min(lanes, w.filters - first);
    for (int64_t l = filters; l < lanes; ++l)
      for (int64_t k = 0; k < taps; ++k) at[k][l] = 0;
    for (int64_t c = 0; c < w.channels; ++c) {
      const float* from = weights + first * w.filter_stride + c * w.channel_stride;
      for (int64_t l = 0; l < filters; ++l)
        for (int64_t k = 0; k < taps; ++k)
          at[w.turned ? taps - 1 - k : k][l] = from[l * w.filter_stride + k];
      float* to = u + first * w.channels + c * lanes;
      w.kernel == 3 ? transform<3>(g, at, lanes, to, padded * w.channels)
                    : transform<5>(g, at, lanes, to, padded * w.channels);
    }
  }
}

void gradient_of_weights(const WinogradWeights& w, const float* m, int64_t stride, int64_t plane,
                         int64_t begin, int64_t end, float* weights) {
  const Factors g = factors(w.kernel);
  const int64_t taps = w.kernel * w.kernel;
  float at[kMaxKernel * kMaxKernel][kMaxLanes];
  for (int64_t first = 0; first < w.filters; first += kMaxLanes) {
    const int64_t lanes = std::min(kMaxLanes, w.filters - first);
    for (int64_t c = begin; c < end; ++c) {
      const float* from = m + c * stride + first;
      w.kernel == 3 ? transform_back<3>(g, from, plane, lanes, at)
                    : transform_back<5>(g, from, plane, lanes, at);
      float* to = weights + first * w.filter_stride + c * w.channel_stride;
      for (int64_t l = 0; l < lanes; ++l)
        for (int64_t k = 0; k < taps; ++k) to[l * w.filter_stride + k] = at[k][l];
    }
  }
}

std::shared_ptr<Buffer> transformed_weights(const WinogradWeights& w, const Tensor& weights,
                                            int64_t vector) {
  static SharedCopies<std::pair<WinogradWeights, int64_t>, Buffer> copies;
  return copies.get(weights, {w, vector}, [&] {
    const size_t n_bytes = static_cast<size_t>(w.transformed_count(vector)) * sizeof(float);
    const std::shared_ptr<Buffer> memory = Buffer::allocate(n_bytes);
    const int64_t panels = (w.filters + 2 * vector - 1) / (2 * vector);
    transform_weights(w, weights.data<float>(), vector, 0, panels,
                      reinterpret_cast<float*>(memory->data()));
    return memory;
  });
}

}  // namespace andiron::exec
