#pragma once

#include <cstdint>

#include "andiron/exec/native/isa.hpp"

namespace andiron::exec {

/// Channels that are computed at a time.
inline constexpr int64_t kDepthwiseBlock = 16;

/// Parameters of a depthwise convolution of bytes. A block is 16 channels from `first` on, of which
/// the last one may overlap the one before. Within a block numbers stand in the order of the vector
/// registers' halves: channels 0-3, 8-11, 4-7, 12-15.
struct DepthwiseBytes {
  int64_t pairs;  ///< of taps; an odd one is paired with weights of 0
  int64_t blocks;
  const int64_t* first;        ///< [blocks]
  const int16_t* weights;      ///< [blocks][pairs][16][2]
  const float *scale, *shift;  ///< [blocks][16]
  float low, high;
};

struct DepthwiseBytesTable {
  /// All channels of one place: `taps` [2 * pairs] are the inputs' channels.
  void (*place)(const DepthwiseBytes& d, const uint8_t* const* taps, uint8_t* dst);
};

namespace avx2 {
extern const DepthwiseBytesTable kDepthwiseBytesTable;
}
namespace avx512 {
extern const DepthwiseBytesTable kDepthwiseBytesTable;
}

inline const DepthwiseBytesTable& depthwise_bytes_table(Isa isa = current_isa()) {
  return isa == Isa::avx512 ? avx512::kDepthwiseBytesTable : avx2::kDepthwiseBytesTable;
}

}  // namespace andiron::exec
