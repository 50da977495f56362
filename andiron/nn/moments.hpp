#pragma once

#include <cstdint>
#include <vector>

#include "andiron/tensor/tensor.hpp"

namespace andiron::nn {

/// Mean and variance (of the population) of data [rows, ...] that come in pieces: one of each for
/// every place along the axes that are kept. In double; pieces are put together as in Chan, Golub
/// and LeVeque 1983.
class Moments {
 public:
  /// `kept`: ascending, without axis 0.
  explicit Moments(std::vector<int64_t> kept) : kept_(std::move(kept)) {}

  /// Throws Error for a value that is not finite, with its row, and for rows of another shape.
  void add(const Tensor& piece);
  int64_t rows() const { return rows_; }
  /// [kept sizes...], float32. REQUIRES rows.
  Tensor mean() const;
  Tensor variance() const;

 private:
  void begin(const Tensor& piece);
  void add_rows(const Tensor& block);

  std::vector<int64_t> kept_;
  Sizes row_;                   // of the first piece
  Sizes sizes_;                 // along the kept axes
  std::vector<int64_t> place_;  // of each element of a row
  int64_t rows_ = 0;
  double per_row_ = 1;                  // elements of a row that share a place
  std::vector<double> mean_, squares_;  // sums of squared deviations
};

}  // namespace andiron::nn
