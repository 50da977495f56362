#include <algorithm>
#include <numeric>

#include "andiron/io/onnx/export_call.hpp"

// Products, reductions, shapes, elements by index.
namespace andiron::io::onnx {

namespace {

std::string last_two_swapped(ExportCall& c, const std::string& x, int64_t rank) {
  std::vector<int64_t> order(static_cast<size_t>(rank));
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return c.add("Transpose", {x}, {ExportCall::ints("perm", order)});
}

void matmul(ExportCall& c) {
  const bool ta = c.attr<bool>("transpose_a"), tb = c.attr<bool>("transpose_b");
  const std::string a = ta ? last_two_swapped(c, c.in(0), c.type(0).shape.rank()) : c.in(0);
  const std::string b = tb ? last_two_swapped(c, c.in(1), c.type(1).shape.rank()) : c.in(1);
  c.give(c.add("MatMul", {a, b}));
}

// Axes were an attribute until opset 17 (ReduceSum's until 12).
void reduce(ExportCall& c) {
  const std::string& op = c.node().op->name;
  const char* name = op == "sum"    ? "ReduceSum"
                     : op == "max"  ? "ReduceMax"
                     : op == "min"  ? "ReduceMin"
                     : op == "prod" ? "ReduceProd"
                                    : "ReduceLogSumExp";
  const auto axes =
      normalize_axes(op, c.attr<std::vector<int64_t>>("axes"), c.type(0).shape.rank());
  ExportCall::Attributes attributes = {ExportCall::i("keepdims", c.attr<bool>("keepdims") ? 1 : 0)};
  if (c.type(0).shape.rank() == 0) return c.give(c.add("Identity", {c.in(0)}));
  if (op == "sum" || c.opset() >= 18)
    return c.give(c.add(name, {c.in(0), c.numbers(axes)}, attributes));
  attributes.push_back(ExportCall::ints("axes", axes));
  c.give(c.add(name, {c.in(0)}, attributes));
}

void argmax(ExportCall& c) {
  const std::string at =
      c.add("ArgMax", {c.in(0)},
            {ExportCall::i("axis", c.attr<int64_t>("axis")), ExportCall::i("keepdims", 0)});
  c.give(c.add("Cast", {at}, {ExportCall::i("to", onnx_of_dtype(DType::i32))}));
}

void count_of(ExportCall& c) {
  const Shape& shape = c.type(0).shape;
  std::string total = c.scalar(1.0, DType::i64);
  for (int64_t axis :
       normalize_axes("count_of", c.attr<std::vector<int64_t>>("axes"), shape.rank())) {
    const std::string size =
        c.add("Squeeze", {c.dimension(shape[static_cast<size_t>(axis)]), c.numbers({0})});
    total = c.add("Mul", {total, size});
  }
  c.give(c.add("Cast", {total}, {ExportCall::i("to", onnx_of_dtype(c.node().outputs[0].dtype))}));
}

// One symbolic size may be -1; more are read from the inputs.
void reshape(ExportCall& c) {
  const auto& to = c.attr<Shape>("shape");
  std::vector<int64_t> sizes;
  int64_t holes = 0;
  bool empty = false;
  for (const Dim& d : to) {
    sizes.push_back(d.known() ? d.size() : -1);
    holes += d.known() ? 0 : 1;
    empty = empty || d == Dim(0);
  }
  if (holes > 1 || (holes == 1 && empty)) return c.give(c.add("Reshape", {c.in(0), c.shape(to)}));
  ExportCall::Attributes attributes;
  if (empty && c.opset() >= 14) attributes.push_back(ExportCall::i("allowzero", 1));
  c.give(c.add("Reshape", {c.in(0), c.numbers(sizes)}, attributes));
}

void transpose(ExportCall& c) {
  const auto& order = c.attr<std::vector<int64_t>>("permutation");
  c.give(c.add("Transpose", {c.in(0)},
               order.empty() ? ExportCall::Attributes{}
                             : ExportCall::Attributes{ExportCall::ints("perm", order)}));
}

void broadcast_to(ExportCall& c) {
  c.give(c.add("Expand", {c.in(0), c.shape(c.node().outputs[0].shape)}));
}

void concat(ExportCall& c) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < c.node().inputs.size(); ++i) parts.push_back(c.in(i));
  c.give(c.add("Concat", parts, {ExportCall::i("axis", c.attr<int64_t>("axis"))}));
}

void split(ExportCall& c) {
  c.give_all("Split", {c.in(0), c.numbers(c.attr<std::vector<int64_t>>("sizes"))},
             {ExportCall::i("axis", c.attr<int64_t>("axis"))});
}

