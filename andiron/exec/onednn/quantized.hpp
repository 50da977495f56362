#pragma once

#include <memory>

#include "andiron/exec/kernel.hpp"

namespace andiron::exec {

/// quantized_conv with channels last and quantized_matmul, of constant weights, through oneDNN.
/// None where the CPU adds two products in 16 bits (no VNNI) and these weights may overflow there.
std::unique_ptr<Kernel> make_onednn_quantized_conv(const KernelRequest& request);
std::unique_ptr<Kernel> make_onednn_quantized_matmul(const KernelRequest& request);

}  // namespace andiron::exec
