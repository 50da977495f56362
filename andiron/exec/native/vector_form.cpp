#include "andiron/exec/native/vector_form.hpp"

#include <algorithm>
#include <string_view>

namespace andiron::exec {

namespace {

struct Entry {
  std::string_view name;
  VectorOp op;
};

// One line per elementwise op that has a vector function and no attributes.
constexpr Entry kPlain[] = {
    {"negative", VectorOp::negative},
    {"absolute", VectorOp::absolute},
    {"sign", VectorOp::sign},
    {"square", VectorOp::square},
    {"reciprocal", VectorOp::reciprocal},
    {"sqrt", VectorOp::sqrt},
    {"rsqrt", VectorOp::rsqrt},
    {"exp", VectorOp::exp},
    {"log", VectorOp::log},
    {"log1p", VectorOp::log1p},
    {"log2", VectorOp::log2},
    {"log10", VectorOp::log10},
    {"exp2", VectorOp::exp2},
    {"expm1", VectorOp::expm1},
    {"floor", VectorOp::floor},
    {"ceil", VectorOp::ceil},
    {"round", VectorOp::round},
    {"trunc", VectorOp::trunc},
    {"sin", VectorOp::sin},
    {"cos", VectorOp::cos},
    {"tan", VectorOp::tan},
    {"asin", VectorOp::asin},
    {"acos", VectorOp::acos},
    {"atan", VectorOp::atan},
    {"sinh", VectorOp::sinh},
    {"cosh", VectorOp::cosh},
    {"asinh", VectorOp::asinh},
    {"acosh", VectorOp::acosh},
    {"atanh", VectorOp::atanh},
    {"erf", VectorOp::erf},
    {"erfc", VectorOp::erfc},
    {"erfinv", VectorOp::erfinv},
    {"step", VectorOp::step},
    {"sigmoid", VectorOp::sigmoid},
    {"tanh", VectorOp::tanh},
    {"relu", VectorOp::relu},
    {"gelu_derivative", VectorOp::gelu_derivative},
    {"softplus", VectorOp::softplus},
    {"logical_not", VectorOp::logical_not},
    {"broadcast_to", VectorOp::copy},
    {"add", VectorOp::add},
    {"subtract", VectorOp::subtract},
    {"multiply", VectorOp::multiply},
    {"divide", VectorOp::divide},
    {"maximum", VectorOp::maximum},
    {"minimum", VectorOp::minimum},
    {"power", VectorOp::power},
    {"remainder", VectorOp::remainder},
    {"atan2", VectorOp::atan2},
    {"logaddexp", VectorOp::logaddexp},
    {"equal", VectorOp::equal},
    {"not_equal", VectorOp::not_equal},
    {"less", VectorOp::less},
    {"less_equal", VectorOp::less_equal},
    {"greater", VectorOp::greater},
    {"greater_equal", VectorOp::greater_equal},
    {"logical_and", VectorOp::logical_and},
    {"logical_or", VectorOp::logical_or},
    {"sigmoid_cross_entropy", VectorOp::sigmoid_cross_entropy},
    {"where", VectorOp::where},
};

bool is_vector_type(DType d) { return d == DType::f32 || d == DType::bf16 || d == DType::boolean; }

float number(const Node& node, std::string_view attribute) {
  return static_cast<float>(node.attr<double>(attribute));
}

std::optional<VectorForm> form_of_cast(const Node& node) {
  if (node.inputs[0].dtype() == DType::f64) return std::nullopt;
  switch (node.outputs[0].dtype) {
    case DType::f32:
    case DType::bf16:
      return VectorForm{VectorOp::copy};
    case DType::boolean:
      return VectorForm{VectorOp::not_zero};
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<VectorForm> vector_form(const Node& node) {
  if (!node.op->traits.elementwise || node.outputs.size() != 1 ||
      !is_vector_type(node.outputs[0].dtype))
    return std::nullopt;
  if (node.is("cast")) return form_of_cast(node);
  for (const Value& v : node.inputs)
    if (!v.defined() || !is_vector_type(v.dtype())) return std::nullopt;
  if (node.is("leaky_relu"))
    return VectorForm{VectorOp::leaky_relu, {number(node, "negative_slope")}};
  if (node.is("elu")) return VectorForm{VectorOp::elu, {number(node, "alpha")}};
  if (node.is("clip"))
    return VectorForm{VectorOp::clip, {number(node, "low"), number(node, "high")}};
  if (node.is("gelu"))
    return VectorForm{node.attr<bool>("approximate") ? VectorOp::gelu_tanh : VectorOp::gelu};
  const auto* entry = std::find_if(std::begin(kPlain), std::end(kPlain),
                                   [&](const Entry& e) { return e.name == node.op->name; });
  if (entry == std::end(kPlain)) return std::nullopt;
  return VectorForm{entry->op};
}

int cost_of(VectorOp op) {
  switch (op) {
    case VectorOp::copy:
    case VectorOp::negative:
    case VectorOp::absolute:
    case VectorOp::sign:
    case VectorOp::square:
    case VectorOp::reciprocal:
    case VectorOp::floor:
    case VectorOp::ceil:
    case VectorOp::round:
    case VectorOp::trunc:
    case VectorOp::step:
    case VectorOp::relu:
    case VectorOp::leaky_relu:
    case VectorOp::clip:
    case VectorOp::logical_not:
    case VectorOp::not_zero:
    case VectorOp::round_bf16:
    case VectorOp::add:
    case VectorOp::subtract:
    case VectorOp::multiply:
    case VectorOp::divide:
    case VectorOp::maximum:
    case VectorOp::minimum:
    case VectorOp::equal:
    case VectorOp::not_equal:
    case VectorOp::less:
    case VectorOp::less_equal:
    case VectorOp::greater:
    case VectorOp::greater_equal:
    case VectorOp::logical_and:
    case VectorOp::logical_or:
    case VectorOp::multiply_step:
    case VectorOp::add_relu:
    case VectorOp::where:
      return 1;
    case VectorOp::sqrt:
    case VectorOp::rsqrt:
      return 3;
    default:
      return 8;
  }
}

std::optional<Fold> fold_form(const Node& node) {
  if (node.outputs.size() != 1) return std::nullopt;
  const DType dtype = node.outputs[0].dtype;
  if (dtype != DType::f32 && dtype != DType::bf16) return std::nullopt;
  if (node.is("sum")) return Fold::sum;
  if (node.is("max")) return Fold::max;
  if (node.is("min")) return Fold::min;
  if (node.is("prod")) return Fold::product;
  return std::nullopt;
}

}  // namespace andiron::exec
