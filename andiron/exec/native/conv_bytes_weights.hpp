#pragma once

#include <memory>
#include <vector>

#include "andiron/exec/native/conv_bytes_tiles.hpp"
#include "andiron/tensor/tensor.hpp"

namespace andiron::exec {

/// A window of rows and columns over the bytes [row][column][channel] of an image.
struct ConvBytesWindow {
  int64_t rows, columns, channels;
  int64_t row_step, column_step;  ///< bytes from a tap to the next
  bool operator==(const ConvBytesWindow&) const = default;

  /// Bytes that lie side by side: those of a tap, or of all taps of a row.
  int64_t run() const { return column_step == channels ? columns * channels : channels; }
};

/// Weights [O, C, rows, columns] for `conv_bytes_pixels`. Blocks have no scale and no shift.
struct ConvBytesWeights {
  std::vector<ConvBytesBlock> blocks;
  std::shared_ptr<Buffer> weights;
  std::vector<int32_t> offsets;
};

/// Those of constant weights; one copy for all kernels that live at the same time. Thread-safe.
std::shared_ptr<const ConvBytesWeights> conv_bytes_weights(const Tensor& weights,
                                                           const ConvBytesWindow& window);

}  // namespace andiron::exec
