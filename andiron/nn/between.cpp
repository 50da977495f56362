#include "andiron/nn/between.hpp"

#include <map>
#include <set>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers/input.hpp"

namespace andiron::nn {

std::vector<Value> values_between(const std::vector<std::pair<SymbolicTensor, Value>>& given,
                                  const std::vector<SymbolicTensor>& outputs,
                                  CallContext& context) {
  std::map<std::pair<const LayerCall*, int>, Value> values;
  const auto key = [](const SymbolicTensor& t) { return std::pair{t.call().get(), t.index()}; };
  for (const auto& [tensor, value] : given) values[key(tensor)] = value;

  // The calls that are needed, from the outputs backwards to what is given.
  std::set<const LayerCall*> needed;
  std::vector<SymbolicTensor> left = outputs;
  while (!left.empty()) {
    const SymbolicTensor t = left.back();
    left.pop_back();
    if (values.count(key(t)) > 0 || !needed.insert(t.call().get()).second) continue;
    if (dynamic_cast<const InputLayer*>(t.layer().get()) != nullptr)
      fail("[Model] an output depends on the input '{}', which is not given", t.layer()->name());
    left.insert(left.end(), t.call()->inputs.begin(), t.call()->inputs.end());
  }
  const bool training = context.training;
  for (const auto& call : calls_of(outputs)) {
    if (needed.count(call.get()) == 0) continue;
    std::vector<Value> arguments;
    for (const SymbolicTensor& t : call->inputs) arguments.push_back(values.at(key(t)));
    context.training = call->training.value_or(training);
    const std::vector<Value> results = call->layer->call(arguments, context);
    context.training = training;
    for (size_t i = 0; i < results.size(); ++i)
      values.emplace(std::pair{call.get(), static_cast<int>(i)}, results[i]);
  }
  std::vector<Value> out;
  for (const SymbolicTensor& t : outputs) out.push_back(values.at(key(t)));
  return out;
}

}  // namespace andiron::nn
