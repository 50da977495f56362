#include <cmath>

#include "andiron/base/error.hpp"
#include "andiron/nn/losses/catalog.hpp"
#include "andiron/nn/losses/formula_loss.hpp"
#include "andiron/nn/losses/losses.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

namespace {

constexpr double kEpsilon = 1e-7;  // Keras's

Value at_least(const Value& x, double low) { return ops::maximum(x, constant(low, x.dtype())); }
Value row_mean(const Value& x) { return ops::mean(x, {-1}); }

// log(cosh(x)). Near 0 the usual |x| + log1p(exp(-2|x|)) - log(2) cancels, and far from it
// 1 - tanh(x)^2 does.
Value log_cosh(const Value& x) {
  const Value size = ops::absolute(x);
  const Value near = ops::log1p(-ops::square(ops::tanh(ops::clip(x, -1.0, 1.0)))) * -0.5;
  const Value far = size + ops::log1p(ops::exp(size * -2.0)) - std::log(2.0);
  return ops::where(ops::less(size, constant(1.0, x.dtype())), near, far);
}

// x / |x| along the last axis; 0 for 0, where the gradient is finite too.
Value direction(const Value& x) {
  const Value squares = at_least(ops::sum(ops::square(x), {-1}, true), kEpsilon * kEpsilon);
  return x * ops::rsqrt(squares);
}

template <class Formula>
LossPtr plain(const char* class_name, const char* name, LossOptions options, Formula formula) {
  return std::make_shared<FormulaLoss>(class_name, named(std::move(options), name), formula);
}

}  // namespace

LossPtr MeanSquaredError(LossOptions options) {
  return plain("MeanSquaredError", "mean_squared_error", std::move(options),
               [](const Value& y, const Value& p) { return row_mean(ops::square(p - y)); });
}

LossPtr MeanAbsoluteError(LossOptions options) {
  return plain("MeanAbsoluteError", "mean_absolute_error", std::move(options),
               [](const Value& y, const Value& p) { return row_mean(ops::absolute(p - y)); });
}

LossPtr MeanAbsolutePercentageError(LossOptions options) {
  return plain("MeanAbsolutePercentageError", "mean_absolute_percentage_error", std::move(options),
               [](const Value& y, const Value& p) {
                 const Value size = at_least(ops::absolute(y), kEpsilon);
                 return row_mean(ops::absolute(p - y) / size) * 100.0;
               });
}

LossPtr MeanSquaredLogarithmicError(LossOptions options) {
  return plain("MeanSquaredLogarithmicError", "mean_squared_logarithmic_error", std::move(options),
               [](const Value& y, const Value& p) {
                 auto log = [](const Value& x) { return ops::log1p(at_least(x, kEpsilon)); };
                 return row_mean(ops::square(log(p) - log(y)));
               });
}

LossPtr LogCosh(LossOptions options) {
  return plain("LogCosh", "log_cosh", std::move(options),
               [](const Value& y, const Value& p) { return row_mean(log_cosh(p - y)); });
}

LossPtr Poisson(LossOptions options) {
  return plain("Poisson", "poisson", std::move(options), [](const Value& y, const Value& p) {
    return row_mean(p - y * ops::log(p + kEpsilon));
  });
}

LossPtr CosineSimilarity(LossOptions options) {
  return plain(
      "CosineSimilarity", "cosine_similarity", std::move(options),
      [](const Value& y, const Value& p) { return -ops::sum(direction(y) * direction(p), {-1}); });
}

LossPtr Huber(double delta, LossOptions options) {
  if (!(delta > 0.0)) fail("[Huber] delta must be positive; got {}", delta);
  return std::make_shared<FormulaLoss>(
      "Huber", named(std::move(options), "huber_loss"),
      [delta](const Value& y, const Value& p) {
        const Value error = p - y, size = ops::absolute(error);
        return row_mean(ops::where(ops::less_equal(size, constant(delta, size.dtype())),
                                   ops::square(error) * 0.5, size * delta - 0.5 * delta * delta));
      },
      nlohmann::json{{"delta", delta}});
}

LossPtr Quantile(std::vector<double> quantiles, LossOptions options) {
  if (quantiles.empty()) fail("[Quantile] needs at least one quantile");
  for (double q : quantiles)
    if (!(q > 0.0 && q < 1.0)) fail("[Quantile] quantiles must lie between 0 and 1; got {}", q);
  const bool several = quantiles.size() > 1;
  const nlohmann::json settings = {{"quantiles", quantiles}};
  return std::make_shared<FormulaLoss>(
      "Quantile", named(std::move(options), "quantile"),
      [quantiles](const Value& y, const Value& p) {
        const auto n = static_cast<int64_t>(quantiles.size());
        if (n > 1 && !(p.shape().back() == Dim(n)))
          fail("[Quantile] the last axis of y_pred must be the {} quantiles; got {}", n,
               p.shape().str());
        const Value error = y - p, q = row_of(quantiles, p);
        return row_mean(ops::maximum(error * q, error * (q - 1.0)));
      },
      settings, several ? Target::column : Target::values);
}

}  // namespace andiron::nn
