#include "andiron/passes/fuse.hpp"

#include <algorithm>
#include <unordered_set>

#include "andiron/graph/schema.hpp"
#include "andiron/ops/catalog.hpp"

namespace andiron {

namespace {

constexpr size_t kMaxNodes = 40, kMaxInputs = 20, kMaxOutputs = 12;

bool is_scalar_constant(const Value& v) {
  return v.node().is("constant") && v.shape().count() == Dim(1);
}

// A set of nodes that will be one node; most are of one node and stay as they are.
struct Cluster {
  std::vector<const Node*> nodes;  // producers first
  Shape space;                     // empty role: shape does not matter
  bool fusable = false;
};

class Fuser {
 public:
  Fuser(const Graph& graph, const FuseRules& rules) : graph_(graph), rules_(rules) {
    for (const Node* node : graph.nodes()) order_[node] = order_.size();
    for (const Value& v : graph.outputs()) roots_.push_back(v);
    for (const Graph::Update& u : graph.updates()) roots_.push_back(u.value);
    for (const Node* node : graph.nodes())
      for (const Value& v : node->inputs)
        if (v.defined()) readers_[&v.node()].push_back(node);
  }

  Graph operator()() {
    for (const Node* node : graph_.nodes()) start(*node);
    for (const Node* node : graph_.nodes()) join_producers(*node);
    for (const Node* node : graph_.nodes()) join_readers_of(*node);
    return rebuild();
  }

 private:
  void start(const Node& node) {
    const FuseRole role = node.is("constant") ? FuseRole::none : rules_.role(node);
    Cluster c{{&node}, {}, role != FuseRole::none};
    if (role == FuseRole::elementwise) c.space = node.outputs[0].shape;
    if (role == FuseRole::reduction) c.space = node.inputs[0].shape();
    cluster_of_[&node] = clusters_.size();
    clusters_.push_back(std::move(c));
  }

  // With all clusters that the node reads from, or else with one of them.
  void join_producers(const Node& node) {
    if (!clusters_[cluster_of_.at(&node)].fusable) return;
    std::vector<size_t> producers;
    for (const Value& v : node.inputs) {
      const size_t c = cluster_of_.at(&v.node());
      if (may_join(c, cluster_of_.at(&node)) &&
          std::find(producers.begin(), producers.end(), c) == producers.end())
        producers.push_back(c);
    }
    std::vector<size_t> all = producers;
    all.push_back(cluster_of_.at(&node));
    if (producers.size() > 1 && join(all)) return;
    for (size_t c : producers)
      if (c != cluster_of_.at(&node)) join({c, cluster_of_.at(&node)});
  }

  // Clusters that read the same value over the same space sweep it once.
  void join_readers_of(const Node& node) {
    const auto it = readers_.find(&node);
    if (it == readers_.end()) return;
    for (const Node* reader : it->second) {
      const size_t first = cluster_of_.at(it->second.front()), c = cluster_of_.at(reader);
      const bool large = node.outputs[0].shape == clusters_[c].space;
      if (large && may_join(first, c)) join({first, c});
    }
  }

  bool may_join(size_t a, size_t b) const {
    return a != b && clusters_[a].fusable && clusters_[b].fusable &&
           clusters_[a].space == clusters_[b].space;
  }

  // Joins the clusters into the first, unless that would close a cycle or has no kernel.
  bool join(const std::vector<size_t>& parts) {
    Cluster whole = clusters_[parts[0]];
    for (size_t i = 1; i < parts.size(); ++i)
      whole.nodes.insert(whole.nodes.end(), clusters_[parts[i]].nodes.begin(),
                         clusters_[parts[i]].nodes.end());
    if (whole.nodes.size() > kMaxNodes) return false;
    std::sort(whole.nodes.begin(), whole.nodes.end(),
              [&](const Node* a, const Node* b) { return order_.at(a) < order_.at(b); });
    if (closes_cycle(whole, parts)) return false;
    const Fused f = make_fused(whole, nullptr);
    if (f.inputs.size() > kMaxInputs || f.outputs.size() > kMaxOutputs ||
        !rules_.accepts(f.results[0].node()))
      return false;
    for (size_t part : parts) clusters_[part] = {};
    for (const Node* node : whole.nodes) cluster_of_[node] = parts[0];
    clusters_[parts[0]] = std::move(whole);
    return true;
  }

  // Whether something outside reads from the whole and is read by it, through clusters as they are.
  bool closes_cycle(const Cluster& whole, const std::vector<size_t>& parts) const {
    std::unordered_set<size_t> inside(parts.begin(), parts.end()), seen;
    std::vector<size_t> stack;
    auto push_inputs = [&](const Cluster& c, bool from_inside) {
      for (const Node* node : c.nodes) {
        for (const Value& v : node->inputs) {
          if (!v.defined()) continue;
          const size_t producer = cluster_of_.at(&v.node());
          if (inside.count(producer) > 0) {
            if (!from_inside) return true;
          } else if (seen.insert(producer).second) {
            stack.push_back(producer);
          }
        }
      }
      return false;
    };
    push_inputs(whole, true);
    while (!stack.empty()) {
      const size_t c = stack.back();
      stack.pop_back();
      if (push_inputs(clusters_[c], false)) return true;
    }
    return false;
  }

