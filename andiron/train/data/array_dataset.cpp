#include "andiron/train/data/array_dataset.hpp"

#include <cmath>

#include "andiron/base/error.hpp"

namespace andiron::train {

namespace {

void check_finite(const Column& column) {
  if (!is_floating(column.data.dtype())) return;
  const Tensor dense = column.data.contiguous();
  const int64_t n = dense.count(), per_row = n / dense.size(0);
  visit_dtype(dense.dtype(), [&]<class T>() {
    const T* values = dense.data<T>();
    for (int64_t i = 0; i < n; ++i) {
      const auto v = static_cast<double>(values[i]);
      if (!std::isfinite(v))
        fail("[dataset] '{}' must be finite; row {} is {}", column.name, i / per_row, v);
    }
  });
}

}  // namespace

ArrayDataset::ArrayDataset(ArrayData data, DataOptions options) : Dataset("dataset", options) {
  if (data.inputs.empty()) fail("[dataset] needs at least one input");
  std::vector<Field> fields;
  const Column* first = &data.inputs[0];
  auto add = [&](const Column& c, Field::Role role) {
    if (!c.data.defined() || c.data.rank() < 1)
      fail("[dataset] '{}' must have the samples along axis 0", c.name);
    if (c.data.size(0) != first->data.size(0))
      fail("[dataset] all columns must have one length; '{}' has {} rows and '{}' has {}",
           first->name, first->data.size(0), c.name, c.data.size(0));
    fields.push_back(
        {c.name, role, c.data.dtype(), Sizes(c.data.sizes().begin() + 1, c.data.sizes().end())});
    columns_.push_back(c.data);
  };
  for (const Column& c : data.inputs) add(c, Field::Role::input);
  for (const Column& c : data.labels) add(c, Field::Role::label);
  for (const Column& c : data.weights) add(c, Field::Role::weight);
  set_samples(std::move(fields), first->data.size(0));
  if (!data.check_finite) return;
  for (const Column& c : data.labels) check_finite(c);
  for (const Column& c : data.weights) check_finite(c);
}

int ArrayDataset::n_ahead() const { return cheap_to_fill() ? 0 : Dataset::n_ahead(); }

void ArrayDataset::gather(std::span<const int64_t> samples, int64_t, BatchBuffer& out, int64_t at) {
  for (size_t i = 0; i < columns_.size(); ++i)
    copy_rows(columns_[i], samples, out.tensors()[i], at);
}

}  // namespace andiron::train
