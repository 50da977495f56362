#pragma once

#include <vector>

#include "andiron/linear/fit.hpp"

namespace andiron::linear {

/// How well a strength does on the rows of a fold that training left out.
struct Held {
  double loss = 0;     ///< mean, weighted
  double correct = 0;  ///< share of rows, weighted, whose classes are all right
  int iterations = 0;
};

struct CrossValidation {
  std::vector<std::vector<Held>> folds;  ///< [strengths][folds]
  /// [strengths, rows, classes], of each row by the classifier that did not see it; undefined
  /// unless asked for.
  Tensor scores;
};

/// Trains on all rows but a fold's, for each fold and each c, and judges by the fold's. Folds are
/// trained side by side on `options.threads` threads; each walks the strengths in the order
/// given, which is best from small c to large, and starts from what the one before came to.
/// `folds` are consecutive ranges that cover the examples. Same bits on any number of threads as
/// long as there are no more threads than folds.
CrossValidation cross_validate(const Examples& examples, const std::vector<Rows>& folds,
                               const std::vector<double>& cs, const Options& options,
                               bool keep_scores);

}  // namespace andiron::linear
