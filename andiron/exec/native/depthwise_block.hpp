#pragma once

#include <memory>

#include "andiron/exec/kernel.hpp"

namespace andiron::exec {

/// depthwise_block in float32 with channels last and constant weights. The expanded and the
/// filtered values never leave the caches: large images go through row by row, each thread on rows
/// of its own; of small ones, whose weights are large, threads share the channels.
std::unique_ptr<Kernel> make_depthwise_block(const KernelRequest& request);

}  // namespace andiron::exec
