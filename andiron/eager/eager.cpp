#include "andiron/eager/eager.hpp"

#include <list>
#include <memory>
#include <mutex>

#include "andiron/exec/plan.hpp"
#include "andiron/graph/schema.hpp"

namespace andiron::eager {

namespace {

constexpr size_t kMaxPlans = 256;

// The last used one-node plans, most recent first. A plan is taken out while it runs, so two
// threads never share one.
struct Entry {
  std::string key;
  std::unique_ptr<exec::Plan> plan;
};
std::mutex cache_mutex;
std::list<Entry> cache;

std::unique_ptr<exec::Plan> take(const std::string& key) {
  const std::lock_guard lock(cache_mutex);
  for (auto it = cache.begin(); it != cache.end(); ++it) {
    if (it->key != key) continue;
    std::unique_ptr<exec::Plan> plan = std::move(it->plan);
    cache.erase(it);
    return plan;
  }
  return nullptr;
}

void give_back(std::string key, std::unique_ptr<exec::Plan> plan) {
  const std::lock_guard lock(cache_mutex);
  cache.push_front({std::move(key), std::move(plan)});
  if (cache.size() > kMaxPlans) cache.pop_back();
}

bool cacheable(const Attributes& attributes) {
  for (const auto& [name, value] : attributes)
    if (std::holds_alternative<Tensor>(value) || std::holds_alternative<VariablePtr>(value) ||
        std::holds_alternative<std::shared_ptr<const Graph>>(value) ||
        std::holds_alternative<HostFunctionPtr>(value))
      return false;
  return true;
}

std::string key_of(const Op& op, const std::vector<Tensor>& inputs, const Attributes& attributes) {
  std::string key = op.name + std::to_string(exec::default_threads());
  for (const Tensor& t : inputs) {
    key += '|';
    if (t.defined()) key.append(name_of(t.dtype())).append(str(t.sizes()));
  }
  for (const auto& [name, value] : attributes) key += ";" + name + "=" + str(value);
  return key;
}

}  // namespace

std::vector<Tensor> run(const Op& op, const std::vector<Tensor>& inputs,
                        const Attributes& attributes) {
  std::vector<Tensor> dense;
  for (const Tensor& t : inputs)
    if (t.defined()) dense.push_back(t.contiguous());
  const std::string key = key_of(op, inputs, attributes);
  const bool cached = cacheable(attributes);
  std::unique_ptr<exec::Plan> plan = cached ? take(key) : nullptr;
  if (plan == nullptr) {
    std::vector<Value> arguments, placeholders;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i].defined()) {
        arguments.emplace_back();
        continue;
      }
      const std::string name = i < op.inputs.size() ? op.inputs[i].name : std::to_string(i);
      arguments.push_back(input(name, inputs[i].dtype(), Shape(inputs[i].sizes())));
      placeholders.push_back(arguments.back());
    }
    plan = exec::Plan::compile(Graph(placeholders, make_node(op, arguments, attributes)));
  }
  std::vector<Tensor> outputs = plan->run(dense);
  if (cached) give_back(key, std::move(plan));
  return outputs;
}

std::vector<Tensor> evaluate(const std::vector<Value>& values) {
  return exec::Plan::compile(Graph({}, values))->run(std::span<const Tensor>());
}

std::vector<Tensor> call(const Graph& graph, const std::vector<Tensor>& inputs) {
  std::map<std::string, int64_t> sizes;
  for (size_t i = 0; i < inputs.size() && i < graph.inputs().size(); ++i) {
    const Shape& shape = graph.inputs()[i].shape();
    for (size_t a = 0; a < shape.size() && a < inputs[i].sizes().size(); ++a)
      if (!shape[a].known() && shape[a].multiple_of(shape[a].str()) == 1)
        sizes[shape[a].str()] = inputs[i].sizes()[a];
  }
  std::vector<Tensor> dense;
  for (const Tensor& t : inputs) dense.push_back(t.contiguous());
  return exec::Plan::compile(graph, sizes)->run(dense);
}

}  // namespace andiron::eager
