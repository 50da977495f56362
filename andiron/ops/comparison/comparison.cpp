#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

namespace {

const char* const kBoolResult = "its result is bool";

std::vector<InputSpec> operands() {
  return {{"a", "left operand"}, {"b", "right operand, of the same dtype"}};
}

// Small integers, so that equal pairs occur.
std::vector<Case> comparison_cases() {
  return {{{"f32[2,3]", "f32[2,3]"}},     {{"f32[4,1,3]", "f32[2,1]"}},
          {{"i32[9]@0:2", "i32[9]@0:2"}}, {{"i64[9]@0:2", "i64[]@0:2"}},
          {{"bool[4,3]", "bool[4,3]"}},   {{"u8[9]@0:2", "u8[9]@0:2"}},
          {{"f32[0,3]", "f32[3]"}},       {{"bf16[6]", "bf16[6]"}}};
}

}  // namespace

extern const Op kEqual = {
    .name = "equal",
    .summary = "Whether a = b, elementwise with broadcasting.",
    .formula = "dst = a == b; false where either is NaN",
    .inputs = operands(),
    .infer = infer_comparison,
    .why_not_differentiable = kBoolResult,
    .reference =
        [](const ReferenceContext& c) { map_binary(c, []<class T>(T a, T b) { return a == b; }); },
    .traits = {.elementwise = true, .commutative = true},
    .cases = comparison_cases(),
};

extern const Op kNotEqual = {
    .name = "not_equal",
    .summary = "Whether a differs from b, elementwise with broadcasting.",
    .formula = "dst = a != b; true where either is NaN",
    .inputs = operands(),
    .infer = infer_comparison,
    .why_not_differentiable = kBoolResult,
    .reference =
        [](const ReferenceContext& c) { map_binary(c, []<class T>(T a, T b) { return a != b; }); },
    .traits = {.elementwise = true, .commutative = true},
    .cases = comparison_cases(),
};

extern const Op kLess = {
    .name = "less",
    .summary = "Whether a < b, elementwise with broadcasting.",
    .formula = "dst = a < b; false where either is NaN",
    .inputs = operands(),
    .infer = infer_comparison,
    .why_not_differentiable = kBoolResult,
    .reference =
        [](const ReferenceContext& c) { map_binary(c, []<class T>(T a, T b) { return a < b; }); },
    .traits = {.elementwise = true},
    .cases = comparison_cases(),
};

extern const Op kLessEqual = {
    .name = "less_equal",
    .summary = "Whether a <= b, elementwise with broadcasting.",
    .formula = "dst = a <= b; false where either is NaN",
    .inputs = operands(),
    .infer = infer_comparison,
    .why_not_differentiable = kBoolResult,
    .reference =
        [](const ReferenceContext& c) { map_binary(c, []<class T>(T a, T b) { return a <= b; }); },
    .traits = {.elementwise = true},
    .cases = comparison_cases(),
};

extern const Op kGreater = {
    .name = "greater",
    .summary = "Whether a > b, elementwise with broadcasting.",
    .formula = "dst = a > b; false where either is NaN",
    .inputs = operands(),
    .infer = infer_comparison,
    .why_not_differentiable = kBoolResult,
    .reference =
        [](const ReferenceContext& c) { map_binary(c, []<class T>(T a, T b) { return a > b; }); },
    .traits = {.elementwise = true},
    .cases = comparison_cases(),
};

extern const Op kGreaterEqual = {
    .name = "greater_equal",
    .summary = "Whether a >= b, elementwise with broadcasting.",
    .formula = "dst = a >= b; false where either is NaN",
    .inputs = operands(),
    .infer = infer_comparison,
    .why_not_differentiable = kBoolResult,
    .reference =
        [](const ReferenceContext& c) { map_binary(c, []<class T>(T a, T b) { return a >= b; }); },
    .traits = {.elementwise = true},
    .cases = comparison_cases(),
};

Value equal(const Value& a, const Value& b) { return make_value(kEqual, {a, b}); }
Value not_equal(const Value& a, const Value& b) { return make_value(kNotEqual, {a, b}); }
Value less(const Value& a, const Value& b) { return make_value(kLess, {a, b}); }
Value less_equal(const Value& a, const Value& b) { return make_value(kLessEqual, {a, b}); }
Value greater(const Value& a, const Value& b) { return make_value(kGreater, {a, b}); }
Value greater_equal(const Value& a, const Value& b) { return make_value(kGreaterEqual, {a, b}); }

}  // namespace andiron::ops
