#include "andiron/exec/native/quantized_rows_table.hpp"

namespace andiron::exec::ANDIRON_ISA {

namespace {

// Half to even, within [low, high]; NaN becomes low.
inline int32_t rounded(float v, float low, float high) {
  const float bounded = v > low ? (v < high ? v : high) : low;
  return static_cast<int32_t>(__builtin_nearbyintf(bounded));
}

template <class T>
void quantize(const float* x, T* dst, int64_t n, float scale, float zero, float low, float high) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i)
    dst[i] = static_cast<T>(rounded(__builtin_nearbyintf(x[i] / scale) + zero, low, high));
}
void quantize_u8(const float* x, uint8_t* dst, int64_t n, float scale, float zero) {
  quantize(x, dst, n, scale, zero, 0.0F, 255.0F);
}
void quantize_i8(const float* x, int8_t* dst, int64_t n, float scale, float zero) {
  quantize(x, dst, n, scale, zero, -128.0F, 127.0F);
}

template <class T>
void dequantize(const T* x, float* dst, int64_t n, float scale, int32_t zero) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) dst[i] = scale * static_cast<float>(x[i] - zero);
}

template <class T>
void add(const T* x, int32_t* sums, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) sums[i] += x[i];
}

void lrn(const uint8_t* x, uint8_t* dst, int64_t n, const ByteLrn& l, int32_t* squares,
         int32_t* sums) {
  int32_t* middle = squares + l.before;
  const int32_t zero = l.src_zero;
#pragma omp simd
  for (int64_t c = 0; c < n; ++c) {
    const int32_t v = x[c] - zero;
    middle[c] = v * v;
  }
#pragma omp simd
  for (int64_t c = 0; c < n; ++c) sums[c] = squares[c];
  for (int64_t j = 1; j <= l.before + l.after; ++j) {
    const int32_t* shifted = squares + j;
#pragma omp simd
    for (int64_t c = 0; c < n; ++c) sums[c] += shifted[c];
  }
  if (l.beta == 0.75F) {  // two roots instead of a power
#pragma omp simd
    for (int64_t c = 0; c < n; ++c) {
      const float s = l.bias + l.alpha * static_cast<float>(sums[c]), root = __builtin_sqrtf(s);
      const float y = l.factor * static_cast<float>(x[c] - zero) / (root * __builtin_sqrtf(root));
      dst[c] = static_cast<uint8_t>(rounded(y + l.dst_zero, 0.0F, 255.0F));
    }
  } else {
    for (int64_t c = 0; c < n; ++c) {
      const float s = l.bias + l.alpha * static_cast<float>(sums[c]);
      const float y = l.factor * static_cast<float>(x[c] - zero) * __builtin_powf(s, -l.beta);
      dst[c] = static_cast<uint8_t>(rounded(y + l.dst_zero, 0.0F, 255.0F));
    }
  }
}

}  // namespace

extern const QuantizedRowsTable kQuantizedRowsTable = {
    quantize_u8, quantize_i8, dequantize<uint8_t>, dequantize<int8_t>, add<uint8_t>,
    add<int8_t>, lrn};

}  // namespace andiron::exec::ANDIRON_ISA
