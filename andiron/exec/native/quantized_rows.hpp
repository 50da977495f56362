#pragma once

#include <memory>

#include "andiron/exec/kernel.hpp"

namespace andiron::exec {

/// quantize, dequantize; quantized_sum and quantized_lrn with channels last.
std::unique_ptr<Kernel> make_quantize(const KernelRequest& request);
std::unique_ptr<Kernel> make_dequantize(const KernelRequest& request);
std::unique_ptr<Kernel> make_quantized_sum(const KernelRequest& request);
std::unique_ptr<Kernel> make_quantized_lrn(const KernelRequest& request);

}  // namespace andiron::exec
