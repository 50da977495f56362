#pragma once

#include <functional>

namespace andiron::linear {

/// A value along a line and its derivative.
struct Slope {
  double value, derivative;
};

/// Where a line search ended.
struct Found {
  double t = 0;  ///< 0: no step makes the function smaller, to the precision of its values
  Slope slope{};
};

/// A step that fulfils the strong Wolfe conditions: value(t) <= value(0) + 1e-4 t slope(0) and
/// |slope(t)| <= curvature |slope(0)|. Where values differ by rounding only, slopes decide.
/// REQUIRES at_zero.derivative < 0 and t > 0, the step to try first.
/// Source: Nocedal and Wright, "Numerical Optimization", 2006, algorithms 3.5 and 3.6; Hager and
/// Zhang, "A new conjugate gradient method", 2005, for values that differ by rounding.
Found search_line(const std::function<Slope(double)>& along, Slope at_zero, double t,
                  double curvature);

}  // namespace andiron::linear
