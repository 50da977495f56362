#include "andiron/base/error.hpp"
#include "andiron/nn/losses/catalog.hpp"
#include "andiron/nn/losses/formula_loss.hpp"
#include "andiron/nn/losses/losses.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

namespace {

constexpr double kEpsilon = 1e-7;  // Keras's

// Sums over `axes`, or over everything, batch included: then one number is all samples' loss.
class Sums {
 public:
  Sums(const char* loss, std::vector<int64_t> axes) : loss_(loss), axes_(std::move(axes)) {}

  Value operator()(const Value& x) const {
    if (axes_.empty()) return ops::reshape(ops::sum(x), {1});
    for (int64_t axis : axes_) {
      const int64_t at = axis < 0 ? axis + x.rank() : axis;
      if (at < 1 || at >= x.rank())
        fail("[{}] axis {} is not among the axes behind the batch of {}", loss_, axis,
             x.shape().str());
    }
    return ops::sum(x, axes_);
  }

 private:
  const char* loss_;
  std::vector<int64_t> axes_;
};

nlohmann::json axis_setting(const std::vector<int64_t>& axes) {
  return axes.empty() ? nlohmann::json() : nlohmann::json(axes);
}

}  // namespace

LossPtr Dice(std::vector<int64_t> axes, LossOptions options) {
  const Sums sum("Dice", axes);
  return std::make_shared<FormulaLoss>(
      "Dice", named(std::move(options), "dice"),
      [sum](const Value& y, const Value& p) {
        return 1.0 - sum(y * p) * 2.0 / (sum(y) + sum(p) + kEpsilon);
      },
      nlohmann::json{{"axis", axis_setting(axes)}});
}

LossPtr Tversky(double alpha, double beta, std::vector<int64_t> axes, LossOptions options) {
  require_at_least("Tversky", "alpha", alpha, 0.0);
  require_at_least("Tversky", "beta", beta, 0.0);
  const Sums sum("Tversky", axes);
  return std::make_shared<FormulaLoss>(
      "Tversky", named(std::move(options), "tversky"),
      [=](const Value& y, const Value& p) {
        const Value both = sum(y * p);
        const Value missed = sum(y * (1.0 - p)), extra = sum(p * (1.0 - y));
        return 1.0 - both / (both + missed * alpha + extra * beta + kEpsilon);
      },
      nlohmann::json{{"alpha", alpha}, {"beta", beta}, {"axis", axis_setting(axes)}});
}

}  // namespace andiron::nn
