#include "andiron/passes/commute_lookups.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "andiron/graph/schema.hpp"
#include "andiron/ops/embedding/occurring_rows.hpp"
#include "andiron/ops/embedding/row_sparse.hpp"
#include "andiron/ops/matmul/counted_matmul.hpp"
#include "andiron/ops/ops.hpp"
#include "andiron/ops/optimizer/operands.hpp"
#include "andiron/passes/embedding_gradients.hpp"

namespace andiron {

namespace {

// Rows shorter than this are looked up faster than what is made of them.
constexpr int64_t kMinWidth = 32;
// The products of a smaller batch cost little.
constexpr int64_t kMinBatch = 512;

const Value& without_reshapes(const Value& v) {
  const Value* source = &v;
  while (source->node().is("reshape")) source = &source->node().inputs[0];
  return *source;
}

bool is_product(const Node& node, bool ta, bool tb) {
  return node.is("matmul") && node.inputs[0].rank() == 2 && node.inputs[1].rank() == 2 &&
         node.attr<bool>("transpose_a") == ta && node.attr<bool>("transpose_b") == tb;
}

bool is_update_rows(const Node& node) { return node.op->name.ends_with("_update_rows"); }

// Some columns of the first operand of a product.
struct Part {
  int64_t begin = 0, width = 0;
  Value lookup;  // an embedding, whose product is taken first; undefined: an ordinary part
  Value dedup;   // of its ids, if the rows that occur are to be taken, not the whole table
};

// The first operand of products with weights, as parts.
struct Parts {
  Value x;
  std::vector<Part> parts;
  bool any = false;
};

// A gradient of looked-up rows as a product: grad [n, m] times weights [d, m] transposed.
struct RowGradient {
  Value grad, weights;
};

class Commuter {
 public:
  Commuter(const Graph& graph, int64_t batch, int threads) : batch_(batch), threads_(threads) {
    for (const Node* node : graph.nodes())
      if (node->is("dedup")) dedups_.push_back(Value(node->shared_from_this(), 0));
    for (const Node* node : graph.nodes()) {
      if (!is_product(*node, false, false) || node->inputs[1].shape().mentions("batch")) continue;
      const auto known = by_operand_.find(node->inputs[0]);
      const Parts parts =
          known != by_operand_.end() ? known->second : parts_of(node->inputs[0], node->inputs[1]);
      if (!parts.any) continue;
      by_operand_.emplace(parts.x, parts);
      by_weights_.emplace(node->inputs[1], parts);
    }
  }

  bool finds_any() const { return !by_operand_.empty(); }

  std::vector<Value> operator()(const Node& node, const std::vector<Value>& in,
                                Rewriter& rewritten) {
    NameScope scope(node.name);
    if (is_product(node, false, true)) return whole_gradient(node, in);
    if (node.is("matmul")) {
      const auto of = by_operand_.find(node.inputs[0]);
      if (of == by_operand_.end()) return {};
      if (is_product(node, false, false) && by_weights_.count(node.inputs[1]) > 0)
        return {forward(of->second, in[1], rewritten)};
      if (is_product(node, true, false)) return {weights_gradient(of->second, in[1], rewritten)};
      return {};
    }
    if (node.is("slice")) return rows_gradient(node, rewritten);
    if (node.is("embedding_grad_dense")) return table_gradient(node, in);
    if (node.is("sum_segments")) return segment_sums(node, in);
    if (is_update_rows(node)) return row_updates(node, in);
    return {};
  }

 private:
  int64_t rows(const Shape& shape) const {
    const Dim d = shape[0].bind({{"batch", batch_}});
    return d.known() ? d.size() : 0;
  }

  // Whether products with `units` results a row are taken before the look-up, and from what.
  bool choose(Part& part, int64_t units) const {
    const Node& embedding = part.lookup.node();
    const Value& table = embedding.inputs[0];
    if (part.width < kMinWidth || units > 2 * part.width || table.dtype() != DType::f32)
      return false;
    const int64_t n_rows = table.shape()[0].size();
    const Value& ids = without_reshapes(embedding.inputs[1]);
    for (const Value& dedup : dedups_)
      if (without_reshapes(dedup.node().inputs[0]) == ids &&
          dedup.node().attr<int64_t>("n_rows") == n_rows)
        part.dedup = dedup;
    if (prefers_dense_gradient(batch_, n_rows, threads_)) {
      part.dedup = {};
      return true;
    }
    return part.dedup.defined();
  }

