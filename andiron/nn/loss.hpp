#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "andiron/graph/value.hpp"

namespace andiron::nn {

enum class Reduction { sum_over_batch_size, sum, mean, mean_with_sample_weight, none };
Reduction parse_reduction(std::string_view name);
std::string_view name_of(Reduction reduction);

struct LossOptions {
  Reduction reduction = Reduction::sum_over_batch_size;
  std::string name = {};  ///< empty: Keras's ("mean_squared_error")
};

/// How wrong predictions are. Immutable, hence thread-safe.
class Loss {
 public:
  explicit Loss(LossOptions options) : options_(std::move(options)) {}
  virtual ~Loss() = default;

  virtual std::string class_name() const = 0;
  const std::string& name() const { return options_.name; }
  Reduction reduction() const { return options_.reduction; }

  /// The loss of each sample, [batch, ...] without the last axis of y_pred. Ranks that differ by a
  /// last axis of 1 are evened out and y_true is cast to y_pred's dtype, as in Keras.
  Value per_sample(const Value& y_true, const Value& y_pred) const;
  /// The reduced loss. `sample_weight` [batch] or of per_sample's shape multiplies the samples'
  /// losses; the divisor of sum_over_batch_size stays the number of samples.
  Value operator()(const Value& y_true, const Value& y_pred, const Value& sample_weight = {}) const;

  /// The dtype and the per-sample shape of y_true that go with predictions of this type.
  virtual TensorType target_type(const TensorType& y_pred) const;
  virtual nlohmann::json config() const;

 protected:
  virtual Value compute(const Value& y_true, const Value& y_pred) const = 0;
  /// Whether y_true holds class ids instead of values of y_pred's shape.
  virtual bool sparse_labels() const { return false; }

 private:
  LossOptions options_;
};

using LossPtr = std::shared_ptr<const Loss>;

/// The loss of that name with its defaults: "mse", "mean_squared_error", "MeanSquaredError",
/// "binary_crossentropy", ... Throws Error listing them.
LossPtr get_loss(std::string_view name);
/// From {"class_name": ..., "config": {...}}.
LossPtr loss_from_config(const nlohmann::json& description);
/// The inverse. A loss of the user's own is described as its graph for these types.
nlohmann::json loss_description(const Loss& loss, const TensorType& y_pred);

}  // namespace andiron::nn
