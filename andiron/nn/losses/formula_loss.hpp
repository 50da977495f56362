#pragma once

#include <functional>
#include <nlohmann/json.hpp>

#include "andiron/nn/loss.hpp"

namespace andiron::nn {

/// What y_true looks like beside y_pred [batch, ..., n].
enum class Target {
  values,  ///< y_pred's shape
  ids,     ///< class ids [batch, ...]
  column,  ///< y_pred's shape with a last axis of 1
  sample,  ///< one number a sample: [batch, 1]
};

/// A loss that is a formula; `settings` are its config beside name and reduction.
class FormulaLoss : public Loss {
 public:
  using Formula = std::function<Value(const Value& y_true, const Value& y_pred)>;
  FormulaLoss(const char* class_name, LossOptions options, Formula formula,
              nlohmann::json settings = nlohmann::json::object(), Target target = Target::values);

  std::string class_name() const override { return class_name_; }
  TensorType target_type(const TensorType& y_pred) const override;
  nlohmann::json config() const override;

 protected:
  bool sparse_labels() const override { return target_ == Target::ids; }
  Value compute(const Value& y_true, const Value& y_pred) const override {
    return formula_(y_true, y_pred);
  }

 private:
  const char* class_name_;
  Formula formula_;
  nlohmann::json settings_;
  Target target_;
};

/// `low` <= value, or Error.
void require_at_least(const char* loss, const char* what, double value, double low);
/// Numbers along the last axis, in the dtype of `like`.
Value row_of(const std::vector<double>& numbers, const Value& like);
/// max(x, 0)
Value positive_part(const Value& x);
/// Labels of y_pred's shape with -1 in place of 0.
///
/// Keras takes labels for 0/1 when all of a batch are; a single 0 can only mean that, and asking
/// label by label keeps the rows independent.
Value signed_labels(const Value& y_true);

/// The losses where `counts` (bool, of their shape), 0 elsewhere, so that means over the batch are
/// over those that count, as with Keras's masks; sums stay as they are.
Value counted(const Value& losses, const Value& counts, Reduction reduction);

}  // namespace andiron::nn