  Parts parts_of(const Value& x, const Value& weights) const {
    Parts result{x, {}};
    if (rows(x.shape()) != batch_ || batch_ < kMinBatch || !x.shape()[1].known()) return result;
    std::vector<Value> values = {x};
    if (x.node().is("concat")) {
      const auto axis = x.node().attr<int64_t>("axis");
      if (axis != -1 && axis != 1) return result;
      values = x.node().inputs;
    }
    int64_t begin = 0;
    for (const Value& v : values) {
      Part part{begin, v.shape()[1].size(), without_reshapes(v)};
      begin += part.width;
      const Node& source = part.lookup.node();
      const bool looked_up = source.is("embedding") &&
                             source.inputs[0].shape()[1] == Dim(part.width) &&
                             source.inputs[1].shape().count() == x.shape()[0];
      if (!looked_up || !choose(part, weights.shape()[1].size())) part.lookup = {};
      result.any |= part.lookup.defined();
      result.parts.push_back(std::move(part));
    }
    return result;
  }

  ops::Dedup dedup_of(const Part& part, Rewriter& rewritten) const {
    const auto node = rewritten(part.dedup).node_ptr();
    return {Value(node, 0), Value(node, 1), Value(node, 2), Value(node, 3)};
  }
  int64_t n_occurring(const Value& table) const {
    return std::min(batch_, table.shape()[0].size());
  }

  // The rows of a part's table that are multiplied, and their number if that is not all.
  struct Rows {
    Value values, count;
    ops::Dedup dedup;
    int64_t size = 0;
  };
  Rows rows_of(const Part& part, Rewriter& rewritten) const {
    const Value table = rewritten(part.lookup.node().inputs[0]);
    if (!part.dedup.defined()) return {table, {}, {}, table.shape()[0].size()};
    const ops::Dedup d = dedup_of(part, rewritten);
    const int64_t size = n_occurring(table);
    return {ops::occurring_rows(table, d, size), d.count, d, size};
  }

  static Value columns(const Value& x, const Part& part) {
    return ops::slice(x, {0, part.begin}, {-1, part.width});
  }
  static Value weights_of(const Value& weights, const Part& part) {
    return ops::slice(weights, {part.begin, 0}, {part.width, -1});
  }
  Value flat_ids(const Part& part, Rewriter& rewritten) const {
    const Value ids = rewritten(part.lookup.node().inputs[1]);
    return ops::reshape(ids, {ids.shape().count()});
  }

  Value forward(const Parts& p, const Value& weights, Rewriter& rewritten) const {
    Value total;
    auto add = [&](const Value& v) { total = total.defined() ? total + v : v; };
    for (size_t i = 0; i < p.parts.size(); ++i) {
      const Part& part = p.parts[i];
      const Value w = weights_of(weights, part);
      if (!part.lookup.defined()) {
        add(ops::matmul(ordinary(p, i, rewritten), w));
        continue;
      }
      const Rows r = rows_of(part, rewritten);
      const Value ids = flat_ids(part, rewritten);
      if (r.count.defined()) {
        add(ops::embedding(ops::counted_matmul(r.values, w, r.count, {.zero_rest = false}),
                           ops::occurring_places(ids, r.dedup)));
      } else {
        add(ops::embedding(ops::matmul(r.values, w), ids));
      }
    }
    return total;
  }

  // A part that is multiplied as before.
  static Value ordinary(const Parts& p, size_t i, Rewriter& rewritten) {
    return p.parts.size() == 1 ? rewritten(p.x) : rewritten(p.x.node().inputs[i]);
  }

  Value weights_gradient(const Parts& p, const Value& grad, Rewriter& rewritten) const {
    std::vector<Value> values;
    for (size_t i = 0; i < p.parts.size(); ++i) {
      const Part& part = p.parts[i];
      if (!part.lookup.defined()) {
        values.push_back(ops::matmul(ordinary(p, i, rewritten), grad, true));
        continue;
      }
      const Rows r = rows_of(part, rewritten);
      if (r.count.defined()) {
        values.push_back(ops::counted_matmul(r.values, ops::sum_segments(r.dedup, grad, r.size),
                                             r.count, {.transpose_a = true}));
      } else {
        values.push_back(ops::matmul(
            r.values, ops::embedding_grad_dense(flat_ids(part, rewritten), grad, r.size), true));
      }
    }
    return values.size() == 1 ? values[0] : ops::concat(values, 0);
  }

