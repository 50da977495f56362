#pragma once

#include <optional>
#include <vector>

#include "andiron/exec/kernel.hpp"

/// How the operands of an elementwise program lie in memory, seen as a matrix [rows, cols].
namespace andiron::exec {

/// One operand over the matrix: a whole row of elements, or one element for the row (`wide` false),
/// at an offset that depends on the row.
struct Access {
  struct Axis {
    int64_t size, stride;
  };
  bool wide = false;
  std::vector<Axis> walk;  ///< row axes, outermost first; empty: the same for every row

  bool same_for_all_rows() const { return walk.empty(); }
  bool affine() const { return walk.size() <= 1; }
  /// REQUIRES affine().
  int64_t row_stride() const { return walk.empty() ? 0 : walk[0].stride; }
  int64_t row_offset(int64_t row) const {
    int64_t offset = 0;
    for (size_t i = walk.size(); i-- > 1;) {
      offset += row % walk[i].size * walk[i].stride;
      row /= walk[i].size;
    }
    return walk.empty() ? 0 : offset + row * walk[0].stride;
  }
};

/// The iteration space `full` without axes of size 1, and where it is split into rows and columns.
class Space {
 public:
  explicit Space(const Sizes& full);

  int64_t count() const { return rows_ * cols_; }
  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }
  size_t n_axes() const { return sizes_.size(); }

  /// What reducing `axes` of the full space comes to. `middle` is not for programs.
  enum class Reduced { nothing, all, leading, trailing, middle };
  struct Reduction {
    Reduced kind;
    size_t split;  ///< of leading and trailing: the number of axes before the split
  };
  Reduction reduction(const std::vector<int64_t>& axes) const;

  void split_at(size_t n_row_axes);
  /// Nothing when the operand is not uniform along the columns, or does not fit the space.
  std::optional<Access> access(const Operand& operand) const;

 private:
  std::optional<std::vector<Access::Axis>> axes_of(const Operand& operand) const;

  Sizes full_;
  std::vector<size_t> kept_;  // the axes of full_ that sizes_ has
  Sizes sizes_;
  size_t split_ = 0;
  int64_t rows_ = 1, cols_ = 1;
};

}  // namespace andiron::exec
