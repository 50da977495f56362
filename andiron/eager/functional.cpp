#include "andiron/eager/functional.hpp"

#include <fmt/format.h>

#include <string>

namespace andiron::eager {

std::function<std::pair<Tensor, std::vector<Tensor>>(const std::vector<Tensor>&)> value_and_grad(
    std::function<Value(const std::vector<Value>&)> f) {
  return [f = std::move(f)](const std::vector<Tensor>& arguments) {
    std::vector<Value> inputs;
    for (const Tensor& x : arguments)
      inputs.push_back(input(fmt::format("x{}", inputs.size()), x.dtype(), Shape(x.sizes())));
    const Value y = f(inputs);
    std::vector<Value> outputs = grad(y, inputs);
    outputs.push_back(y);
    std::vector<Tensor> results = call(Graph(inputs, outputs), arguments);
    Tensor value = results.back();
    results.pop_back();
    return std::pair{value, results};
  };
}

std::function<std::pair<Tensor, Tensor>(const Tensor&)> value_and_grad(
    std::function<Value(const Value&)> f) {
  auto of_list =
      value_and_grad([f = std::move(f)](const std::vector<Value>& xs) { return f(xs[0]); });
  return [of_list = std::move(of_list)](const Tensor& x) {
    auto [value, slopes] = of_list(std::vector<Tensor>{x});
    return std::pair{value, slopes[0]};
  };
}

std::function<Tensor(const Tensor&)> grad(std::function<Value(const Value&)> f) {
  return [both = value_and_grad(std::move(f))](const Tensor& x) { return both(x).second; };
}

}  // namespace andiron::eager