  // grad Wᵀ where all columns are one part.
  std::vector<Value> whole_gradient(const Node& node, const std::vector<Value>& in) {
    const auto of = by_weights_.find(node.inputs[1]);
    if (of == by_weights_.end() || of->second.parts.size() > 1) return {};
    if (rows(node.outputs[0].shape) != batch_) return {};  // other look-ups by the same weights
    const std::vector<Value> rows = {ops::matmul(in[0], in[1], false, true)};
    row_gradients_.emplace(rows[0], RowGradient{in[0], in[1]});
    return rows;
  }

  // A part's columns of grad Wᵀ: a product of its own.
  std::vector<Value> rows_gradient(const Node& node, Rewriter& rewritten) {
    const Node& product = node.inputs[0].node();
    if (!is_product(product, false, true) || rows(product.outputs[0].shape) != batch_) return {};
    const auto of = by_weights_.find(product.inputs[1]);
    if (of == by_weights_.end()) return {};
    const Shape& begin = node.attr<Shape>("begin");
    if (begin[0] != Dim(0) || node.outputs[0].shape[0] != product.outputs[0].shape[0]) return {};
    for (const Part& part : of->second.parts) {
      if (begin[1] != Dim(part.begin) || node.outputs[0].shape[1] != Dim(part.width)) continue;
      const RowGradient g{rewritten(product.inputs[0]),
                          weights_of(rewritten(product.inputs[1]), part)};
      const Value rows = ops::matmul(g.grad, g.weights, false, true);
      if (part.lookup.defined()) row_gradients_.emplace(rows, g);
      return {rows};
    }
    return {};
  }

  // The factors of a look-up's gradient with one row for each id; null if it is no such product.
  const RowGradient* factors(const Value& values) const {
    const Value& source = without_reshapes(values);
    const auto it = row_gradients_.find(source);
    if (it == row_gradients_.end() || values.shape() != source.shape()) return nullptr;
    return &it->second;
  }

  std::vector<Value> table_gradient(const Node& node, const std::vector<Value>& in) const {
    const RowGradient* g = factors(in[1]);
    if (g == nullptr) return {};
    return {ops::matmul(ops::embedding_grad_dense(in[0], g->grad, node.attr<int64_t>("n_rows")),
                        g->weights, false, true)};
  }

  std::vector<Value> segment_sums(const Node& node, const std::vector<Value>& in) const {
    const RowGradient* g = factors(in[3]);
    if (g == nullptr) return {};
    const ops::Dedup d{in[0], {}, in[1], in[2]};
    const auto size = node.attr<int64_t>("size");
    return {ops::counted_matmul(ops::sum_segments(d, g->grad, size), g->weights, d.count,
                                {.transpose_b = true, .zero_rest = node.attr<bool>("zero_rest")})};
  }

  std::vector<Value> row_updates(const Node& node, const std::vector<Value>& in) const {
    using In = ops::UpdateRowsInputs;
    if (ops::values_by(node.attributes) != ops::ValuesBy::position) return {};
    const RowGradient* g = factors(in[In::kValues]);
    if (g == nullptr) return {};
    const ops::Dedup d{in[In::kOrder], in[In::kRows], in[In::kStarts], in[In::kCount]};
    std::vector<Value> inputs = in;
    const int64_t size = std::min(rows(d.order.shape()), in[In::kTable].shape()[0].size());
    inputs[In::kValues] = ops::counted_matmul(ops::sum_segments(d, g->grad, size), g->weights,
                                              d.count, {.transpose_b = true, .zero_rest = false});
    Attributes attributes = node.attributes;
    attributes.set("values", std::string("unique"));
    return make_node(*node.op, inputs, std::move(attributes));
  }

  int64_t batch_;
  int threads_;
  std::vector<Value> dedups_;
  std::unordered_map<Value, Parts, ValueHash> by_operand_, by_weights_;
  std::unordered_map<Value, RowGradient, ValueHash> row_gradients_;
};

}  // namespace

Graph commute_lookups(const Graph& symbolic, int64_t batch, int threads) {
  Commuter commuter(symbolic, batch, threads);
  if (!commuter.finds_any()) return symbolic;
  Rewriter* self = nullptr;
  Rewriter rewrite(
      [&](const Node& node, const std::vector<Value>& in) { return commuter(node, in, *self); });
  self = &rewrite;
  return rewrite(symbolic);
}

}  // namespace andiron
