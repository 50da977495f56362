#include "andiron/nn/losses/crossentropy.hpp"

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/losses/formula_loss.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

CrossentropyLoss::CrossentropyLoss(const CrossentropyOptions& options, const char* name)
    : Loss(named({.reduction = options.reduction, .name = options.name}, name)),
      from_logits_(options.from_logits),
      smoothing_(options.label_smoothing) {
  if (!(smoothing_ >= 0.0 && smoothing_ <= 1.0))
    fail("[{}] label_smoothing must be in [0, 1]; got {}", name, smoothing_);
}

nlohmann::json CrossentropyLoss::config() const {
  nlohmann::json config = Loss::config();
  config["from_logits"] = from_logits_;
  config["label_smoothing"] = smoothing_;
  return config;
}

Value CrossentropyLoss::smoothed_binary(const Value& y_true) const {
  return smoothing_ > 0.0 ? y_true * (1.0 - smoothing_) + 0.5 * smoothing_ : y_true;
}

Value CrossentropyLoss::smoothed_categorical(const Value& y_true, const Value& y_pred) const {
  if (smoothing_ == 0.0) return y_true;
  const auto classes = static_cast<double>(y_pred.shape().back().size());
  return y_true * (1.0 - smoothing_) + smoothing_ / classes;
}

Value CrossentropyLoss::binary_logits(const Value& y_pred) const {
  return from_logits_ ? y_pred : sigmoid_input(y_pred);
}

Value CrossentropyLoss::binary(const Value& y, const Value& y_pred) const {
  const Value logits = binary_logits(y_pred);
  if (logits.defined()) return ops::sigmoid_cross_entropy(logits, y);
  const Value p = clipped(y_pred);
  return -(y * ops::log(p) + (1.0 - y) * ops::log(1.0 - p));
}

Value CrossentropyLoss::log_probabilities(const Value& y_pred) const {
  const Value logits = from_logits_ ? y_pred : softmax_input(y_pred);
  if (logits.defined()) return ops::log_softmax(logits, -1);
  return ops::log(clipped(y_pred / ops::sum(y_pred, {-1}, true)));
}

namespace {

class BinaryCrossentropyLoss : public CrossentropyLoss {
 public:
  explicit BinaryCrossentropyLoss(const CrossentropyOptions& options)
      : CrossentropyLoss(options, "binary_crossentropy") {}
  std::string class_name() const override { return "BinaryCrossentropy"; }

 protected:
  Value compute(const Value& y_true, const Value& y_pred) const override {
    return ops::mean(binary(smoothed_binary(y_true), y_pred), {-1});
  }
};

class CategoricalCrossentropyLoss : public CrossentropyLoss {
 public:
  explicit CategoricalCrossentropyLoss(const CrossentropyOptions& options)
      : CrossentropyLoss(options, "categorical_crossentropy") {}
  std::string class_name() const override { return "CategoricalCrossentropy"; }

 protected:
  Value compute(const Value& y_true, const Value& y_pred) const override {
    return -ops::sum(smoothed_categorical(y_true, y_pred) * log_probabilities(y_pred), {-1});
  }
};

class SparseCategoricalCrossentropyLoss : public CrossentropyLoss {
 public:
  explicit SparseCategoricalCrossentropyLoss(const SparseCrossentropyOptions& options)
      : CrossentropyLoss({.from_logits = options.from_logits,
                          .reduction = options.reduction,
                          .name = options.name},
                         "sparse_categorical_crossentropy"),
        ignored_(options.ignore_class) {}
  std::string class_name() const override { return "SparseCategoricalCrossentropy"; }
  nlohmann::json config() const override {
    nlohmann::json config = CrossentropyLoss::config();
    config.erase("label_smoothing");
    if (ignored_) config["ignore_class"] = *ignored_;
    return config;
  }

 protected:
  bool sparse_labels() const override { return true; }
  Value compute(const Value& y_true, const Value& y_pred) const override {
    if (y_pred.rank() < 2)
      fail("[SparseCategoricalCrossentropy] y_pred needs an axis of classes; got {}",
           y_pred.shape().str());
    if (!ignored_) return cost(y_true, y_pred);
    const Value label = constant(static_cast<double>(*ignored_), y_true.dtype());
    const Value counts = ops::not_equal(y_true, label);
    const Value zero = ops::broadcast_to(constant(0.0, y_true.dtype()), y_true.shape());
    return counted(cost(ops::where(counts, y_true, zero), y_pred), counts, reduction());
  }

 private:
  Value cost(const Value& y_true, const Value& y_pred) const {
    // Logarithms of probabilities are logits too: their softmax is the probabilities.
    Value logits = from_logits_ ? y_pred : softmax_input(y_pred);
    if (!logits.defined()) logits = log_probabilities(y_pred);
    if (y_pred.rank() == 2) return ops::sparse_softmax_cross_entropy(logits, y_true);
    const Dim classes = y_pred.shape().back();
    const Dim rows = y_pred.shape().count() / classes;
    const Value flat = ops::sparse_softmax_cross_entropy(ops::reshape(logits, {rows, classes}),
                                                         ops::reshape(y_true, {rows}));
    return ops::reshape(flat, y_true.shape());
  }

  std::optional<int64_t> ignored_;
};

}  // namespace

LossPtr BinaryCrossentropy(CrossentropyOptions options) {
  return std::make_shared<BinaryCrossentropyLoss>(options);
}
LossPtr CategoricalCrossentropy(CrossentropyOptions options) {
  return std::make_shared<CategoricalCrossentropyLoss>(options);
}
LossPtr SparseCategoricalCrossentropy(SparseCrossentropyOptions options) {
  return std::make_shared<SparseCategoricalCrossentropyLoss>(options);
}

}  // namespace andiron::nn
