#pragma once

#include <cstdint>

#include "andiron/exec/native/isa.hpp"

namespace andiron::exec {

/// lrn of bytes; alpha is divided by the size and multiplied by the source's scale squared.
struct ByteLrn {
  int64_t before, after;
  float alpha, beta, bias;
  int32_t src_zero;
  float factor;  ///< src_scale / dst_scale
  float dst_zero;
};

/// What quantized_rows.cpp runs, per instruction set.
struct QuantizedRowsTable {
  void (*quantize_u8)(const float* x, uint8_t* dst, int64_t n, float scale, float zero);
  void (*quantize_i8)(const float* x, int8_t* dst, int64_t n, float scale, float zero);
  void (*dequantize_u8)(const uint8_t* x, float* dst, int64_t n, float scale, int32_t zero);
  void (*dequantize_i8)(const int8_t* x, float* dst, int64_t n, float scale, int32_t zero);
  /// sums[c] += x[c]
  void (*add_u8)(const uint8_t* x, int32_t* sums, int64_t n);
  void (*add_i8)(const int8_t* x, int32_t* sums, int64_t n);
  /// One row of n channels; `squares` has before + n + after numbers, zero at both ends, and
  /// `sums` n.
  void (*lrn)(const uint8_t* x, uint8_t* dst, int64_t n, const ByteLrn& lrn, int32_t* squares,
              int32_t* sums);
};

namespace avx2 {
extern const QuantizedRowsTable kQuantizedRowsTable;
}
namespace avx512 {
extern const QuantizedRowsTable kQuantizedRowsTable;
}

inline const QuantizedRowsTable& quantized_rows_table(Isa isa = current_isa()) {
  return isa == Isa::avx512 ? avx512::kQuantizedRowsTable : avx2::kQuantizedRowsTable;
}

}  // namespace andiron::exec
