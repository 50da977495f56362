#pragma once

#include <nanobind/nanobind.h>

namespace andiron::bindings {

/// Batches that Python gives one by one (andiron._feed) as a source of a training.
void bind_feeds(nanobind::module_& m);

}  // namespace andiron::bindings
