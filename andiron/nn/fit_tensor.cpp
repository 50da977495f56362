#include "andiron/nn/fit_tensor.hpp"

#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "andiron/base/error.hpp"

namespace andiron::nn {

namespace {

// Integers stay the numbers they are: 1.5 and NaN are no ids, and 2^32 + 1 is not 1.
void check_integers(const Tensor& data, DType dtype, const std::string& what) {
  const Tensor dense = data.contiguous();
  visit_dtype(dtype, [&]<class To>() {
    if constexpr (std::is_integral_v<To> && !std::is_same_v<To, bool>) {
      visit_dtype(dense.dtype(), [&]<class From>() {
        const From* values = dense.data<From>();
        for (int64_t i = 0; i < dense.count(); ++i) {
          bool whole = false;
          if constexpr (std::is_integral_v<From>) {
            whole = std::in_range<To>(static_cast<int64_t>(values[i]));
          } else {
            const auto v = static_cast<double>(values[i]);
            // The bounds are powers of two, exact as doubles.
            const double above = std::ldexp(1.0, std::numeric_limits<To>::digits);
            whole = v == std::trunc(v) && v < above && v >= (std::is_signed_v<To> ? -above : 0.0);
          }
          if (!whole)
            fail("[data] {} takes {}; got {} at position {}", what, name_of(dtype), dense.item(i),
                 i);
        }
      });
    }
  });
}

}  // namespace

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
  if (data.dtype() != type.dtype && is_integer(type.dtype)) check_integers(data, type.dtype, what);
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
