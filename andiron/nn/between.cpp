#include "andiron/nn/between.hpp"

#include <map>
#include <set>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers/input.hpp"
#include "andiron/nn/masks.hpp"

namespace andiron::nn {

namespace {

using Values = std::map<std::pair<const LayerCall*, int>, Value>;
using Calls = std::set<const LayerCall*>;

std::pair<const LayerCall*, int> key(const SymbolicTensor& t) {
  return {t.call().get(), t.index()};
}

bool is_input(const SymbolicTensor& t) {
  return dynamic_cast<const InputLayer*>(t.layer().get()) != nullptr;
}

/// Adds the calls from `left` backwards to what is given. Returns an input of the network that
/// they need and that is not given; undefined: there is none.
SymbolicTensor add_calls(std::vector<SymbolicTensor> left, const Values& given, Calls& calls) {
  while (!left.empty()) {
    const SymbolicTensor t = left.back();
    left.pop_back();
    if (given.count(key(t)) > 0 || calls.count(t.call().get()) > 0) continue;
    if (is_input(t)) return t;
    calls.insert(t.call().get());
    left.insert(left.end(), t.call()->inputs.begin(), t.call()->inputs.end());
  }
  return {};
}

}  // namespace

std::vector<Value> values_between(const std::vector<std::pair<SymbolicTensor, Value>>& given,
                                  const std::vector<SymbolicTensor>& outputs,
                                  CallContext& context) {
  Values values;
  for (const auto& [tensor, value] : given) values[key(tensor)] = value;

  Calls needed;
  if (const SymbolicTensor missing = add_calls(outputs, values, needed); missing.defined())
    fail("[Model] an output depends on the input '{}', which is not given",
         missing.layer()->name());
  // What is given in the middle has the mask of what it stands for: that is composed for its mask
  // alone, and no graph of the outputs holds it.
  for (const auto& [tensor, value] : given) {
    Calls with_it = needed;
    if (is_input(tensor) || add_calls(tensor.call()->inputs, values, with_it).defined()) continue;
    with_it.insert(tensor.call().get());
    needed = std::move(with_it);
  }
  Masks::Scope masks;
  const bool training = context.training;
  for (const auto& call : calls_of(outputs)) {
    if (needed.count(call.get()) == 0) continue;
    std::vector<Value> arguments;
    for (const SymbolicTensor& t : call->inputs) arguments.push_back(values.at(key(t)));
    context.training = call->training.value_or(training);
    const std::vector<Value> results = call->layer->call(arguments, context);
    context.training = training;
    for (size_t i = 0; i < results.size(); ++i) {
      const auto [at, is_new] =
          values.emplace(std::pair{call.get(), static_cast<int>(i)}, results[i]);
      if (!is_new) Masks::set(at->second, Masks::of(results[i]));
    }
  }
  std::vector<Value> out;
  for (const SymbolicTensor& t : outputs) out.push_back(values.at(key(t)));
  return out;
}

}  // namespace andiron::nn
