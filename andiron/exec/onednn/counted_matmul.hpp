#pragma once

#include <memory>

#include "andiron/exec/kernel.hpp"

namespace andiron::exec {

/// counted_matmul in float32: products of blocks of rows, as many blocks as the count needs.
std::unique_ptr<Kernel> make_counted_matmul(const KernelRequest& request);

}  // namespace andiron::exec
