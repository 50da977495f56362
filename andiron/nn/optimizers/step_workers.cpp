#include <algorithm>

#include "andiron/nn/optimizers/exchange.hpp"
#include "andiron/nn/optimizers/rule_optimizer.hpp"
#include "andiron/nn/optimizers/step_builder.hpp"
#include "andiron/ops/ops.hpp"

// What the workers of a training exchange within a step: sums that the network itself asks for,
// its running statistics, gradients, rows.
namespace andiron::nn {

namespace {

// Gradients that are added up together: enough for a message to be worth it, few enough for several
// to be under way while the backward pass goes on.
constexpr int64_t kBucketElements = int64_t{1} << 19;

}  // namespace

// Puts exchanges in the place of sum_over_workers, forward and backward. Before the gradients are
// exchanged: they depend on them.
void StepBuilder::exchange_sums() {
  Rewriter rewrite([&](const Node& node, const std::vector<Value>& in) -> std::vector<Value> {
    if (!node.is("sum_over_workers")) return {};
    return builder_->sum({in[0]}, true);
  });
  forward_ = rewrite(forward_);
  for (Parameter& p : parameters_) {
    Value& gradient = p.sparse ? p.values : p.gradient;
    gradient = rewrite(gradient);
  }
}

// What a step leaves in variables that are not trained (running statistics) becomes the mean over
// the workers, by the share of the samples that each has: all have the same, and a worker without
// samples counts for nothing.
void StepBuilder::average(std::vector<Graph::Update>& statistics, const Value& share) {
  std::vector<Value*> parts;
  for (Graph::Update& u : statistics) {
    if (!is_floating(u.value.dtype())) continue;
    u.value = u.value * ops::cast(share, u.value.dtype());
    parts.push_back(&u.value);
  }
  add_up(parts, true);
}

// Replaces values by their sums over all workers, in messages of many.
void StepBuilder::add_up(const std::vector<Value*>& parts, bool exact) {
  std::vector<Value*> bucket;
  int64_t n = 0;
  const auto flush = [&] {
    std::vector<Value> values;
    for (const Value* value : bucket) values.push_back(*value);
    if (!values.empty()) values = builder_->sum(values, exact);
    for (size_t i = 0; i < bucket.size(); ++i) *bucket[i] = values[i];
    bucket.clear();
    n = 0;
  };
  for (Value* part : parts) {
    const int64_t size = part->shape().count().size();
    const bool other = !bucket.empty() && bucket[0]->dtype() != part->dtype();
    if (n + size > kBucketElements || other) flush();
    bucket.push_back(part);
    n += size;
  }
  flush();
}

// Replaces the gradients by their sums over all workers. `batches`: how many batches of a worker's
// are in its gradients.
void StepBuilder::exchange(int64_t batches) {
  std::vector<Value*> gradients;
  // The last used are finished first.
  for (auto p = parameters_.rbegin(); p != parameters_.rend(); ++p)
    if (!p->sparse) gradients.push_back(&p->gradient);
  add_up(gradients, false);
  // Tables that are looked up by the same ids have the same rows.
  std::vector<std::vector<Parameter*>> by_rows;
  for (Parameter& p : parameters_) {
    if (!p.sparse) continue;
    const auto same = std::find_if(by_rows.begin(), by_rows.end(), [&](const auto& group) {
      return group[0]->rows.rows == p.rows.rows;
    });
    if (same == by_rows.end())
      by_rows.push_back({&p});
    else
      same->push_back(&p);
  }
  for (const std::vector<Parameter*>& group : by_rows) exchange_rows(group, batches);
}

// Replaces the rows of some tables by those of all workers.
void StepBuilder::exchange_rows(const std::vector<Parameter*>& tables, int64_t batches) {
  const ops::Dedup own = tables[0]->rows;
  const int64_t table_rows = tables[0]->leaf.shape()[0].size();
  const Dim looked_up = tables[0]->most_rows.bind({{"batch", batches * exchange_->capacity()}});
  const int64_t most = std::min(looked_up.size(), table_rows);
  std::vector<Value> sums;
  for (const Parameter* p : tables) sums.push_back(ops::sum_segments(own, p->values, most));
  const ExchangeBuilder::Rows all = builder_->gather(own, sums, most);
  const ops::Dedup rows = ops::dedup(all.ids, table_rows);
  for (size_t i = 0; i < tables.size(); ++i) {
    Parameter& p = *tables[i];
    p.rows = rows;
    p.values = all.values[i];
    // This worker may not have read the others' rows.
    if (p.state.last_step.defined())
      p.state = ops::optimizer_catch_up(p.optimizer->op(), p.optimizer->settings(), p.state, &rows,
                                        history_of(*p.optimizer), step_);
  }
}

}  // namespace andiron::nn
