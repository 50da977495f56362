#include "andiron/io/onnx/export_call.hpp"
#include "andiron/ops/norm/group_norm.hpp"

// Normalization of rows by themselves.
namespace andiron::io::onnx {

namespace {

// [N, groups, elements]: each group by itself.
std::string apart(ExportCall& c, const std::string& x, int64_t groups) {
  return c.add("Reshape", {x, c.numbers({0, groups, -1})});
}

std::string mean_square(ExportCall& c, const std::string& x) {
  const std::string squares = c.add("Mul", {x, x});
  if (c.opset() >= 18) return c.add("ReduceMean", {squares, c.numbers({2})});
  return c.add("ReduceMean", {squares}, {ExportCall::ints("axes", {2})});
}

// [C] beside [N, C, ...]
std::string beside(ExportCall& c, size_t input) {
  std::vector<int64_t> sizes(static_cast<size_t>(c.type(0).shape.rank() - 1), 1);
  sizes[0] = c.type(input).shape[0].size();
  return c.add("Reshape", {c.in(input), c.numbers(sizes)});
}

// InstanceNormalization of the groups, as they stand apart; without a mean root mean squares.
void group_norm(ExportCall& c) {
  const int64_t rank = c.type(0).shape.rank(), groups = c.attr<int64_t>("groups");
  if (normalize_axis("group_norm", c.attr<int64_t>("axis"), rank) != 1)
    unsupported("[onnx] group_norm has a form in ONNX with the channels at axis 1");
  const DType dtype = c.type(0).dtype;
  const double epsilon = c.attr<double>("epsilon");
  const std::string x = apart(c, c.in(0), groups);
  std::string y;
  if (c.attr<bool>("center")) {
    const Tensor ones = Tensor::full(dtype, {groups}, 1), zeros = Tensor::zeros(dtype, {groups});
    y = c.add("InstanceNormalization", {x, c.tensor(ones), c.tensor(zeros)},
              {ExportCall::f("epsilon", epsilon)});
  } else {
    const std::string mean = c.add("Add", {mean_square(c, x), c.scalar(epsilon, dtype)});
    y = c.add("Div", {x, c.add("Sqrt", {mean})});
  }
  y = c.add("Reshape", {y, c.shape(c.type(0).shape)});
  const auto has = [&](size_t i) {
    return c.node().inputs.size() > i && c.node().inputs[i].defined();
  };
  if (has(1)) y = c.add("Mul", {y, beside(c, 1)});
  if (has(2)) y = c.add("Add", {y, beside(c, 2)});
  c.give(y);
}

constexpr ExportMapping kMappings[] = {{"group_norm", group_norm}};

}  // namespace

std::span<const ExportMapping> normalization_exports() { return kMappings; }

}  // namespace andiron::io::onnx
