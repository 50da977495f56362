#pragma once

#include <nlohmann/json_fwd.hpp>

#include "andiron/nn/losses/activation_input.hpp"
#include "andiron/nn/losses/catalog.hpp"
#include "andiron/nn/losses/losses.hpp"

namespace andiron::nn {

/// What the cross-entropies share: logits or probabilities, and smoothed labels.
class CrossentropyLoss : public Loss {
 public:
  CrossentropyLoss(const CrossentropyOptions& options, const char* name);
  nlohmann::json config() const override;

 protected:
  /// y (1 - s) + s / 2
  Value smoothed_binary(const Value& y_true) const;
  /// y (1 - s) + s / classes
  Value smoothed_categorical(const Value& y_true, const Value& y_pred) const;
  /// -(y log p + (1 - y) log(1 - p)), of each element
  Value binary(const Value& y, const Value& y_pred) const;
  /// What p is the sigmoid of; undefined where only p is known.
  Value binary_logits(const Value& y_pred) const;
  /// log p over the last axis.
  Value log_probabilities(const Value& y_pred) const;

  bool from_logits_;
  double smoothing_;
};

}  // namespace andiron::nn
