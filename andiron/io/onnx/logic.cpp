#include "andiron/io/onnx/functions.hpp"

// Comparisons, conditions, bits.
namespace andiron::io::onnx {

namespace {

Values logical_not(const Call& c) { return {ops::logical_not(c.in(0))}; }
Values where(const Call& c) { return {ops::where(c.in(0), c.in(1), c.in(2))}; }

// All bits set, minus x.
Values bitwise_not(const Call& c) {
  const Value& x = c.in(0);
  return {ops::subtract(constant(x.dtype() == DType::u8 ? 255.0 : -1.0, x.dtype()), x)};
}

Values bit_shift(const Call& c) {
  const std::string direction = c.s("direction", "");
  if (direction == "LEFT") return {ops::shift_left(c.in(0), c.in(1))};
  if (direction == "RIGHT") return {ops::shift_right(c.in(0), c.in(1))};
  fail("[onnx] BitShift goes LEFT or RIGHT; got '{}'", direction);
}

// The branch must be known: graphs have no control flow.
Values branch(const Call& c) {
  return c.run_branch(c.real(0) != 0 ? "then_branch" : "else_branch");
}

constexpr Mapping kMappings[] = {
    {"Equal", 1, binary_with_axis<ops::equal>},
    {"Equal", 7, binary<ops::equal>},
    {"Greater", 1, binary_with_axis<ops::greater>},
    {"Greater", 7, binary<ops::greater>},
    {"GreaterOrEqual", 12, binary<ops::greater_equal>},
    {"Less", 1, binary_with_axis<ops::less>},
    {"Less", 7, binary<ops::less>},
    {"LessOrEqual", 12, binary<ops::less_equal>},
    {"And", 1, binary_with_axis<ops::logical_and>},
    {"And", 7, binary<ops::logical_and>},
    {"Or", 1, binary_with_axis<ops::logical_or>},
    {"Or", 7, binary<ops::logical_or>},
    {"Xor", 1, binary_with_axis<ops::not_equal>},
    {"Xor", 7, binary<ops::not_equal>},
    {"Not", 1, logical_not},
    {"Where", 9, where},
    {"BitwiseAnd", 18, binary<ops::bitwise_and>},
    {"BitwiseOr", 18, binary<ops::bitwise_or>},
    {"BitwiseXor", 18, binary<ops::bitwise_xor>},
    {"BitwiseNot", 18, bitwise_not},
    {"BitShift", 11, bit_shift},
    {"If", 1, branch},
};

}  // namespace

std::span<const Mapping> logic_mappings() { return kMappings; }

}  // namespace andiron::io::onnx
