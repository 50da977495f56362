#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

namespace {

const char* const kBoolResult = "its result is bool";

std::vector<TensorType> infer_logical(const InferContext& c) {
  for (size_t i = 0; i < c.n(); ++i)
    if (c.in(i).dtype != DType::boolean) fail("[{}] takes bool; got {}", c.op, str(c.in(i)));
  return infer_broadcast(c);
}

std::vector<InputSpec> conditions() { return {{"a", "bool"}, {"b", "bool"}}; }

std::vector<Case> logical_cases() {
  return {{{"bool[4,3]", "bool[4,3]"}}, {{"bool[4,3]", "bool[3]"}}, {{"bool[0]", "bool[0]"}}};
}

}  // namespace

extern const Op kLogicalAnd = {
    .name = "logical_and",
    .summary = "Whether both conditions hold, with broadcasting.",
    .formula = "dst = a and b",
    .inputs = conditions(),
    .infer = infer_logical,
    .why_not_differentiable = kBoolResult,
    .reference =
        [](const ReferenceContext& c) {
          map_binary(c, []<class T>(T a, T b) { return a != T(0) && b != T(0); });
        },
    .traits = {.elementwise = true, .commutative = true, .inplace = {0}},
    .cases = logical_cases(),
};

extern const Op kLogicalOr = {
    .name = "logical_or",
    .summary = "Whether either condition holds, with broadcasting.",
    .formula = "dst = a or b",
    .inputs = conditions(),
    .infer = infer_logical,
    .why_not_differentiable = kBoolResult,
    .reference =
        [](const ReferenceContext& c) {
          map_binary(c, []<class T>(T a, T b) { return a != T(0) || b != T(0); });
        },
    .traits = {.elementwise = true, .commutative = true, .inplace = {0}},
    .cases = logical_cases(),
};

extern const Op kLogicalNot = {
    .name = "logical_not",
    .summary = "Whether the condition does not hold.",
    .formula = "dst = not x",
    .inputs = {{"x", "bool"}},
    .infer = infer_logical,
    .why_not_differentiable = kBoolResult,
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return x == T(0); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"bool[4,3]"}}, {{"bool[0]"}}},
};

Value logical_and(const Value& a, const Value& b) { return make_value(kLogicalAnd, {a, b}); }
Value logical_or(const Value& a, const Value& b) { return make_value(kLogicalOr, {a, b}); }
Value logical_not(const Value& x) { return make_value(kLogicalNot, {x}); }

}  // namespace andiron::ops
