#include "andiron/nn/fit_tensor.hpp"

#include "andiron/base/error.hpp"

namespace andiron::nn {

Tensor fit_tensor(const Tensor& data, const TensorType& type, const std::string& what) {
  if (!data.defined()) fail("[data] {} is missing", what);
  const Shape& shape = type.shape;
  auto wrong = [&]() {
    fail("[data] {} must be {}; got {}", what, shape.str(), str(data.sizes()));
  };
  if (data.rank() < 1) wrong();
  const int64_t rows = data.size(0);
  Sizes sizes = {rows};
  for (size_t axis = 1; axis < shape.size(); ++axis) {
    if (shape[axis].known()) {
      sizes.push_back(shape[axis].size());
    } else if (data.rank() == shape.rank()) {
      sizes.push_back(data.size(static_cast<int64_t>(axis)));
    } else {
      wrong();
    }
  }
  if (sizes != data.sizes()) {
    const bool one_axis = data.rank() == shape.rank() + 1 || data.rank() + 1 == shape.rank();
    if (!one_axis || count_of(sizes) != data.count()) wrong();
  }
  Tensor out = data.dtype() == type.dtype ? data.contiguous() : data.cast(type.dtype);
  return sizes == out.sizes() ? out : out.contiguous().reshape(sizes);
}

bool fits(const Tensor& data, const TensorType& type) {
  if (!data.defined() || data.dtype() != type.dtype || data.rank() != type.shape.rank() ||
      data.rank() < 1 || !data.dense())
    return false;
  for (size_t axis = 1; axis < type.shape.size(); ++axis)
    if (type.shape[axis].known() &&
        type.shape[axis].size() != data.size(static_cast<int64_t>(axis)))
      return false;
  return true;
}

Tensor tensor_for(const TensorType& type, int64_t rows) {
  return Tensor(type.dtype, type.shape.bind({{"batch", rows}}).sizes());
}

}  // namespace andiron::nn
