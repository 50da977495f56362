#include "andiron/nn/metrics/top_k.hpp"

#include <algorithm>

namespace andiron::metrics {

void TopK::shrink(size_t k) {
  if (candidates_.size() <= k) return;
  std::nth_element(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(k),
                   candidates_.end(), better);
  candidates_.resize(k);
}

bool TopK::select(std::span<const float> scores, int64_t k, std::span<const uint8_t> skip) {
  indices_.clear();
  candidates_.clear();
  int n_nan = 0;
  for (float s : scores) n_nan += s != s;
  if (n_nan > 0) return false;
  const size_t wanted = static_cast<size_t>(std::max<int64_t>(k, 0));
  if (wanted == 0) return true;

  // Candidates pile up to a multiple of k; then the worst of the best k is the score to beat.
  const size_t room = 4 * wanted + 64;
  const size_t n = scores.size();
  bool full = false;
  float to_beat = 0.0F;
  constexpr size_t kBlock = 16;
  for (size_t begin = 0; begin < n; begin += kBlock) {
    const size_t end = std::min(n, begin + kBlock);
    if (full && end - begin == kBlock) {
      int n_better = 0;
      for (size_t i = 0; i < kBlock; ++i) n_better += scores[begin + i] > to_beat;
      if (n_better == 0) continue;
    }
    for (size_t i = begin; i < end; ++i) {
      if ((full && !(scores[i] > to_beat)) || (!skip.empty() && skip[i])) continue;
      candidates_.push_back({scores[i], static_cast<int64_t>(i)});
    }
    if (candidates_.size() < room) continue;
    shrink(wanted);
    to_beat = std::max_element(candidates_.begin(), candidates_.end(), better)->score;
    full = true;
  }
  shrink(wanted);
  std::sort(candidates_.begin(), candidates_.end(), better);
  for (const Candidate& c : candidates_) indices_.push_back(c.index);
  return true;
}

}  // namespace andiron::metrics
