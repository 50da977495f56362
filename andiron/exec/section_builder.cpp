#include "andiron/exec/section_builder.hpp"

#include <algorithm>

#include "andiron/base/error.hpp"

namespace andiron::exec {

namespace {

bool is_leaf(const Node& node) { return node.is("input") || node.is("constant"); }

}  // namespace

SectionBuilder::SectionBuilder(Section& section, SectionOptions options)
    : section_(section), options_(std::move(options)) {
  const size_t n = section_.graph_.outputs().size();
  options_.accumulate.resize(n, false);
  options_.donated.resize(n, -1);
  export_done_.assign(n, false);
  accumulates_.assign(n, false);
  for (size_t i = 0; i < n; ++i)
    exports_of_[section_.graph_.outputs()[i]].push_back(static_cast<int>(i));
}

void SectionBuilder::build() {
  schedule();
  place_leaves();
  place_exports();
  place_concats();
  for (size_t s = 0; s < nodes_.size(); ++s) place_node(*nodes_[s], static_cast<int>(s));
  note_lifetimes();
  make_steps();
}

std::vector<Value> SectionBuilder::outputs_of(const Node& node) const {
  std::vector<Value> values;
  for (size_t i = 0; i < node.outputs.size(); ++i)
    values.emplace_back(node.shared_from_this(), static_cast<int>(i));
  return values;
}

// Walks from an update back to the donated import along inplace inputs. Every other reader of a
// value on the way must run before the node that overwrites it.
bool SectionBuilder::follow_donation(size_t output) {
  const Value& target = section_.graph_.inputs()[static_cast<size_t>(options_.donated[output])];
  std::vector<Value> chain;
  Value v = section_.graph_.outputs()[output];
  while (!(v == target)) {
    if (is_leaf(v.node()) || donated_values_.count(v) > 0) return false;
    const int i = inplace_input(v.node(), v.index());
    if (i < 0) return false;
    chain.push_back(v);
    v = v.node().inputs[static_cast<size_t>(i)];
  }
  for (size_t i = 0; i < chain.size(); ++i) {
    const Value& old = i + 1 < chain.size() ? chain[i + 1] : target;
    if (is_export(old)) return false;
    for (const Node* reader : readers_[old])
      if (reader != &chain[i].node()) after_[&chain[i].node()].insert(reader);
  }
  for (const Value& value : chain) donated_values_[value] = static_cast<int>(output);
  return true;
}

bool SectionBuilder::order_nodes() {
  std::vector<const Node*> order;
  std::unordered_map<const Node*, int> state;  // 1: on the stack, 2: done
  std::vector<std::pair<const Node*, std::vector<const Node*>>> stack;
  auto push = [&](const Node* node) {
    state[node] = 1;
    std::vector<const Node*> needs;
    for (const Value& v : node->inputs)
      if (v.defined()) needs.push_back(&v.node());
    if (auto it = after_.find(node); it != after_.end())
      for (const Node* reader : nodes_)  // a fixed order, unlike the set's
        if (it->second.count(reader) > 0) needs.push_back(reader);
    std::reverse(needs.begin(), needs.end());
    stack.emplace_back(node, std::move(needs));
  };
  for (const Node* root : nodes_) {
    if (state[root] != 0) continue;
    push(root);
    while (!stack.empty()) {
      auto& [node, needs] = stack.back();
      if (needs.empty()) {
        state[node] = 2;
        if (!is_leaf(*node)) order.push_back(node);
        stack.pop_back();
        continue;
      }
      const Node* next = needs.back();
      needs.pop_back();
      if (state[next] == 1) return false;
      if (state[next] == 0) push(next);
    }
  }
  nodes_ = std::move(order);
  put_late_nodes_last();
  return true;
}

// Nodes that wait for other workers, and what depends on them, behind all others.
void SectionBuilder::put_late_nodes_last() {
  std::unordered_set<const Node*> late;
  for (const Node* node : nodes_) {
    bool is_late = node->op->traits.late;
    for (const Value& v : node->inputs) is_late |= v.defined() && late.count(&v.node()) > 0;
    if (const auto it = after_.find(node); it != after_.end())
      for (const Node* reader : it->second) is_late |= late.count(reader) > 0;
    if (is_late) late.insert(node);
  }
  std::stable_partition(nodes_.begin(), nodes_.end(),
                        [&](const Node* node) { return late.count(node) == 0; });
}

void SectionBuilder::schedule() {
  const std::vector<const Node*> all = section_.graph_.nodes();
  for (const Node* node : all) {
    if (is_leaf(*node)) continue;
    for (const Value& v : node->inputs) {
      if (!v.defined()) continue;
      auto& readers = readers_[v];
      if (readers.empty() || readers.back() != node) readers.push_back(node);
    }
  }
  nodes_ = all;
  for (size_t i = 0; i < options_.donated.size(); ++i) {
    if (options_.donated[i] < 0) continue;
    const auto saved_after = after_;
    const auto saved_values = donated_values_;
    bool good = follow_donation(i);
    if (good) {
      const auto saved_nodes = nodes_;
      good = order_nodes();
      nodes_ = saved_nodes;
    }
    if (!good) {  // computed elsewhere and copied at the end
      after_ = saved_after;
      donated_values_ = saved_values;
    }
  }
  const bool ordered = order_nodes();
  ANDIRON_ASSERT(ordered);
  for (size_t s = 0; s < nodes_.size(); ++s) step_of_[nodes_[s]] = static_cast<int>(s);
}

}  // namespace andiron::exec
