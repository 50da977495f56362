#include "andiron/nn/histogram.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "andiron/base/error.hpp"

namespace andiron::nn {

void check_range_method(const RangeMethod& method) {
  if (method.name != "minmax" && method.name != "percentile" && method.name != "entropy")
    fail("[quantize] method is minmax, percentile or entropy; got '{}'", method.name);
  if (!(method.percentile > 50) || !(method.percentile <= 100))
    fail("[quantize] percentile must be above 50 and at most 100; got {}", method.percentile);
}

void Histogram::add(const float* x, int64_t n, const std::string& name) {
  if (n == 0) return;
  float low = x[0], high = x[0], sum = 0;
#pragma omp simd reduction(min : low) reduction(max : high) reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) {
    low = x[i] < low ? x[i] : low;
    high = x[i] > high ? x[i] : high;
    sum += x[i] * 0.0F;  // NaN where x is NaN or infinite
  }
  if (sum != 0.0F) fail("[quantize] {} has NaN or infinity with the calibration data", name);
  low_ = count_ == 0 ? low : std::min(low_, static_cast<double>(low));
  high_ = count_ == 0 ? high : std::max(high_, static_cast<double>(high));
  count_ += n;
  widen(std::max(std::abs(static_cast<double>(low)), std::abs(static_cast<double>(high))));
  if (width_ == 0) return;  // zeros only
  const auto factor = static_cast<float>(1.0 / width_);
  constexpr auto kMiddle = static_cast<float>(kBins);
  for (int64_t i = 0; i < n; ++i) {
    const auto bin = static_cast<int32_t>(x[i] * factor + kMiddle);  // rounds down: positive
    ++bins_[static_cast<size_t>(std::clamp<int32_t>(bin, 0, 2 * kBins - 1))];
  }
}

// The width is a power of two, so that numbers fall into the same bins whatever came first.
void Histogram::widen(double to) {
  if (to == 0) return;
  double width = width_ > 0 ? width_ : std::exp2(std::floor(std::log2(to)) - 11);
  while (width * kBins <= to) width *= 2;
  if (bins_.empty()) {
    bins_.assign(2 * kBins, 0);
    width_ = width;
    return;
  }
  for (; width_ < width; width_ *= 2) {
    std::vector<int64_t> merged(2 * kBins, 0);
    for (int64_t i = 0; i < 2 * kBins; ++i)
      merged[static_cast<size_t>((i + kBins) / 2)] += bins_[static_cast<size_t>(i)];
    bins_ = std::move(merged);
  }
}

RealRange Histogram::range(const RangeMethod& method) const {
  if (count_ == 0) fail("[quantize] there are no calibration data");
  const RealRange all{std::min(low_, 0.0), std::max(high_, 0.0)};
  if (method.name == "minmax" || width_ == 0) return all;
  const RealRange part = method.name == "entropy" ? by_entropy() : by_percentile(method.percentile);
  return {std::max(part.low, all.low), std::min(part.high, all.high)};
}

// Of the numbers that are not 0: a value of a relu may be 0 almost everywhere.
RealRange Histogram::by_percentile(double percentile) const {
  int64_t total = 0;
  for (int64_t i = 0; i < 2 * kBins; ++i)
    if (i != kBins) total += bins_[static_cast<size_t>(i)];
  const auto outside =
      static_cast<int64_t>(static_cast<double>(total) * (100.0 - percentile) / 200.0);
  int64_t first = 0, last = 2 * kBins - 1;
  for (int64_t seen = 0; first < kBins; ++first)
    if ((seen += bins_[static_cast<size_t>(first)]) > outside) break;
  for (int64_t seen = 0; last > kBins; --last)
    if ((seen += bins_[static_cast<size_t>(last)]) > outside) break;
  return {std::min(edge(first), 0.0), std::max(edge(last + 1), 0.0)};
}

RealRange Histogram::by_entropy() const {
  constexpr int kCandidates = 96;
  RealRange best;
  double least = std::numeric_limits<double>::infinity();
  for (int i = kCandidates; i >= 12; --i) {
    const double part = static_cast<double>(i) / kCandidates;
    const RealRange range{std::min(low_, 0.0) * part, std::max(high_, 0.0) * part};
    const double d = divergence(range);
    if (d < least) {
      least = d;
      best = range;
    }
  }
  return best;
}

// KL(P || Q): P is what was seen with what lies outside put on the ends, Q the same in 256 steps,
// each spread evenly over its bins that have numbers. The bin of 0 is left out: it is represented
// exactly whatever the steps are.
double Histogram::divergence(const RealRange& range) const {
  constexpr int kSteps = 256;
  const double step = (range.high - range.low) / (kSteps - 1);
  if (!(step > 0)) return std::numeric_limits<double>::infinity();
  const auto first = static_cast<int64_t>(std::floor(range.low / width_)) + kBins;
  const auto last = std::min<int64_t>(
      2 * kBins - 1, static_cast<int64_t>(std::ceil(range.high / width_)) - 1 + kBins);
  std::vector<double> sum(kSteps, 0.0), used(kSteps, 0.0);
  auto step_of = [&](int64_t bin) {
    const double middle = edge(bin) + 0.5 * width_;
    return static_cast<size_t>(
        std::clamp<int64_t>(std::llround((middle - range.low) / step), 0, kSteps - 1));
  };
  double inside = 0, below = 0, above = 0;
  for (int64_t i = 0; i < 2 * kBins; ++i) {
    const auto n = static_cast<double>(bins_[static_cast<size_t>(i)]);
    if (n == 0 || i == kBins) continue;
    if (i < first) {
      below += n;
    } else if (i > last) {
      above += n;
    } else {
      inside += n;
      sum[step_of(i)] += n;
      used[step_of(i)] += 1;
    }
  }
  const double total = inside + below + above;
  if (inside == 0) return std::numeric_limits<double>::infinity();
  double d = 0;
  for (int64_t i = std::max<int64_t>(first, 0); i <= last; ++i) {
    auto p = static_cast<double>(bins_[static_cast<size_t>(i)]);
    if (i == kBins) continue;
    const size_t s = step_of(i);
    const double q = used[s] > 0 ? sum[s] / used[s] / inside : 0;
    if (i == first) p += below;
    if (i == last) p += above;
    if (p == 0) continue;
    // What the ends got from outside may stand where Q has nothing.
    d += p / total * std::log(p / total / std::max(q, 1e-9));
  }
  return d;
}

}  // namespace andiron::nn
