#pragma once

#include <memory>

#include "andiron/exec/kernel.hpp"

namespace andiron::exec {

/// conv and fused_conv of one filter for each channel in float32, channels last, 1 to 3 spatial
/// axes.
std::unique_ptr<Kernel> make_depthwise(const KernelRequest& request);

/// Weights [channels, 1, taps] as [block of 16 channels][tap][16], zeros behind the last channel.
void pack_depthwise(const float* weights, int64_t channels, int64_t taps, float* to);

}  // namespace andiron::exec
