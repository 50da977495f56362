#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "andiron/graph/graph.hpp"
#include "andiron/nn/metrics/metric.hpp"
#include "andiron/nn/plan_cache.hpp"

namespace andiron::metrics {

/// A metric as graphs over its state, which is variables.
struct MetricGraphs {
  std::vector<VariablePtr> state;  ///< names are unique
  std::vector<Tensor> initial;     ///< their values after a reset
  Graph update;                    ///< (y_true, y_pred) to new values of the state
  std::optional<Graph> weighted;   ///< the same of (y_true, y_pred, weight); none: not looked at
  Graph result;                    ///< () to one number
};

/// A metric of the user's own, traced once: computed by plans, saved as its graphs. Shares its
/// variables with whoever traced it. Batches are brought to the types that were traced.
/// States are merged by adding what was seen, state - initial: right for sums and counts.
class TracedMetric : public Metric {
 public:
  /// Throws Error when the graphs do not have these inputs and outputs.
  TracedMetric(std::string name, MetricGraphs graphs);

  std::string signature() const override { return "own:" + name_; }
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;
  double result() const override;
  void reset() override;
  void merge_state(const std::map<std::string, Tensor>& state) override;
  std::map<std::string, Tensor> state() const override;
  void restore(const std::map<std::string, Tensor>& state) override;

  /// {"name", "variables", "initial", "update", "weighted", "result"}: see nn/graph_config.hpp.
  /// Throws Error when a graph calls functions of the running program.
  nlohmann::json config() const;
  static std::shared_ptr<TracedMetric> from_config(const nlohmann::json& config);

 private:
  const Tensor& in(const std::map<std::string, Tensor>& state, size_t i) const;

  std::string name_;
  std::vector<VariablePtr> state_;
  std::vector<Tensor> initial_;
  std::shared_ptr<const Graph> update_, weighted_, result_;
  mutable nn::PlanCache plans_;
};

}  // namespace andiron::metrics
