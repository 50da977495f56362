#pragma once

#include "andiron/exec/kernel.hpp"

/// Elementwise ops of int32 and int64 and the logical ones of bool, dense, where an operand has the
/// result's sizes, or those of its last axes, or one element. vector_form.hpp has those of floats.
namespace andiron::exec {

std::unique_ptr<Kernel> make_integer_elements(const KernelRequest& request);

}  // namespace andiron::exec
