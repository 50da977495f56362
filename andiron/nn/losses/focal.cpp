#include "andiron/base/error.hpp"
#include "andiron/nn/losses/crossentropy.hpp"
#include "andiron/nn/losses/formula_loss.hpp"
#include "andiron/nn/losses/losses.hpp"
#include "andiron/ops/elementary.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

namespace {

constexpr double kEpsilon = 1e-7;  // Keras's

// x^gamma for x in [0, 1]. Below 1 the slope at 0 is infinite.
Value focus(const Value& x, double gamma) {
  if (gamma == 1.0) return x;
  if (gamma == 2.0) return ops::square(x);
  const Value base = gamma < 1.0 ? ops::maximum(x, constant(kEpsilon, x.dtype())) : x;
  return ops::power(base, constant(gamma, x.dtype()));
}

class BinaryFocal : public CrossentropyLoss {
 public:
  explicit BinaryFocal(const BinaryFocalOptions& options)
      : CrossentropyLoss(options, "binary_focal_crossentropy"),
        balancing_(options.apply_class_balancing),
        alpha_(options.alpha),
        gamma_(options.gamma) {
    if (!(alpha_ >= 0.0 && alpha_ <= 1.0))
      fail("[BinaryFocalCrossentropy] alpha must be in [0, 1]; got {}", alpha_);
    require_at_least("BinaryFocalCrossentropy", "gamma", gamma_, 0.0);
  }
  std::string class_name() const override { return "BinaryFocalCrossentropy"; }
  nlohmann::json config() const override {
    nlohmann::json config = CrossentropyLoss::config();
    config["apply_class_balancing"] = balancing_;
    config["alpha"] = alpha_;
    config["gamma"] = gamma_;
    return config;
  }

 protected:
  Value compute(const Value& y_true, const Value& y_pred) const override {
    const Value y = smoothed_binary(y_true);
    Value loss = binary(y, y_pred);
    if (gamma_ != 0.0) {
      // How far from the label: y (1 - p) + (1 - y) p.
      const Value logits = binary_logits(y_pred);
      const Value p = logits.defined() ? ops::sigmoid(logits) : clipped(y_pred);
      const Value rest = logits.defined() ? ops::sigmoid(-logits) : 1.0 - p;
      loss = loss * focus(y * rest + (1.0 - y) * p, gamma_);
    }
    if (balancing_) loss = loss * (y * alpha_ + (1.0 - y) * (1.0 - alpha_));
    return ops::mean(loss, {-1});
  }

 private:
  bool balancing_;
  double alpha_, gamma_;
};

class CategoricalFocal : public CrossentropyLoss {
 public:
  explicit CategoricalFocal(const CategoricalFocalOptions& options)
      : CrossentropyLoss(options, "categorical_focal_crossentropy"),
        alpha_(options.alpha),
        gamma_(options.gamma) {
    if (alpha_.empty()) fail("[CategoricalFocalCrossentropy] alpha needs a number");
    require_at_least("CategoricalFocalCrossentropy", "gamma", gamma_, 0.0);
  }
  std::string class_name() const override { return "CategoricalFocalCrossentropy"; }
  nlohmann::json config() const override {
    nlohmann::json config = CrossentropyLoss::config();
    if (alpha_.size() == 1) {
      config["alpha"] = alpha_[0];
    } else {
      config["alpha"] = alpha_;
    }
    config["gamma"] = gamma_;
    return config;
  }

 protected:
  Value compute(const Value& y_true, const Value& y_pred) const override {
    const Dim classes = y_pred.shape().back();
    if (alpha_.size() > 1 && !(classes == Dim(static_cast<int64_t>(alpha_.size()))))
      fail("[CategoricalFocalCrossentropy] alpha has {} numbers for the classes of y_pred {}",
           alpha_.size(), y_pred.shape().str());
    const Value y = smoothed_categorical(y_true, y_pred);
    const Value log_p = log_probabilities(y_pred);
    Value loss = -y * log_p;
    if (gamma_ != 0.0) loss = loss * focus(positive_part(1.0 - ops::exp(log_p)), gamma_);
    return ops::sum(loss * row_of(alpha_, loss), {-1});
  }

 private:
  std::vector<double> alpha_;
  double gamma_;
};

}  // namespace

LossPtr BinaryFocalCrossentropy(BinaryFocalOptions options) {
  return std::make_shared<BinaryFocal>(options);
}

LossPtr CategoricalFocalCrossentropy(CategoricalFocalOptions options) {
  return std::make_shared<CategoricalFocal>(options);
}

LossPtr CategoricalGeneralizedCrossEntropy(double q, LossOptions options) {
  if (!(q > 0.0 && q < 1.0))
    fail("[CategoricalGeneralizedCrossEntropy] q must lie between 0 and 1; got {}", q);
  return std::make_shared<FormulaLoss>(
      "CategoricalGeneralizedCrossEntropy",
      named(std::move(options), "categorical_generalized_cross_entropy"),
      [q](const Value& y, const Value& p) {
        if (p.rank() < 2)
          fail("[CategoricalGeneralizedCrossEntropy] y_pred needs an axis of classes; got {}",
               p.shape().str());
        const Value right = ops::gather_elements(p, ops::expand_dims(y, -1), -1);
        return (1.0 - focus(ops::squeeze(right, -1), q)) / q;
      },
      nlohmann::json{{"q", q}}, Target::ids);
}

LossPtr KLDivergence(LossOptions options) {
  return std::make_shared<FormulaLoss>(
      "KLDivergence", named(std::move(options), "kl_divergence"),
      [](const Value& y_true, const Value& y_pred) {
        const Value y = ops::clip(y_true, kEpsilon, 1.0);
        const Value logits = softmax_input(y_pred);
        const Value log_p = logits.defined() ? ops::log_softmax(logits, -1)
                                             : ops::log(ops::clip(y_pred, kEpsilon, 1.0));
        return ops::sum(y * (ops::log(y) - log_p), {-1});
      });
}

}  // namespace andiron::nn
