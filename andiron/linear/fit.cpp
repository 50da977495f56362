#include "andiron/linear/fit.hpp"

#include <algorithm>
#include <cmath>

#include "andiron/base/error.hpp"
#include "andiron/linear/gemm.hpp"
#include "andiron/linear/line_search.hpp"
#include "andiron/linear/objective.hpp"
#include "andiron/linear/pairs.hpp"

namespace andiron::linear {

namespace {

constexpr size_t kPairs = 10;
constexpr int kPatience = 10;       // steps without progress: float32 gives no more
constexpr double kCurvature = 0.5;  // lengths are cheap to try: narrower than the usual 0.9

// The bias of centred features from that of the given ones (sign 1), or back (sign -1).
double moved(const Examples& examples, const float* weights, double bias, double sign) {
  double sum = 0;
  for (size_t j = 0; j < examples.means().size(); ++j)
    sum += static_cast<double>(weights[j]) * examples.means()[j];
  return bias + sign * sum;
}

Vector first_point(const Examples& examples, const Fit* start, bool intercept) {
  const int64_t d = examples.features(), k = examples.classes();
  Vector p(static_cast<size_t>(k * (d + 1)), 0.0F);
  if (!start) return p;
  if (std::ssize(start->weights) != k * d || std::ssize(start->bias) != k)
    fail("[linear] a start has weights [{}, {}] and bias [{}]; got {} and {} numbers", k, d, k,
         start->weights.size(), start->bias.size());
  std::copy(start->weights.begin(), start->weights.end(), p.begin());
  for (int64_t c = 0; c < k && intercept; ++c)
    p[static_cast<size_t>(k * d + c)] = static_cast<float>(
        moved(examples, start->weights.data() + c * d, start->bias[static_cast<size_t>(c)], 1));
  return p;
}

double largest(const Vector& g) {
  float most = 0;
  for (const float x : g) most = std::max(most, std::abs(x));
  return static_cast<double>(most);
}

}  // namespace

Fit fit(const Examples& examples, const std::vector<Rows>& ranges, const Options& options,
        const Fit* start) {
  if (!(options.c > 0) || !std::isfinite(options.c))
    fail("[linear] C must be positive; got {}", options.c);
  if (!(options.tol > 0)) fail("[linear] tol must be positive; got {}", options.tol);
  if (options.max_iter < 0) fail("[linear] max_iter must be at least 0; got {}", options.max_iter);
  const double l2 = 1.0 / (options.c * examples.total_weight(ranges));
  Objective objective(examples, ranges, l2, options.intercept, options.threads);
  Vector p = first_point(examples, start, options.intercept), g(p.size()), before;
  Pairs pairs(kPairs);
  Fit out;
  out.value = objective.move_to(p);
  objective.gradient(p, g);
  double best_value = out.value, best_gradient = largest(g);
  int idle = 0;
  while ((out.largest_gradient = largest(g)) > options.tol && out.iterations < options.max_iter &&
         idle < kPatience) {
    Vector direction = pairs.direction(g);
    double slope = dot(direction, g);
    if (!(slope < 0)) {  // rounding: once more from the gradient alone
      if (pairs.empty()) break;
      pairs.clear();
      continue;
    }
    objective.look_along(p, direction);
    const double first = pairs.empty() ? std::min(1.0, 1.0 / std::sqrt(dot(g, g))) : 1.0;
    const Found found = search_line([&](double t) { return objective.along(t); },
                                    {out.value, slope}, first, kCurvature);
    if (found.t == 0) {
      if (pairs.empty()) break;
      pairs.clear();
      continue;
    }
    ++out.iterations;
    out.value = found.slope.value;
    objective.step(found.t);
    add(p, found.t, direction);
    before = g;
    objective.gradient(p, g);
    for (float& x : direction) x = static_cast<float>(static_cast<double>(x) * found.t);
    for (size_t i = 0; i < g.size(); ++i) before[i] = g[i] - before[i];
    idle = out.value < best_value - 1e-8 * std::abs(best_value) || largest(g) < 0.8 * best_gradient
               ? 0
               : idle + 1;
    if (idle == 0) {
      best_value = std::min(best_value, out.value);
      best_gradient = std::min(best_gradient, largest(g));
    }
    const double sy = dot(direction, before);
    if (sy > 1e-10 * dot(direction, direction) * l2)
      pairs.push({std::move(direction), before, 1.0 / sy});
  }
  out.converged = out.largest_gradient <= options.tol;
  const int64_t d = examples.features(), k = examples.classes();
  out.weights.assign(p.begin(), p.begin() + k * d);
  for (int64_t c = 0; c < k; ++c) {
    const double bias = static_cast<double>(p[static_cast<size_t>(k * d + c)]);
    out.bias.push_back(options.intercept ? moved(examples, out.weights.data() + c * d, bias, -1)
                                         : 0.0);
  }
  return out;
}

void scores(const Examples& examples, Rows rows, const Fit& fit, int threads, float* dst) {
  const int64_t d = examples.features(), k = examples.classes(), n = rows.second - rows.first;
  if (n == 0) return;
  multiply(examples.x(rows.first), n, d, fit.weights.data(), k, dst, threads);
  for (int64_t c = 0; c < k; ++c) {
    const float bias = static_cast<float>(
        moved(examples, fit.weights.data() + c * d, fit.bias[static_cast<size_t>(c)], 1));
    for (int64_t i = 0; i < n; ++i) dst[i * k + c] += bias;
  }
}

}  // namespace andiron::linear
