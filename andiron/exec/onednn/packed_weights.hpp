#pragma once

#include <memory>
#include <oneapi/dnnl/dnnl.hpp>

#include "andiron/tensor/tensor.hpp"

namespace andiron::exec {

/// Constant weights in the layout that a primitive wants, made on first demand and shared by all
/// kernels that want the same. They live as long as a kernel holds them. Thread-safe.
std::shared_ptr<Buffer> packed_weights(const Tensor& weights, const dnnl::memory::desc& plain,
                                       const dnnl::memory::desc& packed);

}  // namespace andiron::exec
