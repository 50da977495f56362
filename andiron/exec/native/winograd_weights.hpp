#pragma once

#include <cstdint>
#include <memory>

#include "andiron/tensor/tensor.hpp"

namespace andiron::exec {

/// How w[filter][channel][kernel][kernel] is read for a convolution by Winograd's algorithm. The
/// gradient of src is a convolution with filters and channels exchanged and the kernel turned.
struct WinogradWeights {
  int64_t filters, channels, kernel;
  int64_t filter_stride, channel_stride;  ///< elements
  bool turned = false;
  bool operator==(const WinogradWeights&) const = default;

  static WinogradWeights of_conv(int64_t filters, int64_t channels, int64_t kernel) {
    return {filters, channels, kernel, channels * kernel * kernel, kernel * kernel};
  }
  static WinogradWeights of_grad_src(int64_t filters, int64_t channels, int64_t kernel) {
    return {channels, filters, kernel, kernel * kernel, channels * kernel * kernel, true};
  }
  /// Floats of [position][panel][channel][lane] for vectors of this many floats.
  int64_t transformed_count(int64_t vector) const;
};

/// u = G w G' of the filters of `panels` [begin, end), a panel two vectors, as the tables' multiply
/// takes them.
void transform_weights(const WinogradWeights& w, const float* weights, int64_t vector,
                       int64_t begin, int64_t end, float* u);

/// The gradient of the weights G' m G of the channels [begin, end): what `transform_weights` is the
/// transpose of. m[position][channel][filter] has rows `stride` and matrices `plane` floats apart.
void gradient_of_weights(const WinogradWeights& w, const float* m, int64_t stride, int64_t plane,
                         int64_t begin, int64_t end, float* weights);

/// Those of constant weights; one copy for all kernels that live at the same time.
std::shared_ptr<Buffer> transformed_weights(const WinogradWeights& w, const Tensor& weights,
                                            int64_t vector);

}  // namespace andiron::exec
