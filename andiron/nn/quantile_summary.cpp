#include "andiron/nn/quantile_summary.hpp"

#include <algorithm>
#include <cmath>

#include "andiron/base/error.hpp"

namespace andiron::nn {

namespace {

// numpy.interp: y at x on the line through the points (xs ascending), constant beyond its ends.
double interpolated(double x, const std::vector<float>& xs, const std::vector<float>& ys) {
  if (x < xs.front()) return ys.front();
  if (x >= xs.back()) return ys.back();
  const auto above = std::upper_bound(xs.begin(), xs.end(), x,
                                      [](double value, float at) { return value < double(at); });
  const auto j = static_cast<size_t>(above - xs.begin()) - 1;
  const double x0 = xs[j], x1 = xs[j + 1], y0 = ys[j], y1 = ys[j + 1];
  return x == x0 ? y0 : (y1 - y0) / (x1 - x0) * (x - x0) + y0;
}

}  // namespace

void QuantileSummary::add(const Tensor& piece) {
  const Tensor numbers = piece.cast(DType::f32).contiguous();
  const int64_t n = numbers.count();
  if (n == 0) return;
  const int64_t per_row = numbers.rank() == 0 ? 1 : n / numbers.size(0);
  std::vector<float> sorted(numbers.data<float>(), numbers.data<float>() + n);
  for (int64_t i = 0; i < n; ++i)
    if (!std::isfinite(sorted[static_cast<size_t>(i)]))
      fail("[Discretization] data must be finite; row {} has {}", rows_ + i / per_row,
           sorted[static_cast<size_t>(i)]);
  rows_ += n / per_row;
  std::sort(sorted.begin(), sorted.end());
  const double step = std::max(static_cast<double>(n) / (1.0 / epsilon_), 1.0);
  std::vector<Point> points;
  for (auto i = static_cast<int64_t>(step - 1); i < n; i += static_cast<int64_t>(step))
    points.emplace_back(sorted[static_cast<size_t>(i)], static_cast<float>(step));
  points.insert(points.end(), points_.begin(), points_.end());
  std::stable_sort(points.begin(), points.end(),
                   [](const Point& a, const Point& b) { return a.first < b.first; });
  points_ = compressed(std::move(points), epsilon_);
}

std::vector<QuantileSummary::Point> QuantileSummary::compressed(std::vector<Point> points,
                                                                double epsilon) {
  if (static_cast<double>(points.size()) * epsilon < 1.0) return points;
  std::vector<float> values, weights, shares;
  float total = 0.0F;
  for (const auto& [value, weight] : points) {
    values.push_back(value);
    weights.push_back(total += weight);
  }
  for (float weight : weights) shares.push_back(weight / total);
  std::vector<Point> out;
  double before = 0.0;
  const auto n = static_cast<int64_t>(std::ceil(1.0 / epsilon));
  for (int64_t i = 0; i < n; ++i) {
    const double share = epsilon + static_cast<double>(i) * epsilon;
    const double weight = interpolated(share, shares, weights);
    out.emplace_back(static_cast<float>(interpolated(share, shares, values)),
                     static_cast<float>(weight - before));
    before = weight;
  }
  return out;
}

std::vector<float> QuantileSummary::boundaries(int64_t bins) const {
  std::vector<float> out;
  const std::vector<Point> points = compressed(points_, 1.0 / static_cast<double>(bins));
  for (size_t i = 0; i + 1 < points.size(); ++i) out.push_back(points[i].first);
  return out;
}

}  // namespace andiron::nn
