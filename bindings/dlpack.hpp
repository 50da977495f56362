#pragma once

#include <nanobind/nanobind.h>

#include "andiron/tensor/tensor.hpp"

namespace andiron::bindings {

/// __dlpack__ and __dlpack_device__ of Tensor, and from_dlpack.
void def_dlpack(nanobind::module_& m, nanobind::class_<Tensor>& tensor);

}  // namespace andiron::bindings
