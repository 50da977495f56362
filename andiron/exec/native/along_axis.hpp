#pragma once

#include "andiron/exec/kernel.hpp"

/// Kernels that go along one axis of dense tensors.
namespace andiron::exec {

/// cumsum and cumprod, in float32.
std::unique_ptr<Kernel> make_running(const KernelRequest& request);
/// sort, of float32 and int32.
std::unique_ptr<Kernel> make_sort(const KernelRequest& request);
/// resample, in float32.
std::unique_ptr<Kernel> make_resample(const KernelRequest& request);
/// Elements by index, of 4 bytes each.
std::unique_ptr<Kernel> make_gather_elements(const KernelRequest& request);
/// The same, put or (float32) added.
std::unique_ptr<Kernel> make_scatter_elements(const KernelRequest& request);
/// In float32: whole rows.
std::unique_ptr<Kernel> make_gather_grad(const KernelRequest& request);

/// A tensor seen as [outer, n, inner], n the size of the axis.
struct AxisView {
  int64_t outer = 1, n = 1, inner = 1;
};
AxisView along_axis(const Sizes& sizes, int64_t axis);

}  // namespace andiron::exec
