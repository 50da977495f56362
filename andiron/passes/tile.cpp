#include "andiron/passes/tile.hpp"

#include <algorithm>
#include <unordered_set>

#include "andiron/base/error.hpp"

namespace andiron {

namespace {

bool is_leaf(const Node& node) {
  return node.is("input") || node.is("constant") || node.is("variable");
}

// Axis 0 is a multiple of the batch and no other axis depends on it.
bool has_rows(const TensorType& type, const std::string& batch) {
  if (type.shape.empty() || type.shape[0].multiple_of(batch) == 0) return false;
  return std::none_of(type.shape.begin() + 1, type.shape.end(),
                      [&](const Dim& d) { return d.mentions(batch); });
}

bool mentions(const Node& node, const std::string& batch) {
  return std::any_of(node.outputs.begin(), node.outputs.end(),
                     [&](const TensorType& t) { return t.shape.mentions(batch); });
}

// Computes with integers only.
bool only_ids(const Node& node) {
  const auto is_id = [](DType d) { return d == DType::boolean || is_integer(d); };
  return std::all_of(node.inputs.begin(), node.inputs.end(),
                     [&](const Value& v) { return !v.defined() || is_id(v.dtype()); }) &&
         std::all_of(node.outputs.begin(), node.outputs.end(),
                     [&](const TensorType& t) { return is_id(t.dtype); });
}

class Classifier {
 public:
  Classifier(const Graph& graph, std::string batch) : batch_(std::move(batch)) {
    const std::vector<const Node*> nodes = graph.nodes();
    for (const Node* node : nodes) visit(*node);
    leave_views_to_readers(graph, nodes);
  }
  Tiling result;

 private:
  BatchKind kind_of(const Value& v) const {
    if (!v.defined()) return BatchKind::fixed;
    return kinds_.at(&v.node());
  }

  // What a value that is there as a whole before the tiles start is to them.
  BatchKind kind_when_whole(const Node& node) const {
    if (!mentions(node, batch_)) return BatchKind::fixed;
    const bool rows = std::all_of(node.outputs.begin(), node.outputs.end(),
                                  [&](const TensorType& t) { return has_rows(t, batch_); });
    return rows ? BatchKind::rows : BatchKind::blocked;
  }

  // An elementwise op keeps rows apart when the batch is axis 0 of the result for each operand
  // that has it.
  BatchKind elementwise(const Node& node, const std::vector<BatchKind>& in) const {
    const int64_t rank = node.outputs[0].shape.rank();
    for (size_t i = 0; i < in.size(); ++i) {
      const Value& v = node.inputs[i];
      if (in[i] == BatchKind::rows && v.rank() != rank) return BatchKind::blocked;
      if (in[i] == BatchKind::rows && v.shape()[0] != node.outputs[0].shape[0])
        return BatchKind::blocked;
    }
    return BatchKind::rows;
  }

  BatchKind classify(const Node& node, const std::vector<BatchKind>& in) const {
    const bool any =
        std::any_of(in.begin(), in.end(), [](BatchKind k) { return k != BatchKind::fixed; });
    if (!any && !mentions(node, batch_)) return BatchKind::fixed;
    for (BatchKind k : in)
      if (k == BatchKind::blocked || k == BatchKind::partial_sum) return BatchKind::blocked;
    BatchKind kind = BatchKind::blocked;
    if (node.op->batch != nullptr) {
      kind = node.op->batch(node, in);
    } else if (node.op->traits.elementwise) {
      kind = elementwise(node, in);
    }
    if (kind == BatchKind::rows &&
        !std::all_of(node.outputs.begin(), node.outputs.end(),
                     [&](const TensorType& t) { return has_rows(t, batch_); }))
      return BatchKind::blocked;
    if (kind == BatchKind::partial_sum && mentions(node, batch_)) return BatchKind::blocked;
    return kind;
  }

