#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "andiron/autodiff/gradient.hpp"
#include "andiron/eager/eager.hpp"

/// Functional autodiff: functions of tensors out of compositions of ops.
///   auto slope = eager::grad([](const Value& x) { return ops::square(x); });
///   slope(Tensor::scalar(3.0)).item();  // 6
namespace andiron::eager {

/// y and dy/dx of a function of one tensor; y's elements are added up when it has several.
std::function<std::pair<Tensor, Tensor>(const Tensor&)> value_and_grad(
    std::function<Value(const Value&)> f);

/// dy/dx alone.
std::function<Tensor(const Tensor&)> grad(std::function<Value(const Value&)> f);

/// y and the gradient with respect to each argument.
std::function<std::pair<Tensor, std::vector<Tensor>>(const std::vector<Tensor>&)> value_and_grad(
    std::function<Value(const std::vector<Value>&)> f);

}  // namespace andiron::eager
