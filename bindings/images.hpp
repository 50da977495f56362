#pragma once

#include <nanobind/nanobind.h>

namespace andiron::bindings {

/// Decoding, resizing and adjusting images, pipelines, and batches of images.
void bind_images(nanobind::module_& m);

}  // namespace andiron::bindings
