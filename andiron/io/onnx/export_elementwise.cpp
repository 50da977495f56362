#include <cmath>

#include "andiron/io/onnx/export_call.hpp"

namespace andiron::io::onnx {

namespace {

// The two have the same operands and rules.
struct Same {
  std::string_view op;
  const char* onnx;
};
constexpr Same kSame[] = {
    {"add", "Add"},
    {"subtract", "Sub"},
    {"multiply", "Mul"},
    {"divide", "Div"},
    {"integer_divide", "Div"},
    {"maximum", "Max"},
    {"minimum", "Min"},
    {"power", "Pow"},
    {"negative", "Neg"},
    {"absolute", "Abs"},
    {"sign", "Sign"},
    {"exp", "Exp"},
    {"log", "Log"},
    {"sqrt", "Sqrt"},
    {"reciprocal", "Reciprocal"},
    {"floor", "Floor"},
    {"ceil", "Ceil"},
    {"round", "Round"},
    {"sin", "Sin"},
    {"cos", "Cos"},
    {"atan", "Atan"},
    {"tan", "Tan"},
    {"asin", "Asin"},
    {"acos", "Acos"},
    {"sinh", "Sinh"},
    {"cosh", "Cosh"},
    {"asinh", "Asinh"},
    {"acosh", "Acosh"},
    {"atanh", "Atanh"},
    {"erf", "Erf"},
    {"equal", "Equal"},
    {"less", "Less"},
    {"less_equal", "LessOrEqual"},
    {"greater", "Greater"},
    {"greater_equal", "GreaterOrEqual"},
    {"logical_and", "And"},
    {"logical_or", "Or"},
    {"logical_not", "Not"},
    {"where", "Where"},
    {"sigmoid", "Sigmoid"},
    {"tanh", "Tanh"},
    {"relu", "Relu"},
    {"softplus", "Softplus"},
    {"stop_gradient", "Identity"},
};

void same(ExportCall& c) {
  for (const Same& s : kSame) {
    if (s.op != c.node().op->name) continue;
    std::vector<std::string> inputs;
    for (size_t i = 0; i < c.node().inputs.size(); ++i) inputs.push_back(c.in(i));
    c.give(c.add(s.onnx, inputs));
  }
}

void not_equal(ExportCall& c) { c.give(c.add("Not", {c.add("Equal", {c.in(0), c.in(1)})})); }
void square(ExportCall& c) { c.give(c.add("Mul", {c.in(0), c.in(0)})); }
void rsqrt(ExportCall& c) { c.give(c.add("Reciprocal", {c.add("Sqrt", {c.in(0)})})); }
void log1p(ExportCall& c) {
  c.give(c.add("Log", {c.add("Add", {c.in(0), c.scalar(1.0, c.type(0).dtype)})}));
}
// ONNX has the natural ones only, and no error function but erf.
void logarithm(ExportCall& c) {
  const double scale = c.node().is("log2") ? M_LOG2E : M_LOG10E;
  c.give(c.add("Mul", {c.add("Log", {c.in(0)}), c.scalar(scale, c.type(0).dtype)}));
}
void exp2(ExportCall& c) { c.give(c.add("Pow", {c.scalar(2.0, c.type(0).dtype), c.in(0)})); }
void expm1(ExportCall& c) {
  c.give(c.add("Sub", {c.add("Exp", {c.in(0)}), c.scalar(1.0, c.type(0).dtype)}));
}
void erfc(ExportCall& c) {
  c.give(c.add("Sub", {c.scalar(1.0, c.type(0).dtype), c.add("Erf", {c.in(0)})}));
}
void trunc(ExportCall& c) {
  c.give(c.add("Mul", {c.add("Sign", {c.in(0)}), c.add("Floor", {c.add("Abs", {c.in(0)})})}));
}
void logaddexp(ExportCall& c) {
  const std::string apart = c.add("Neg", {c.add("Abs", {c.add("Sub", {c.in(0), c.in(1)})})});
  const std::string rest =
      c.add("Log", {c.add("Add", {c.add("Exp", {apart}), c.scalar(1.0, c.type(0).dtype)})});
  c.give(c.add("Add", {c.add("Max", {c.in(0), c.in(1)}), rest}));
}
void step(ExportCall& c) {
  const DType dtype = c.type(0).dtype;
  c.give(c.add("Cast", {c.add("Greater", {c.in(0), c.scalar(0.0, dtype)})},
               {ExportCall::i("to", onnx_of_dtype(dtype))}));
}
void clip(ExportCall& c) {
  const double low = c.attr<double>("low"), high = c.attr<double>("high");
  const DType dtype = c.type(0).dtype;
  std::vector<std::string> inputs = {c.in(0), std::isfinite(low) ? c.scalar(low, dtype) : "",
                                     std::isfinite(high) ? c.scalar(high, dtype) : ""};
  while (inputs.size() > 1 && inputs.back().empty()) inputs.pop_back();
  c.give(c.add("Clip", inputs));
}
void leaky_relu(ExportCall& c) {
  c.give(c.add("LeakyRelu", {c.in(0)}, {ExportCall::f("alpha", c.attr<double>("negative_slope"))}));
}
void elu(ExportCall& c) {
  c.give(c.add("Elu", {c.in(0)}, {ExportCall::f("alpha", c.attr<double>("alpha"))}));
}
// Gelu came with opset 20; before it x/2 (1 + erf(x / sqrt 2)), or the form with tanh.
void gelu(ExportCall& c) {
  const bool by_tanh = c.attr<bool>("approximate");
  if (c.opset() >= 20)
    return c.give(
        c.add("Gelu", {c.in(0)}, {ExportCall::s("approximate", by_tanh ? "tanh" : "none")}));
  const DType dtype = c.type(0).dtype;
  const auto times = [&](const std::string& x, double k) {
    return c.add("Mul", {x, c.scalar(k, dtype)});
  };
  std::string inner;
  if (by_tanh) {
    const std::string cube = c.add("Mul", {c.add("Mul", {c.in(0), c.in(0)}), c.in(0)});
    const std::string sum = c.add("Add", {c.in(0), times(cube, 0.044715)});
    inner = c.add("Tanh", {times(sum, std::sqrt(2.0 / M_PI))});
  } else {
    inner = c.add("Erf", {times(c.in(0), M_SQRT1_2)});
  }
  const std::string factor = c.add("Add", {inner, c.scalar(1.0, dtype)});
  c.give(c.add("Mul", {times(c.in(0), 0.5), factor}));
}
void cast(ExportCall& c) {
  c.give(c.add("Cast", {c.in(0)}, {ExportCall::i("to", onnx_of_dtype(c.attr<DType>("dtype")))}));
}
void remainder(ExportCall& c) {
  c.give(c.add("Mod", {c.in(0), c.in(1)}, {ExportCall::i("fmod", 1)}));
}
void softmax(ExportCall& c) {
  c.give(c.add(c.node().is("softmax") ? "Softmax" : "LogSoftmax", {c.in(0)},
               {ExportCall::i("axis", c.attr<int64_t>("axis"))}));
}

constexpr ExportMapping kMappings[] = {
    {"add", same},
    {"subtract", same},
    {"multiply", same},
    {"divide", same},
    {"integer_divide", same},
    {"maximum", same},
    {"minimum", same},
    {"power", same},
    {"negative", same},
    {"absolute", same},
    {"sign", same},
    {"exp", same},
    {"log", same},
    {"sqrt", same},
    {"reciprocal", same},
    {"floor", same},
    {"ceil", same},
    {"round", same},
    {"sin", same},
    {"cos", same},
    {"atan", same},
    {"tan", same},
    {"asin", same},
    {"acos", same},
    {"sinh", same},
    {"cosh", same},
    {"asinh", same},
    {"acosh", same},
    {"atanh", same},
    {"erf", same},
    {"equal", same},
    {"less", same},
    {"less_equal", same},
    {"greater", same},
    {"greater_equal", same},
    {"logical_and", same},
    {"logical_or", same},
    {"logical_not", same},
    {"where", same},
    {"sigmoid", same},
    {"tanh", same},
    {"relu", same},
    {"softplus", same},
    {"stop_gradient", same},
    {"not_equal", not_equal},
    {"square", square},
    {"rsqrt", rsqrt},
    {"log1p", log1p},
    {"log2", logarithm},
    {"log10", logarithm},
    {"exp2", exp2},
    {"expm1", expm1},
    {"erfc", erfc},
    {"trunc", trunc},
    {"logaddexp", logaddexp},
    {"step", step},
    {"clip", clip},
    {"leaky_relu", leaky_relu},
    {"elu", elu},
    {"gelu", gelu},
    {"cast", cast},
    {"remainder", remainder},
    {"softmax", softmax},
    {"log_softmax", softmax},
};

}  // namespace

std::span<const ExportMapping> elementwise_exports() { return kMappings; }

}  // namespace andiron::io::onnx
