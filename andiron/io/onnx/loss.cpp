#include <algorithm>

#include "andiron/io/onnx/call.hpp"

namespace andiron::io::onnx {

namespace {

using Values = std::vector<Value>;

// -weight[label] * log_probability[label], reduced; classes stand along axis 1.
Value negative_log_likelihood(const Call& c, const Value& log_probabilities, const Value& labels,
                              const Value& weights) {
  const Value& x = log_probabilities;
  if (x.rank() < 2 || labels.rank() != x.rank() - 1)
    fail("[onnx] {}: scores {} with labels {}", c.node().op_type, x.shape().str(),
         labels.shape().str());
  Value at = ops::cast(labels, DType::i64);
  Value counts = ops::broadcast_to(constant(1.0, x.dtype()), at.shape());
  if (c.has_attribute("ignore_index")) {
    const Value ignored =
        ops::equal(at, constant(static_cast<double>(c.i("ignore_index", 0)), DType::i64));
    at = ops::where(ignored, constant(0.0, DType::i64), at);
    counts = ops::where(ignored, constant(0.0, x.dtype()), counts);
  }
  at = wrapped_indices(at, x.shape()[1]);
  if (weights.defined()) counts = counts * ops::gather(weights, at, 0);
  const Value picked = ops::squeeze(ops::gather_elements(x, ops::expand_dims(at, 1), 1), 1);
  const Value losses = -picked * counts;
  const std::string reduction = c.s("reduction", "mean");
  if (reduction == "none") return losses;
  if (reduction == "sum") return ops::sum(losses);
  if (reduction == "mean") return ops::sum(losses) / ops::sum(counts);
  fail("[onnx] {}: there is no reduction '{}'", c.node().op_type, reduction);
}

Values negative_log_likelihood_loss(const Call& c) {
  return {negative_log_likelihood(c, c.in(0), c.in(1), c.has(2) ? c.in(2) : Value())};
}

Values softmax_cross_entropy_loss(const Call& c) {
  const Value log_probabilities = ops::log_softmax(c.in(0), 1);
  return {negative_log_likelihood(c, log_probabilities, c.in(1), c.has(2) ? c.in(2) : Value()),
          log_probabilities};
}

constexpr Mapping kMappings[] = {
    {"NegativeLogLikelihoodLoss", 12, negative_log_likelihood_loss},
    {"SoftmaxCrossEntropyLoss", 12, softmax_cross_entropy_loss},
};

}  // namespace

std::span<const Mapping> loss_mappings() { return kMappings; }

}  // namespace andiron::io::onnx
