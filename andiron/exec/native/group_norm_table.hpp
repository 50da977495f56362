#pragma once

#include <cstdint>

#include "andiron/exec/native/isa.hpp"

namespace andiron::exec {

/// Sums of h and of h * (x - mean).
struct ProductSums {
  double h, products;
};

/// Sums of x - mean and of its squares.
struct Deviations {
  double sum, squares;
};

/// What group_norm.cpp runs over n floats that lie side by side, per instruction set. `scale` and
/// `offset` are n floats or null.
struct GroupNormTable {
  double (*sum)(const float* x, int64_t n);
  Deviations (*deviations)(const float* x, float mean, int64_t n);
  /// h = g * scale
  ProductSums (*products)(const float* x, float mean, const float* g, const float* scale,
                          int64_t n);
  /// dst = (x - mean) * (factor * scale) + (shift + offset)
  void (*normalize)(const float* x, float mean, float factor, const float* scale, float shift,
                    const float* offset, float* dst, int64_t n);
  /// dst = factor * g * scale - slope * (x - mean) - shift
  void (*gradient)(const float* x, float mean, const float* g, float factor, const float* scale,
                   float slope, float shift, float* dst, int64_t n);
  /// products += g * ((x - mean) * inverse); sums += g
  void (*add_products)(const float* x, float mean, float inverse, const float* g, float* products,
                       float* sums, int64_t n);
};

namespace avx2 {
extern const GroupNormTable kGroupNormTable;
}
namespace avx512 {
extern const GroupNormTable kGroupNormTable;
}

inline const GroupNormTable& group_norm_table(Isa isa = current_isa()) {
  return isa == Isa::avx512 ? avx512::kGroupNormTable : avx2::kGroupNormTable;
}

}  // namespace andiron::exec
