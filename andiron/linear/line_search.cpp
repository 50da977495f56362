#include "andiron/linear/line_search.hpp"

#include <algorithm>
#include <cmath>

namespace andiron::linear {

namespace {

constexpr double kDecrease = 1e-4;
constexpr double kRounding = 1e-7;  // of values: sums in double of losses of float32 scores
constexpr int kMost = 30;

// The minimum of the cubic through two points with their slopes, kept inside of their interval.
double cubic_minimum(double a, Slope at_a, double b, Slope at_b) {
  const double d1 = at_a.derivative + at_b.derivative - 3 * (at_a.value - at_b.value) / (a - b);
  const double square = d1 * d1 - at_a.derivative * at_b.derivative;
  const double low = std::min(a, b), high = std::max(a, b), edge = 0.1 * (high - low);
  if (square >= 0) {
    const double d2 = std::copysign(std::sqrt(square), b - a);
    const double t =
        b - (b - a) * (at_b.derivative + d2 - d1) / (at_b.derivative - at_a.derivative + 2 * d2);
    if (std::isfinite(t)) return std::clamp(t, low + edge, high - edge);
  }
  return 0.5 * (a + b);
}

}  // namespace

Found search_line(const std::function<Slope(double)>& along, Slope at_zero, double t,
                  double curvature) {
  const double slack = kRounding * std::abs(at_zero.value);
  auto small_enough = [&](double at, Slope s) {
    return s.value <= at_zero.value + kDecrease * at * at_zero.derivative ||
           (s.value <= at_zero.value + slack &&
            s.derivative <= (1 - 2 * kDecrease) * std::abs(at_zero.derivative));
  };
  auto flat_enough = [&](Slope s) {
    return std::abs(s.derivative) <= curvature * std::abs(at_zero.derivative);
  };
  double low = 0, high = 0;  // low: the best so far; the interval between them has a good step
  Slope at_low = at_zero, at_high{};
  bool bracketed = false;
  for (int i = 0; i < kMost; ++i) {
    const Slope s = along(t);
    if (!std::isfinite(s.value) || !small_enough(t, s) ||
        (low > 0 && s.value > at_low.value + slack)) {
      high = t, at_high = s, bracketed = true;
    } else if (flat_enough(s)) {
      return {t, s};
    } else {
      if (s.derivative * (bracketed ? high - low : 1.0) >= 0) {
        high = low, at_high = at_low, bracketed = true;
      }
      low = t, at_low = s;
    }
    if (!bracketed) {
      t *= 4;
    } else if (!std::isfinite(at_high.value)) {
      t = 0.5 * (low + high);
    } else {
      t = cubic_minimum(low, at_low, high, at_high);
    }
    if (bracketed && std::abs(high - low) <= 1e-12 * std::max(high, low)) break;
  }
  // No step has a flat end: the best one that is lower.
  if (low > 0) return {low, along(low)};
  return {};
}

}  // namespace andiron::linear
