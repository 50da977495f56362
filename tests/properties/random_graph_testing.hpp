#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "andiron/graph/graph.hpp"
#include "andiron/tensor/tensor.hpp"

/// Small graphs drawn at random from the catalog, for tests of what holds for every graph.
namespace andiron::properties {

/// Random choices, the same for the same seed.
class Draw {
 public:
  explicit Draw(uint64_t seed) : seed_(seed) {}
  uint64_t word();
  int64_t below(int64_t n);  ///< in [0, n)
  bool one_in(int64_t n) { return below(n) == 0; }
  template <class T>
  const T& of(const std::vector<T>& values) {
    return values[static_cast<size_t>(below(std::ssize(values)))];
  }

 private:
  uint64_t seed_, counter_ = 0;
};

/// What a placeholder or a variable gets: uniform in [low, high).
struct Leaf {
  Value value;  ///< "input" or "variable"
  double low = 0, high = 0;
};

/// A graph and the same one in the other precision, with equal leaves. What is computed in float32
/// differs from what is computed in float64 by its rounding errors, which tells how far another
/// way to compute it may be off.
struct RandomGraph {
  Graph single, exact;
  std::vector<Leaf> leaves;  ///< of `single`; those of `exact` have the same order
  std::vector<Leaf> exact_leaves;
  std::map<std::string, int64_t> sizes;  ///< of the symbol "batch", where there is one
};

/// Nodes are cases of the catalog's rooms. Their inputs are fresh leaves or what other nodes
/// computed, brought into shape and range; what has steps (floor, argmax, comparisons) reads only
/// what no rounding has touched. About every second graph has gradients of a sum of its values,
/// some of which move variables. Nothing in it is NaN, infinite, beyond 1e4 or lost in rounding for
/// the values of seed 0.
RandomGraph draw_graph(uint64_t seed);

/// Values for the leaves, in their order; floating point ones are float32 numbers.
std::vector<Tensor> draw_values(const std::vector<Leaf>& leaves,
                                const std::map<std::string, int64_t>& sizes, uint64_t seed);

}  // namespace andiron::properties
