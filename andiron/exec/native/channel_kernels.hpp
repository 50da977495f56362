#pragma once

#include <memory>

#include "andiron/exec/kernel.hpp"

namespace andiron::exec {

/// batch_moments, lrn and channel_window_sum of the last axis, in float32.
std::unique_ptr<Kernel> make_batch_moments(const KernelRequest& request);
std::unique_ptr<Kernel> make_lrn(const KernelRequest& request);
std::unique_ptr<Kernel> make_channel_window_sum(const KernelRequest& request);

}  // namespace andiron::exec
