#pragma once

#include <span>
#include <vector>

#include "andiron/linear/examples.hpp"

namespace andiron::linear {

struct Options {
  double c = 1.0;     ///< inverse strength: c * (sum of losses) + |W|^2 / 2 is minimised
  double tol = 1e-4;  ///< of the largest |gradient| of the mean loss plus penalty
  int max_iter = 1000;
  bool intercept = true;  ///< not penalised
  int threads = 1;
};

/// A linear classifier: score k of x is <W[k], x> + b[k].
struct Fit {
  std::vector<float> weights;  ///< [classes, features]
  std::vector<double> bias;    ///< [classes], of the features as they were given
  double value = 0;            ///< mean loss + |W|^2 / (2 c n) at the end
  double largest_gradient = 0;
  int iterations = 0;
  bool converged = false;  ///< the gradient is within tol
};

/// Trains on the rows `ranges` of the examples by L-BFGS with ten pairs, from `start` (weights and
/// bias of such a fit), or from zero where that is null.
/// Source: Liu and Nocedal, "On the limited memory BFGS method for large scale optimization", 1989.
Fit fit(const Examples& examples, const std::vector<Rows>& ranges, const Options& options,
        const Fit* start = nullptr);

/// Scores [rows, classes] of rows [begin, end) of the examples.
void scores(const Examples& examples, Rows rows, const Fit& fit, int threads, float* dst);

}  // namespace andiron::linear
