#pragma once

#include <memory>
#include <span>
#include <vector>

#include "andiron/nn/optimizers/optimizer.hpp"
#include "andiron/nn/plan_cache.hpp"

namespace andiron::nn {

/// What batches have added up to since the last update of an optimizer with
/// gradient_accumulation_steps: how many there were, and the rows of tables.
/// Thread safety: none.
class Accumulator {
 public:
  explicit Accumulator(OptimizerPtr optimizer)
      : optimizer_(std::move(optimizer)), steps_(optimizer_->gradient_accumulation_steps()) {}

  int64_t batches() const { return batches_; }
  bool full() const { return batches_ >= steps_; }
  /// The number that random layers draw by: another one for each batch, after `updates` updates.
  int64_t draw(int64_t updates) const { return updates * steps_ + batches_; }
  /// Takes note of a batch; `tables` are the last outputs of AccumulatedStep::add, none for a batch
  /// without samples.
  void add(int64_t samples, std::span<const Tensor> tables);
  /// Runs AccumulatedStep::update as step number `step`.
  void update(const std::shared_ptr<const Graph>& graph, int64_t step, PlanCache& plans,
              const exec::PlanOptions& options);
  /// Forgets what was added up.
  void clear();

 private:
  // The rows of one table, of batch after batch: the first n; there is room for more.
  struct Table {
    Tensor rows, values;
    int64_t n = 0;
  };

  OptimizerPtr optimizer_;
  int64_t steps_;
  int64_t batches_ = 0;
  int64_t samples_ = 0;
  std::vector<Table> tables_;
};

}  // namespace andiron::nn
