#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "andiron/train/batch_source.hpp"

namespace andiron::train {

/// How many samples of an epoch each class of the first target has. Goes through the epoch once;
/// `between_batches` may throw to end it.
std::map<int64_t, int64_t> class_counts(BatchSource& source,
                                        const std::function<void()>& between_batches = {});

}  // namespace andiron::train
