#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace andiron::train {

/// Pairs of a batch mixed: sample i with sample n - 1 - i, by one ratio for the batch. With both
/// kinds on, each batch has one of them.
struct MixOptions {
  double mixup = 0;   ///< alpha of Beta(alpha, alpha) (Zhang et al., 2017); 0: off
  double cutmix = 0;  ///< the same (Yun et al., 2019)
};

/// Rows of floats that lie densely.
struct ImageRows {
  float* images;  // [n, channels, height, width], or channels last
  float* labels;  // [n, classes]
  int64_t n, channels, height, width, classes;
  bool channels_first;
};

/// In place. `key` is the batch's.
void mix_images(const ImageRows& rows, const MixOptions& options, uint64_t key);

}  // namespace andiron::train
