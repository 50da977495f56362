#pragma once

#include <nanobind/nanobind.h>

#include "andiron/train/checkpoint_store.hpp"

namespace andiron::bindings {

/// fit's checkpoint_dir: None, a folder's path, or an andiron._remote.RemoteStore.
train::CheckpointStorePtr checkpoint_store_from(nanobind::handle given);

}  // namespace andiron::bindings
