#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace andiron::metrics {

/// Finds the k best of many scores without sorting them; reuses its memory from call to call.
/// Thread safety: none; one for each thread.
class TopK {
 public:
  /// The indices of the (at most) k highest scores, best first; of equal scores the lower index is
  /// first. Indices i with skip[i] are left out (`skip` may be empty). -inf takes part. Returns
  /// false when a score is NaN. The result is in `indices()` until the next call.
  bool select(std::span<const float> scores, int64_t k, std::span<const uint8_t> skip = {});
  std::span<const int64_t> indices() const { return indices_; }

 private:
  struct Candidate {
    float score;
    int64_t index;
  };
  static bool better(const Candidate& a, const Candidate& b) {
    return a.score > b.score || (a.score == b.score && a.index < b.index);
  }
  void shrink(size_t k);

  std::vector<Candidate> candidates_;
  std::vector<int64_t> indices_;
};

}  // namespace andiron::metrics
