#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/losses/activation_input.hpp"
#include "andiron/nn/losses/catalog.hpp"
#include "andiron/nn/losses/losses.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

namespace {

/// What the three share.
class Crossentropy : public Loss {
 public:
  Crossentropy(const CrossentropyOptions& options, const char* name)
      : Loss(named({.reduction = options.reduction, .name = options.name}, name)),
        from_logits_(options.from_logits),
        smoothing_(options.label_smoothing) {
    if (!(smoothing_ >= 0.0 && smoothing_ <= 1.0))
      fail("[{}] label_smoothing must be in [0, 1]; got {}", name, smoothing_);
  }

  nlohmann::json config() const override {
    nlohmann::json config = Loss::config();
    config["from_logits"] = from_logits_;
    config["label_smoothing"] = smoothing_;
    return config;
  }

 protected:
  /// log p over the last axis.
  Value log_probabilities(const Value& y_pred) const {
    const Value logits = from_logits_ ? y_pred : softmax_input(y_pred);
    if (logits.defined()) return ops::log_softmax(logits, -1);
    return ops::log(clipped(y_pred / ops::sum(y_pred, {-1}, true)));
  }

  bool from_logits_;
  double smoothing_;
};

class BinaryCrossentropyLoss : public Crossentropy {
 public:
  explicit BinaryCrossentropyLoss(const CrossentropyOptions& options)
      : Crossentropy(options, "binary_crossentropy") {}
  std::string class_name() const override { return "BinaryCrossentropy"; }

 protected:
  Value compute(const Value& y_true, const Value& y_pred) const override {
    Value y = y_true;
    if (smoothing_ > 0.0) y = y * (1.0 - smoothing_) + 0.5 * smoothing_;
    const Value logits = from_logits_ ? y_pred : sigmoid_input(y_pred);
    if (logits.defined()) return ops::mean(ops::sigmoid_cross_entropy(logits, y), {-1});
    const Value p = clipped(y_pred);
    return ops::mean(-(y * ops::log(p) + (1.0 - y) * ops::log(1.0 - p)), {-1});
  }
};

class CategoricalCrossentropyLoss : public Crossentropy {
 public:
  explicit CategoricalCrossentropyLoss(const CrossentropyOptions& options)
      : Crossentropy(options, "categorical_crossentropy") {}
  std::string class_name() const override { return "CategoricalCrossentropy"; }

 protected:
  Value compute(const Value& y_true, const Value& y_pred) const override {
    Value y = y_true;
    if (smoothing_ > 0.0) {
      const auto classes = static_cast<double>(y_pred.shape().back().size());
      y = y * (1.0 - smoothing_) + smoothing_ / classes;
    }
    return -ops::sum(y * log_probabilities(y_pred), {-1});
  }
};

class SparseCategoricalCrossentropyLoss : public Crossentropy {
 public:
  explicit SparseCategoricalCrossentropyLoss(const SparseCrossentropyOptions& options)
      : Crossentropy({.from_logits = options.from_logits,
                      .reduction = options.reduction,
                      .name = options.name},
                     "sparse_categorical_crossentropy") {}
  std::string class_name() const override { return "SparseCategoricalCrossentropy"; }
  nlohmann::json config() const override {
    nlohmann::json config = Crossentropy::config();
    config.erase("label_smoothing");
    return config;
  }

 protected:
  bool sparse_labels() const override { return true; }
  Value compute(const Value& y_true, const Value& y_pred) const override {
    if (y_pred.rank() < 2)
      fail("[SparseCategoricalCrossentropy] y_pred needs an axis of classes; got {}",
           y_pred.shape().str());
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
