#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "andiron/nn/metrics/score_order.hpp"

namespace andiron::metrics {

/// The keys (see descending_key) of positives and of negatives, each from the highest score down.
/// They lie in parts of consecutive ranges of keys, which are made and looked at in parallel;
/// equal scores are in one part.
template <class T>
class SortedScores {
 public:
  using Key = decltype(descending_key(T()));

  /// Scores without NaN; a label is 1 for a positive, else 0.
  SortedScores(std::span<const T> scores, std::span<const uint8_t> labels, int n_threads);

  int64_t positives() const { return positives_; }
  int64_t negatives() const { return negatives_; }

  /// The pairs of a positive above a negative, ties counting half.
  double pairs_in_order() const;
  /// The sum over positives of the precision where they and all that is not below are predicted.
  double sum_of_precisions() const;
  /// Calls f(positives, negatives) for each distinct score, from the highest down.
  template <class F>
  void for_each_step(F f) const {
    for (const Part& part : parts_) {
      const std::vector<Key>&positive = part.positive, &negative = part.negative;
      size_t p = 0, n = 0;
      while (p < positive.size() || n < negative.size()) {
        const bool by_positive =
            n == negative.size() || (p < positive.size() && positive[p] < negative[n]);
        const Key key = by_positive ? positive[p] : negative[n];
        const size_t p0 = p, n0 = n;
        while (p < positive.size() && positive[p] == key) ++p;
        while (n < negative.size() && negative[n] == key) ++n;
        f(static_cast<double>(p - p0), static_cast<double>(n - n0));
      }
    }
  }

 private:
  struct Part {
    std::vector<Key> positive, negative;
    int64_t positives_before = 0, negatives_before = 0;
  };
  static void fill(Part& part, std::span<const T> scores, std::span<const uint8_t> labels, Key low,
                   Key high);
  /// The sum of f(part) over the parts.
  template <class F>
  double sum_over_parts(F f) const;

  int n_threads_;
  int64_t positives_ = 0, negatives_ = 0;
  std::vector<Part> parts_;
};

}  // namespace andiron::metrics
