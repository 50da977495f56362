#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "andiron/tensor/tensor.hpp"
#include "andiron/train/data/dataset.hpp"

namespace andiron::train {

/// A column of numbers as all blocks of a table have it: [rows, row...].
struct TableColumn {
  std::string name;
  DType dtype = DType::f32;
  Sizes row = {};

  int64_t width() const { return count_of(row); }
  int64_t row_bytes() const { return width() * static_cast<int64_t>(size_of(dtype)); }
  friend bool operator==(const TableColumn&, const TableColumn&) = default;
};

/// Rows that came together: dense tensors in the order of the columns. Their memory may be a
/// producer's.
struct TableBlock {
  int64_t rows = 0;
  std::vector<Tensor> columns;

  int64_t n_bytes() const {
    int64_t n = 0;
    for (const Tensor& t : columns) n += static_cast<int64_t>(t.n_bytes());
    return n;
  }
};

/// A field of batches, made of columns side by side: three columns of one number each are a row of
/// three. The field's row has as many numbers as its columns together; numbers are converted.
struct TableField {
  Field field;
  std::vector<size_t> columns;
  /// Of a weight field: each row's weight is multiplied by that of the class in the first label
  /// (classes that are not here weigh 1). Such a field may be without columns.
  std::map<int64_t, double> class_weight = {};
};

/// Row `row` of block `block`.
struct RowPlace {
  uint32_t block;
  uint32_t row;
};

/// Copies rows out of blocks into the fields of batches.
class RowGatherer {
 public:
  /// Throws Error when a field's row does not fit its columns.
  RowGatherer(std::vector<TableField> fields, std::vector<TableColumn> columns);

  /// The blocks of the calls that follow; they must live as long.
  void set_blocks(const std::vector<TableBlock>& blocks);
  /// Throws Error naming the column when a number does not fit an integer field.
  void gather(std::span<const RowPlace> rows, const std::vector<Tensor>& out, int64_t at) const;

  std::vector<Field> fields() const;

 private:
  void weigh(const TableField& field, int64_t n, const std::vector<Tensor>& out, const Tensor& dst,
             int64_t at) const;

  std::vector<TableField> fields_;
  std::vector<TableColumn> columns_;
  std::vector<std::vector<const std::byte*>> bases_;  // by column and block
  size_t label_ = 0;                                  // the first label's place among the fields
};

}  // namespace andiron::train
