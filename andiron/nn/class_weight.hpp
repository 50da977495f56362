#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "andiron/tensor/tensor.hpp"

namespace andiron::nn {

/// The class of each sample: labels are [n], [n,1] of ids or [n,classes] one-hot.
std::vector<int64_t> class_ids(const Tensor& labels);

/// The weight of each sample by its class; a class that is not named weighs 1.
Tensor sample_weight_of_classes(const Tensor& labels,
                                const std::map<int64_t, double>& class_weight);

}  // namespace andiron::nn
