#pragma once

#include "andiron/exec/kernel.hpp"

namespace andiron::exec {

/// dst (dense) = src (rows may be strided), same shape and dtype.
std::unique_ptr<Kernel> make_copy(const Operand& src, int threads);
/// dst (dense) += src.
std::unique_ptr<Kernel> make_add_into(const Operand& src, int threads);

}  // namespace andiron::exec
