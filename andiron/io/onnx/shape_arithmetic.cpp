#include <algorithm>

#include "andiron/io/onnx/graph_importer.hpp"

// Integer lists that hold symbols: what exporters compute from Shape before a Reshape, say
// [batch, -1]. They are followed beside the values, which stay ordinary ones.
namespace andiron::io::onnx {

namespace {

using Dims = std::vector<Dim>;

std::optional<Dims> elementwise(const std::string& op, const Dims& a, const Dims& b) {
  const size_t n = std::max(a.size(), b.size());
  if ((a.size() != n && a.size() != 1) || (b.size() != n && b.size() != 1)) return std::nullopt;
  Dims out;
  for (size_t i = 0; i < n; ++i) {
    const Dim &x = a[a.size() == 1 ? 0 : i], &y = b[b.size() == 1 ? 0 : i];
    if (op == "Add") out.push_back(x + y);
    if (op == "Sub") out.push_back(x + Dim(-1) * y);
    if (op == "Mul") out.push_back(x * y);
    if (op == "Div") {
      try {
        out.push_back(x / y);
      } catch (const Error&) {
        return std::nullopt;
      }
    }
  }
  return out;
}

std::optional<Dims> sliced(const Call& call, const Dims& x) {
  if (call.opset() < 10 || !call.is_constant(1) || !call.is_constant(2)) return std::nullopt;
  if (call.has(4) && (!call.is_constant(4) || call.numbers(4) != std::vector<int64_t>{1}))
    return std::nullopt;
  const auto n = static_cast<int64_t>(x.size());
  const auto begins = call.numbers(1), ends = call.numbers(2);
  if (begins.size() != 1 || ends.size() != 1) return std::nullopt;
  const auto at = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + n : i, 0, n); };
  const int64_t begin = at(begins[0]), end = std::max(begin, at(ends[0]));
  return Dims(x.begin() + begin, x.begin() + end);
}

}  // namespace

std::optional<std::vector<Dim>> GraphImporter::follow_dims(const Call& call) const {
  const std::string& op = call.node().op_type;
  if (op == "Shape" && call.has(0)) {
    const Shape& shape = call.in(0).shape();
    const auto n = shape.rank();
    const auto at = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + n : i, 0, n); };
    const int64_t begin = at(call.i("start", 0)), end = std::max(begin, at(call.i("end", n)));
    return Dims(shape.begin() + begin, shape.begin() + end);
  }
  if (op == "Concat") {
    Dims out;
    for (const Value& v : call.inputs()) {
      const auto dims = dims_of(v);
      if (!dims || v.rank() != 1) return std::nullopt;
      out.insert(out.end(), dims->begin(), dims->end());
    }
    return out.size() <= 64 ? std::optional(out) : std::nullopt;
  }
  if (!call.has(0)) return std::nullopt;
  const auto x = dims_of(call.in(0));
  if (!x) return std::nullopt;
  if (op == "Identity" || op == "Cast" || op == "Squeeze" || op == "Unsqueeze" || op == "Reshape")
    return x;
  if (op == "Slice") return sliced(call, *x);
  if (op == "Gather" && call.has(1) && call.is_constant(1)) {
    Dims out;
    for (int64_t i : call.numbers(1)) {
      const int64_t j = i < 0 ? i + static_cast<int64_t>(x->size()) : i;
      if (j < 0 || j >= static_cast<int64_t>(x->size())) return std::nullopt;
      out.push_back((*x)[static_cast<size_t>(j)]);
    }
    return out.size() <= 64 ? std::optional(out) : std::nullopt;
  }
  if ((op == "Add" || op == "Sub" || op == "Mul" || op == "Div") && call.has(1)) {
    const auto y = dims_of(call.in(1));
    return y ? elementwise(op, *x, *y) : std::nullopt;
  }
  if (op == "ReduceProd") {
    Dim product = 1;
    for (const Dim& d : *x) product = product * d;
    return Dims{product};
  }
  return std::nullopt;
}

}  // namespace andiron::io::onnx
