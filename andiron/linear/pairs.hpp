#pragma once

#include <deque>
#include <vector>

namespace andiron::linear {

using Vector = std::vector<float>;

double dot(const Vector& a, const Vector& b);
/// a += t b
void add(Vector& a, double t, const Vector& b);

/// What L-BFGS knows of the curvature: the last steps, and the gradient's change in each.
/// Source: Liu and Nocedal, "On the limited memory BFGS method for large scale optimization", 1989.
class Pairs {
 public:
  struct Pair {
    Vector step, change;
    double rho;  ///< 1 / <step, change>
  };

  explicit Pairs(size_t most) : most_(most) {}
  bool empty() const { return pairs_.empty(); }
  void clear() { pairs_.clear(); }
  /// REQUIRES <step, change> > 0. Forgets the oldest one when there are too many.
  void push(Pair pair);
  /// -H g, where H is the inverse of the curvature by the pairs; -g when there are none.
  Vector direction(const Vector& g) const;

 private:
  size_t most_;
  std::deque<Pair> pairs_;
};

}  // namespace andiron::linear
