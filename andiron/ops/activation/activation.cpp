#include <fmt/format.h>

#include "andiron/base/error.hpp"
#include "andiron/ops/activations.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::ops {

namespace {

struct Named {
  std::string_view name;
  Value (*function)(const Value&);
};

// Keras 3's names, one line each.
constexpr Named kActivations[] = {
    {"celu", [](const Value& x) { return celu(x); }},
    {"elu", [](const Value& x) { return elu(x); }},
    {"exponential", exp},
    {"gelu", [](const Value& x) { return gelu(x); }},
    {"glu", [](const Value& x) { return glu(x); }},
    {"hard_shrink", [](const Value& x) { return hard_shrink(x); }},
    {"hard_sigmoid", hard_sigmoid},
    {"hard_silu", hard_silu},
    {"hard_swish", hard_silu},
    {"hard_tanh", hard_tanh},
    {"leaky_relu", [](const Value& x) { return leaky_relu(x); }},
    {"linear", [](const Value& x) { return x; }},
    {"log_sigmoid", log_sigmoid},
    {"log_softmax", [](const Value& x) { return log_softmax(x); }},
    {"mish", mish},
    {"relu", relu},
    {"relu6", relu6},
    {"selu", selu},
    {"sigmoid", sigmoid},
    {"silu", silu},
    {"soft_shrink", [](const Value& x) { return soft_shrink(x); }},
    {"softmax", [](const Value& x) { return softmax(x); }},
    {"softplus", softplus},
    {"softsign", softsign},
    {"sparse_plus", sparse_plus},
    {"sparse_sigmoid", sparse_sigmoid},
    {"sparsemax", [](const Value& x) { return sparsemax(x); }},
    {"squareplus", [](const Value& x) { return squareplus(x); }},
    {"step", step},
    {"swish", silu},
    {"tanh", tanh},
    {"tanh_shrink", tanh_shrink},
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