  void visit(const Node& node) {
    if (is_leaf(node)) {
      kinds_[&node] = kind_when_whole(node);
      stages_[&node] = Stage::before;
      return;
    }
    std::vector<BatchKind> in;
    Stage latest = Stage::before;
    for (const Value& v : node.inputs) {
      in.push_back(kind_of(v));
      if (v.defined()) latest = std::max(latest, stages_.at(&v.node()));
    }
    BatchKind kind = latest == Stage::after ? BatchKind::blocked : classify(node, in);
    Stage stage = latest;
    // Ids are prepared before the tiles: it takes next to nothing, and sorting them takes all of
    // them. In a tile they would push everything that needs the sorted ones behind the tiles.
    if (latest == Stage::before && kind == BatchKind::rows && only_ids(node)) {
      kinds_[&node] = kind_when_whole(node);
      stages_[&node] = result.stage[&node] = stage;
      return;
    }
    if (kind == BatchKind::rows || kind == BatchKind::partial_sum) {
      stage = Stage::body;
      result.has_body = true;
      result.kind[&node] = kind;
    } else if (latest == Stage::body) {
      stage = Stage::after;
    } else if (latest == Stage::before) {
      kind = kind_when_whole(node);
    }
    kinds_[&node] = kind;
    stages_[&node] = stage;
    result.stage[&node] = stage;
    if (node.op->flops == nullptr) return;
    if (stage == Stage::body) ++result.heavy;
    if (stage == Stage::after && would_be_in_body(node)) ++result.kept_out;
  }

  // If all that it reads were there row by row.
  bool would_be_in_body(const Node& node) const {
    std::vector<BatchKind> in;
    for (const Value& v : node.inputs) {
      const bool whole = !v.defined() || !v.shape().mentions(batch_);
      in.push_back(whole                        ? BatchKind::fixed
                   : has_rows(v.type(), batch_) ? BatchKind::rows
                                                : BatchKind::blocked);
    }
    const BatchKind kind = classify(node, in);
    return kind == BatchKind::rows || kind == BatchKind::partial_sum;
  }

  // A view or slice that only later stages read is taken there: its source crosses the border
  // once, as a whole.
  void leave_views_to_readers(const Graph& graph, const std::vector<const Node*>& nodes) {
    std::unordered_set<const Node*> needed;  // by the tiles themselves, or as a result
    for (const Value& v : graph.outputs()) needed.insert(&v.node());
    for (const Graph::Update& u : graph.updates()) needed.insert(&u.value.node());
    for (size_t n = nodes.size(); n-- > 0;) {
      const Node* node = nodes[n];
      if (is_leaf(*node)) continue;
      const bool view = node->op->traits.view || node->is("slice");
      if (stages_[node] == Stage::body && view && needed.count(node) == 0) {
        result.stage[node] = stages_[node] = Stage::after;
        result.kind.erase(node);
        continue;
      }
      if (stages_[node] != Stage::body) continue;
      for (const Value& v : node->inputs)
        if (v.defined()) needed.insert(&v.node());
    }
  }

  std::string batch_;
  std::unordered_map<const Node*, BatchKind> kinds_;
  std::unordered_map<const Node*, Stage> stages_;
};

}  // namespace

Tiling classify(const Graph& graph, const std::string& batch) {
  return Classifier(graph, batch).result;
}

StageGraph cut(const Graph& graph, const std::vector<const Node*>& members) {
  const std::unordered_set<const Node*> inside(members.begin(), members.end());
  StageGraph stage;
  std::unordered_map<Value, Value, ValueHash> placeholder;

  auto import = [&](const Value& v) {
    auto [it, is_new] = placeholder.try_emplace(v);
    if (is_new) {
      const std::string name = "import" + std::to_string(stage.imports.size());
      it->second = input(name, v.dtype(), v.shape());
      stage.imports.push_back(v);
    }
    return it->second;
  };
  std::unordered_map<Value, Value, ValueHash> inner;
  auto resolve = [&](const Value& v) {
    if (!v.defined()) return v;
    if (v.node().is("constant")) return v;
    return inside.count(&v.node()) > 0 ? inner.at(v) : import(v);
  };
  for (const Node* node : members) {
    std::vector<Value> inputs;
    for (const Value& v : node->inputs) inputs.push_back(resolve(v));
    const std::vector<Value> values = with_inputs(*node, inputs);
    for (size_t i = 0; i < values.size(); ++i)
      inner[Value(node->shared_from_this(), static_cast<int>(i))] = values[i];
  }

  std::vector<Value> outputs, inputs;
  std::unordered_set<Value, ValueHash> exported;
  auto export_value = [&](const Value& v) {
    if (inside.count(&v.node()) == 0 || !exported.insert(v).second) return;
    stage.exports.push_back(v);
    outputs.push_back(inner.at(v));
  };
  for (const Node* node : graph.nodes()) {
    if (inside.count(node) > 0) continue;
    for (const Value& v : node->inputs)
      if (v.defined()) export_value(v);
  }
  for (const Value& v : graph.outputs()) export_value(v);
  for (const Graph::Update& u : graph.updates()) export_value(u.value);
  for (const Value& v : stage.imports) inputs.push_back(placeholder.at(v));
  stage.graph = Graph(std::move(inputs), std::move(outputs));
  return stage;
}

}  // namespace andiron
