#include <fmt/format.h>

#include "andiron/base/error.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::ops {

namespace {

struct Named {
  std::string_view name;
  Value (*function)(const Value&);
};

constexpr Named kActivations[] = {
    {"linear", [](const Value& x) { return x; }},
    {"relu", relu},
    {"relu6", [](const Value& x) { return clip(x, 0.0, 6.0); }},
    {"leaky_relu", [](const Value& x) { return leaky_relu(x); }},
    {"elu", [](const Value& x) { return elu(x); }},
    {"gelu", [](const Value& x) { return gelu(x); }},
    {"sigmoid", sigmoid},
    {"tanh", tanh},
    {"softplus", softplus},
    {"softmax", [](const Value& x) { return softmax(x); }},
    {"log_softmax", [](const Value& x) { return log_softmax(x); }},
    {"exponential", exp},
    {"step", step},
};

}  // namespace

Value activation(std::string_view name, const Value& x) {
  std::string known;
  for (const Named& a : kActivations) {
    if (a.name == name) return a.function(x);
    known += fmt::format("{}{}", known.empty() ? "" : ", ", a.name);
  }
  fail("there is no activation named '{}'; known: {}", name, known);
}

}  // namespace andiron::ops
