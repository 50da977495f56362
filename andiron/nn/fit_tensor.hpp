#pragma once

#include <string>

#include "andiron/graph/value.hpp"
#include "andiron/tensor/tensor.hpp"

namespace andiron::nn {

/// Data brought to the type that a graph's placeholder has, axis 0 free: converted to its dtype,
/// [n] for [n,1] and the reverse, made dense. Throws Error for numbers that an integer dtype cannot
/// hold. Shares the memory where nothing has to change.
/// `what` names it in errors: "input 'user'".
Tensor fit_tensor(const Tensor& data, const TensorType& type, const std::string& what);

/// Whether data have this type already: nothing to convert. Allocates nothing.
bool fits(const Tensor& data, const TensorType& type);

/// A tensor for the values of this type with `rows` as the batch.
Tensor tensor_for(const TensorType& type, int64_t rows);

}  // namespace andiron::nn
