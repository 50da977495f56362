#pragma once

#include <memory>
#include <span>
#include <vector>

#include "andiron/linear/examples.hpp"
#include "andiron/linear/line_search.hpp"

namespace andiron::linear {

/// The function that training minimises, of parameters p = (W [classes, features], b [classes]):
/// the mean loss of some rows of the examples, weighted, plus l2 / 2 |W|^2.
///
/// It remembers the scores at one point. A step along a direction costs one product with the
/// features for all lengths that are tried, and one more for the gradient. Products are float32;
/// sums over rows are in double, block by block. Not for several threads at once.
class Objective {
 public:
  /// `examples` must outlive it.
  /// Small problems take fewer threads than they may.
  Objective(const Examples& examples, std::vector<Rows> ranges, double l2, bool intercept,
            int threads);

  int64_t n_parameters() const { return n_weights_ + examples_.classes(); }
  /// Moves to p and gives the value there.
  double move_to(std::span<const float> p);
  /// From here on `along` is asked about p + t direction.
  void look_along(std::span<const float> p, std::span<const float> direction);
  Slope along(double t);
  /// Moves to where `along` was asked last.
  void step(double t);
  /// At the point where it is; `along` may have been asked there only.
  void gradient(std::span<const float> p, std::span<float> g);

 private:
  double mean_loss(double t, double* derivative);
  int64_t local(int64_t range) const { return starts_[static_cast<size_t>(range)]; }

  const Examples& examples_;
  std::vector<Rows> ranges_;
  std::vector<int64_t> starts_;  // of each range in z_, in rows
  double l2_, total_weight_;
  bool intercept_;
  int threads_ = 1;
  int64_t n_weights_, n_rows_ = 0;
  // [rows of the ranges, classes]: scores, their change by the direction, derivatives of the loss.
  std::vector<float> z_, dz_, r_;
  double ww_ = 0, wd_ = 0, dd_ = 0;  // <W, W>, <W, D>, <D, D>
};

}  // namespace andiron::linear
