#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "andiron/graph/graph.hpp"
#include "andiron/nn/loss.hpp"

/// Keras's losses under Keras's names, arguments and defaults. Each takes y_true and y_pred of one
/// shape unless said otherwise; the last axis is averaged over.
///
/// from_logits=false: y_pred are probabilities. Where they come straight from a sigmoid or softmax
/// (also through reshapes, for sigmoid), the loss is computed from that activation's input, which
/// is exact where the probability rounds to 0 or 1, as Keras's TensorFlow backend does. Otherwise
/// probabilities are clipped to [1e-7, 1 - 1e-7].
namespace andiron::nn {

/// mean (y_true - y_pred)^2
LossPtr MeanSquaredError(LossOptions options = {});
/// mean |y_true - y_pred|
LossPtr MeanAbsoluteError(LossOptions options = {});
/// mean max(1 - y_true y_pred, 0) with labels -1 and 1; 0 is taken for -1.
LossPtr Hinge(LossOptions options = {});
/// max(max((1 - y_true) y_pred) - sum(y_true y_pred) + 1, 0) with one-hot labels
LossPtr CategoricalHinge(LossOptions options = {});

struct CrossentropyOptions {
  bool from_logits = false;
  double label_smoothing = 0.0;
  Reduction reduction = Reduction::sum_over_batch_size;
  std::string name = {};
};
/// -mean(y log p + (1 - y) log(1 - p))
LossPtr BinaryCrossentropy(CrossentropyOptions options = {});
/// -sum y log p over the last axis
LossPtr CategoricalCrossentropy(CrossentropyOptions options = {});

struct SparseCrossentropyOptions {
  bool from_logits = false;
  Reduction reduction = Reduction::sum_over_batch_size;
  std::string name = {};
};
/// -log p[label], labels of integers [batch, ...] or [batch, ..., 1]
LossPtr SparseCategoricalCrossentropy(SparseCrossentropyOptions options = {});

/// A loss without its code: a graph from (y_true, y_pred) to the samples' losses.
LossPtr TracedLoss(Graph graph, LossOptions options = {});
/// A composition of the user's own, traced when the model is compiled; saved as its graph. It
/// returns [batch] or [batch, ...]. `target`: y_true's type where it is not y_pred's.
LossPtr CustomLoss(std::function<Value(const Value& y_true, const Value& y_pred)> function,
                   LossOptions options = {}, std::optional<TensorType> target = {});

}  // namespace andiron::nn
