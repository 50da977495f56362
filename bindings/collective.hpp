#pragma once

#include <nanobind/nanobind.h>

#include <memory>

#include "andiron/collective/communicator.hpp"

namespace andiron::bindings {

/// The communicator behind an object of andiron._core.collective.
std::shared_ptr<collective::Communicator> communicator_from(nanobind::handle object);
/// Raises andiron.collective's exception for what ended a communicator.
[[noreturn]] void raise_fault(const collective::Fault& fault);

/// andiron._core.collective: what andiron.collective wraps.
void bind_collective(nanobind::module_& m);

}  // namespace andiron::bindings
