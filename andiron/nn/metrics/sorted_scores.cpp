#include "andiron/nn/metrics/sorted_scores.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>

#include "andiron/base/parallel_for.hpp"

namespace andiron::metrics {

namespace {

// Below so many scores threads cost more than they save.
constexpr size_t kSmall = 1 << 16;

// Ends of ranges that hold about as many of the scores each; the last one has no end.
template <class Key, class T>
std::vector<Key> range_ends(std::span<const T> scores, size_t n_parts) {
  std::vector<Key> ends;
  if (n_parts > 1) {
    constexpr size_t kSamples = 4096;
    std::vector<Key> samples;
    for (size_t i = 0; i < kSamples; ++i)
      samples.push_back(descending_key(scores[i * scores.size() / kSamples]));
    std::sort(samples.begin(), samples.end());
    for (size_t i = 1; i < n_parts; ++i) ends.push_back(samples[i * kSamples / n_parts]);
  }
  ends.push_back(std::numeric_limits<Key>::max());
  return ends;
}

// How many positives p and negatives n there are with before(p, n). Both ascend, and every element
// is looked at once, without a branch that depends on it.
template <class Key, class Before>
uint64_t count_pairs(const std::vector<Key>& positive, const std::vector<Key>& negative,
                     Before before) {
  size_t p = 0, n = 0;
  uint64_t sum = 0;
  while (p < positive.size() && n < negative.size()) {
    const size_t is = before(positive[p], negative[n]) ? 1 : 0;
    sum += p & (is - 1);  // the negative is passed: p positives were before it
    p += is;
    n += 1 - is;
  }
  return sum + p * (negative.size() - n);
}

}  // namespace

template <class T>
SortedScores<T>::SortedScores(std::span<const T> scores, std::span<const uint8_t> labels,
                              int n_threads)
    : n_threads_(scores.size() < kSmall ? 1 : n_threads) {
  const std::vector<Key> ends =
      range_ends<Key>(scores, static_cast<size_t>(std::max(n_threads_, 1)));
  parts_.resize(ends.size());
  parallel_for(static_cast<int64_t>(parts_.size()), n_threads_, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i)
      fill(parts_[i], scores, labels, i == 0 ? 0 : ends[i - 1], ends[i]);
  });
  for (Part& part : parts_) {
    part.positives_before = positives_;
    part.negatives_before = negatives_;
    positives_ += static_cast<int64_t>(part.positive.size());
    negatives_ += static_cast<int64_t>(part.negative.size());
  }
}

// Keys in [low, high), and the highest there is in the last part.
template <class T>
void SortedScores<T>::fill(Part& part, std::span<const T> scores, std::span<const uint8_t> labels,
                           Key low, Key high) {
  const bool last = high == std::numeric_limits<Key>::max();
  const Key width = high - low;
  auto inside = [=](Key key) { return static_cast<size_t>(last ? key >= low : key - low < width); };
  size_t n_all = 0, n_positive = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    const size_t in = inside(descending_key(scores[i]));
    n_all += in;
    n_positive += in & labels[i];
  }
  // One place more each: the loop writes to both, and keeps one.
  part.positive.resize(n_positive + 1);
  part.negative.resize(n_all - n_positive + 1);
  size_t p = 0, n = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    const Key key = descending_key(scores[i]);
    const size_t in = inside(key), positive = in & labels[i];
    part.positive[p] = key;
    part.negative[n] = key;
    p += positive;
    n += in - positive;
  }
  part.positive.pop_back();
  part.negative.pop_back();
  sort_keys(part.positive);
  sort_keys(part.negative);
}

template <class T>
template <class F>
double SortedScores<T>::sum_over_parts(F f) const {
  std::vector<double> sums(parts_.size());
  parallel_for(static_cast<int64_t>(parts_.size()), n_threads_, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i)
      sums[i] = f(parts_[i]);
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

template <class T>
double SortedScores<T>::pairs_in_order() const {
  return sum_over_parts([](const Part& part) {
    const uint64_t above = count_pairs(part.positive, part.negative, std::less<Key>());
    const uint64_t not_below = count_pairs(part.positive, part.negative, std::less_equal<Key>());
    return static_cast<double>(above + not_below) / 2 +
           static_cast<double>(part.positives_before) * static_cast<double>(part.negative.size());
  });
}

template <class T>
double SortedScores<T>::sum_of_precisions() const {
  return sum_over_parts([](const Part& part) {
    const std::vector<Key>&positive = part.positive, &negative = part.negative;
    // How many negatives are not below each positive.
    std::vector<uint32_t> ahead(positive.size(), static_cast<uint32_t>(negative.size()));
    size_t p = 0, n = 0;
    while (p < positive.size() && n < negative.size()) {
      const size_t is = negative[n] <= positive[p] ? 1 : 0;
      ahead[p] = static_cast<uint32_t>(n);
      n += is;
      p += 1 - is;
    }
    if (p < positive.size()) ahead[p] = static_cast<uint32_t>(negative.size());
    double sum = 0.0;
    size_t last = positive.size();  // of those that tie with i
    for (size_t i = positive.size(); i-- > 0;) {
      if (i + 1 == positive.size() || positive[i] != positive[i + 1]) last = i;
      const auto hits = static_cast<double>(part.positives_before) + static_cast<double>(last + 1);
      const auto others = static_cast<double>(part.negatives_before) + ahead[last];
      sum += hits / (hits + others);
    }
    return sum;
  });
}

template class SortedScores<float>;
template class SortedScores<double>;

}  // namespace andiron::metrics