  // --- the node of a cluster ------------------------------------------------------------------

  struct Fused {
    std::vector<Value> inputs, outputs;  // of the original graph
    std::vector<Value> results;
  };

  bool needed_outside(const Value& v, const std::unordered_set<const Node*>& inside) const {
    if (std::find(roots_.begin(), roots_.end(), v) != roots_.end()) return true;
    const auto it = readers_.find(&v.node());
    if (it == readers_.end()) return false;
    return std::any_of(it->second.begin(), it->second.end(),
                       [&](const Node* reader) { return inside.count(reader) == 0; });
  }

  // `done` gives the new graph's values; without it the node stands alone, to be asked about.
  Fused make_fused(const Cluster& c,
                   const std::unordered_map<Value, Value, ValueHash>* done) const {
    const std::unordered_set<const Node*> inside(c.nodes.begin(), c.nodes.end());
    Fused f;
    std::unordered_map<Value, Value, ValueHash> inner;
    std::vector<Value> placeholders, results;
    for (const Node* node : c.nodes) {
      std::vector<Value> inputs;
      for (const Value& v : node->inputs) {
        auto [it, is_new] = inner.try_emplace(v, v);
        if (is_new && !is_scalar_constant(v)) {
          // += because g++ 12 warns about "x" + std::to_string(...)
          std::string name = "x";
          name += std::to_string(f.inputs.size());
          it->second = input(std::move(name), v.dtype(), v.shape());
          placeholders.push_back(it->second);
          f.inputs.push_back(v);
        }
        inputs.push_back(it->second);
      }
      const Value v(node->shared_from_this(), 0);
      inner[v] = with_inputs(*node, inputs)[0];
      if (needed_outside(v, inside)) {
        f.outputs.push_back(v);
        results.push_back(inner[v]);
      }
    }
    std::vector<Value> arguments;
    for (size_t i = 0; i < f.inputs.size(); ++i)
      arguments.push_back(done != nullptr ? done->at(f.inputs[i]) : placeholders[i]);
    NameScope scope(c.nodes.back()->name);
    f.results = make_node(ops::find("fused"), arguments,
                          {{"body", std::make_shared<const Graph>(placeholders, results)}});
    return f;
  }

  Graph rebuild() {
    std::unordered_map<Value, Value, ValueHash> done;
    std::unordered_set<size_t> finished, open;
    std::vector<size_t> stack;
    for (const Node* node : graph_.nodes()) {
      stack.push_back(cluster_of_.at(node));
      while (!stack.empty()) {
        const size_t c = stack.back();
        if (finished.count(c) > 0) {
          stack.pop_back();
          continue;
        }
        if (open.insert(c).second) {
          for (const Node* member : clusters_[c].nodes)
            for (const Value& v : member->inputs)
              if (v.defined() && cluster_of_.at(&v.node()) != c)
                stack.push_back(cluster_of_.at(&v.node()));
          continue;
        }
        stack.pop_back();
        finished.insert(c);
        emit(clusters_[c], done);
      }
    }
    std::vector<Value> inputs = graph_.inputs(), outputs;
    std::vector<Graph::Update> updates;
    for (const Value& v : graph_.outputs()) outputs.push_back(done.at(v));
    for (const Graph::Update& u : graph_.updates())
      updates.push_back({u.variable, done.at(u.value)});
    return Graph(std::move(inputs), std::move(outputs), std::move(updates));
  }

  void emit(const Cluster& c, std::unordered_map<Value, Value, ValueHash>& done) const {
    if (c.nodes.size() > 1) {
      const Fused f = make_fused(c, &done);
      for (size_t i = 0; i < f.outputs.size(); ++i) done[f.outputs[i]] = f.results[i];
      return;
    }
    const Node& node = *c.nodes[0];
    std::vector<Value> inputs;
    for (const Value& v : node.inputs) inputs.push_back(v.defined() ? done.at(v) : v);
    const bool same = std::equal(inputs.begin(), inputs.end(), node.inputs.begin());
    std::vector<Value> results;
    if (!same) results = with_inputs(node, inputs);
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const Value v(node.shared_from_this(), static_cast<int>(i));
      done[v] = same ? v : results[i];
    }
  }

  const Graph& graph_;
  const FuseRules& rules_;
  std::unordered_map<const Node*, size_t> order_, cluster_of_;
  std::unordered_map<const Node*, std::vector<const Node*>> readers_;
  std::vector<Value> roots_;
  std::vector<Cluster> clusters_;
};

}  // namespace

Graph fuse(const Graph& graph, const FuseRules& rules) { return Fuser(graph, rules)(); }

}  // namespace andiron
