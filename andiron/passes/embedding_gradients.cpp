#include "andiron/passes/embedding_gradients.hpp"

#include <numeric>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "andiron/graph/schema.hpp"
#include "andiron/ops/embedding/row_sparse.hpp"
#include "andiron/ops/ops.hpp"
#include "andiron/ops/optimizer/operands.hpp"
#include "andiron/ops/optimizer/optimizer_ops.hpp"
#include "andiron/ops/optimizer/rule.hpp"

namespace andiron {

namespace {

using In = ops::UpdateRowsInputs;

// A list that is walked twice (written, read) costs more than adding into every thread's matrix
// from about here on.
constexpr int64_t kLongList = 4;

bool is_update_rows(const Node& node) { return node.op->name.ends_with("_update_rows"); }
bool is_catch_up(const Node& node) { return node.op->name.ends_with("_catch_up"); }

// Whether rows that the batch does not use may be updated too, with gradient zero: when every step
// moves them anyway (exact tables, which have last_step), or when such an update changes nothing.
bool may_move_all_rows(const Node& update) {
  const std::string_view op = update.op->name;
  const std::string_view optimizer = op.substr(0, op.find('_'));
  return update.outputs.back().dtype == DType::i32 ||
         ops::replay_of(optimizer, update.attributes) == ops::Replay::none;
}

// What dedup says when every row occurs once.
ops::Dedup all_rows(int64_t n_rows) {
  std::vector<int32_t> numbers(static_cast<size_t>(n_rows) + 1);
  std::iota(numbers.begin(), numbers.end(), 0);
  const Value starts = constant(Tensor::from(numbers, {n_rows + 1}));
  numbers.pop_back();
  const Value rows = constant(Tensor::from(numbers, {n_rows}));
  return {rows, rows, starts,
          constant(Tensor::from(std::vector<int32_t>{static_cast<int32_t>(n_rows)}, {1}))};
}

int64_t bound_size(const Dim& d, int64_t batch) {
  const Dim bound = d.bind({{"batch", batch}});
  return bound.known() ? bound.size() : 0;
}

// The sum_segments that `values` is computed from by clipping; null when there is none.
const Node* sums_behind(const Value& values) {
  for (const Node* node : topological_order({values}))
    if (node->is("sum_segments") && node->outputs[0] == values.type()) return node;
  return nullptr;
}

}  // namespace

bool prefers_dense_gradient(int64_t n, int64_t n_rows, int threads) {
  return n > kLongList * n_rows * threads;
}

Graph choose_embedding_gradients(const Graph& symbolic, int64_t batch, int threads) {
  // Decided once for each sort of ids, so that all that hangs on it agrees.
  auto chosen = [&](const Node& dedup) {
    return prefers_dense_gradient(bound_size(dedup.inputs[0].shape()[0], batch),
                                  dedup.attr<int64_t>("n_rows"), threads);
  };
  std::unordered_set<const Node*> sums, updates;
  for (const Node* node : symbolic.nodes()) {
    if (!is_update_rows(*node)) continue;
    const Node& dedup = node->inputs[In::kRows].node();
    if (!dedup.is("dedup") || !chosen(dedup)) continue;
    const auto by = ops::values_by(node->attributes);
    if (by == ops::ValuesBy::position) updates.insert(node);
    if (by != ops::ValuesBy::unique) continue;
    const Node* sum = sums_behind(node->inputs[In::kValues]);
    if (sum == nullptr || !(sum->inputs[0] == node->inputs[In::kOrder])) continue;
    sums.insert(sum);
    updates.insert(node);
  }
  if (updates.empty()) return symbolic;

  auto swept = [&](const Value& rows) {
    return rows.defined() && rows.node().is("dedup") && chosen(rows.node());
  };
  auto matrix = [](const Value& order, const Value& values) {
    const Node& dedup = order.node();
    return ops::embedding_grad_dense(dedup.inputs[0], values, dedup.attr<int64_t>("n_rows"));
  };
  Rewriter rewrite([&](const Node& node, const std::vector<Value>& in) -> std::vector<Value> {
    if (sums.count(&node) > 0) return {matrix(in[0], in[3])};
    if (is_catch_up(node) && swept(node.inputs[ops::CatchUpInputs::kRows])) {
      std::vector<Value> inputs = in;
      inputs[ops::CatchUpInputs::kRows] = inputs[ops::CatchUpInputs::kCount] = Value();
      return make_node(*node.op, inputs, node.attributes);
    }
    if (updates.count(&node) == 0) return {};
    std::vector<Value> inputs = in;
    if (ops::values_by(node.attributes) == ops::ValuesBy::position)
      inputs[In::kValues] = matrix(in[In::kOrder], in[In::kValues]);
    Attributes attributes = node.attributes;
    attributes.set("values", std::string("table"));
    if (may_move_all_rows(node)) {
      const ops::Dedup all = all_rows(node.outputs[0].shape[0].size());
      inputs[In::kOrder] = all.order;
      inputs[In::kRows] = all.rows;
      inputs[In::kStarts] = all.starts;
      inputs[In::kCount] = all.count;
    }
    NameScope scope(node.name);
    return make_node(*node.op, inputs, std::move(attributes));
  });
  return rewrite(symbolic);
}

}  // namespace andiron