void slice(ExportCall& c) {
  const auto &begin = c.attr<Shape>("begin"), &size = c.attr<Shape>("size");
  std::vector<int64_t> axes, starts, ends;
  for (size_t i = 0; i < begin.size(); ++i) {
    const bool whole = begin[i] == Dim(0) && (size[i] == Dim(-1) || size[i] == c.type(0).shape[i]);
    if (whole) continue;
    if (!begin[i].known() || !size[i].known()) unsupported("[onnx] a slice by symbols");
    axes.push_back(static_cast<int64_t>(i));
    starts.push_back(begin[i].size());
    ends.push_back(size[i] == Dim(-1) ? INT64_MAX : begin[i].size() + size[i].size());
  }
  if (axes.empty()) return c.give(c.add("Identity", {c.in(0)}));
  c.give(c.add("Slice", {c.in(0), c.numbers(starts), c.numbers(ends), c.numbers(axes)}));
}

void pad(ExportCall& c) {
  const auto &low = c.attr<Shape>("low"), &high = c.attr<Shape>("high");
  if (!low.known() || !high.known()) unsupported("[onnx] a border by symbols");
  std::vector<int64_t> pads = low.sizes();
  for (int64_t p : high.sizes()) pads.push_back(p);
  c.give(
      c.add("Pad", {c.in(0), c.numbers(pads), c.scalar(c.attr<double>("value"), c.type(0).dtype)}));
}

void gather(ExportCall& c) {
  c.give(c.add("Gather", {c.in(0), c.in(1)}, {ExportCall::i("axis", c.attr<int64_t>("axis"))}));
}
void embedding(ExportCall& c) {
  c.give(c.add("Gather", {c.in(0), c.in(1)}, {ExportCall::i("axis", 0)}));
}
void gather_elements(ExportCall& c) {
  c.give(c.add("GatherElements", {c.in(0), c.in(1)},
               {ExportCall::i("axis", c.attr<int64_t>("axis"))}));
}
void scatter_elements(ExportCall& c) {
  const auto& reduction = c.attr<std::string>("reduction");
  ExportCall::Attributes attributes = {ExportCall::i("axis", c.attr<int64_t>("axis"))};
  if (reduction != "none") {
    const bool later = reduction == "maximum" || reduction == "minimum";
    if (c.opset() < (later ? 18 : 16))
      unsupported("[onnx] scatter_elements with reduction {} needs opset {}", reduction,
                  later ? 18 : 16);
    attributes.push_back(ExportCall::s("reduction", reduction == "multiply"  ? "mul"
                                                    : reduction == "maximum" ? "max"
                                                    : reduction == "minimum" ? "min"
                                                                             : "add"));
  }
  c.give(c.add("ScatterElements", {c.in(0), c.in(1), c.in(2)}, attributes));
}

// Out of range is all zeros in Andiron, too.
void one_hot(ExportCall& c) {
  const DType dtype = c.attr<DType>("dtype");
  const Tensor values = Tensor::from(std::vector<int64_t>{0, 1}, {2}).cast(dtype);
  c.give(c.add(
      "OneHot",
      {c.in(0), c.tensor(Tensor::scalar(static_cast<double>(c.attr<int64_t>("depth")), DType::i64)),
       c.tensor(values)}));
}

void topk(ExportCall& c) {
  c.give_all("TopK", {c.in(0), c.numbers({c.attr<int64_t>("k")})}, {ExportCall::i("axis", -1)});
  const std::string at =
      c.add("Cast", {c.output(1)}, {ExportCall::i("to", onnx_of_dtype(DType::i32))});
  c.give(at, 1);
}

// The greatest n of n.
void sort(ExportCall& c) {
  const int64_t axis = normalize_axis("sort", c.attr<int64_t>("axis"), c.type(0).shape.rank());
  c.give_all(
      "TopK", {c.in(0), c.dimension(c.type(0).shape[static_cast<size_t>(axis)])},
      {ExportCall::i("axis", axis), ExportCall::i("largest", c.attr<bool>("descending") ? 1 : 0)});
  c.give(c.add("Cast", {c.output(1)}, {ExportCall::i("to", onnx_of_dtype(DType::i32))}), 1);
}

void cumsum(ExportCall& c) {
  c.give(c.add("CumSum",
               {c.in(0), c.scalar(static_cast<double>(c.attr<int64_t>("axis")), DType::i64)},
               {ExportCall::i("exclusive", c.attr<bool>("exclusive") ? 1 : 0),
                ExportCall::i("reverse", c.attr<bool>("reverse") ? 1 : 0)}));
}

constexpr ExportMapping kMappings[] = {
    {"matmul", matmul},
    {"sum", reduce},
    {"max", reduce},
    {"min", reduce},
    {"prod", reduce},
    {"logsumexp", reduce},
    {"argmax", argmax},
    {"count_of", count_of},
    {"reshape", reshape},
    {"transpose", transpose},
    {"broadcast_to", broadcast_to},
    {"concat", concat},
    {"split", split},
    {"slice", slice},
    {"pad", pad},
    {"gather", gather},
    {"embedding", embedding},
    {"gather_elements", gather_elements},
    {"scatter_elements", scatter_elements},
    {"one_hot", one_hot},
    {"sort", sort},
    {"topk", topk},
    {"cumsum", cumsum},
};

}  // namespace

std::span<const ExportMapping> structure_exports() { return kMappings; }

}  // namespace andiron::io::onnx
