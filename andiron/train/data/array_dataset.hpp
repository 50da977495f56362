#pragma once

#include <string>
#include <vector>

#include "andiron/train/data/dataset.hpp"

namespace andiron::train {

/// A tensor whose axis 0 are the samples. Strided views are fine; the memory is shared.
struct Column {
  std::string name;
  Tensor data;
};

struct ArrayData {
  std::vector<Column> inputs, labels = {}, weights = {};
  /// Refuse labels and weights that are NaN or infinite.
  bool check_finite = true;
};

/// Batches of rows of tensors.
class ArrayDataset : public Dataset {
 public:
  /// Throws Error naming the column (and the row) when lengths differ, there is nothing, or a
  /// label is not finite.
  explicit ArrayDataset(ArrayData data, DataOptions options = {});

  int n_ahead() const override;

 protected:
  void gather(std::span<const int64_t> samples, int64_t epoch, BatchBuffer& out,
              int64_t at) override;

 private:
  std::vector<Tensor> columns_;
};

}  // namespace andiron::train
