#include "andiron/io/onnx/call.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include "andiron/io/onnx/graph_importer.hpp"
#include "andiron/io/onnx/tables.hpp"

namespace andiron::io::onnx {

Call::Call(GraphImporter& importer, const NodeProto& node, int64_t opset, std::vector<Value> inputs)
    : importer_(importer), node_(node), opset_(opset), inputs_(std::move(inputs)) {}

const Value& Call::in(size_t i) const {
  if (!has(i)) fail("[onnx] {} needs input {}", node_.op_type, i);
  return inputs_[i];
}

const AttributeProto* Call::find(std::string_view name) const {
  for (const AttributeProto& a : node_.attributes)
    if (a.name == name) return &a;
  return nullptr;
}

int64_t Call::i(std::string_view name, int64_t otherwise) const {
  const AttributeProto* a = find(name);
  return a == nullptr ? otherwise : a->i;
}
double Call::f(std::string_view name, double otherwise) const {
  const AttributeProto* a = find(name);
  return a == nullptr ? otherwise : static_cast<double>(a->f);
}
std::string Call::s(std::string_view name, std::string_view otherwise) const {
  const AttributeProto* a = find(name);
  return a == nullptr ? std::string(otherwise) : a->s;
}
std::vector<int64_t> Call::ints(std::string_view name, std::vector<int64_t> otherwise) const {
  const AttributeProto* a = find(name);
  return a == nullptr ? std::move(otherwise) : a->ints;
}
std::vector<float> Call::floats(std::string_view name) const {
  const AttributeProto* a = find(name);
  return a == nullptr ? std::vector<float>{} : a->floats;
}
Tensor Call::tensor(std::string_view name) const {
  const AttributeProto* a = find(name);
  if (a == nullptr || a->t == nullptr) fail("[onnx] {} needs the tensor '{}'", node_.op_type, name);
  return tensor_of(*a->t, importer_.options().folder);
}

Tensor Call::constant(size_t i) const {
  return importer_.known(in(i), fmt::format("[onnx] input {} of {}", i, node_.op_type));
}
bool Call::is_constant(size_t i) const { return has(i) && importer_.is_known(in(i)); }

std::vector<int64_t> Call::numbers(size_t i) const {
  const Tensor t = constant(i).cast(DType::i64);
  return std::vector<int64_t>(t.data<int64_t>(), t.data<int64_t>() + t.count());
}
std::vector<double> Call::reals(size_t i) const {
  const Tensor t = constant(i).cast(DType::f64);
  return std::vector<double>(t.data<double>(), t.data<double>() + t.count());
}
double Call::real(size_t i) const {
  const std::vector<double> all = reals(i);
  if (all.size() != 1) fail("[onnx] input {} of {} must be a scalar", i, node_.op_type);
  return all[0];
}

Shape Call::sizes(size_t i) const {
  if (const auto dims = importer_.dims_of(in(i))) return Shape(dims->begin(), dims->end());
  const std::vector<int64_t> all = numbers(i);
  if (all.size() > 64) fail("[onnx] {}: a shape has more than 64 axes", node_.op_type);
  return Shape(all);
}

bool Call::training() const { return importer_.options().training; }
Value Call::step() const {
  const Value& step = importer_.options().step;
  return step.defined() ? step : andiron::constant(0.0, DType::i64);
}
int64_t Call::seed() const { return importer_.next_seed(); }

std::vector<Value> Call::run_branch(std::string_view attribute) const {
  const AttributeProto* a = find(attribute);
  if (a == nullptr || a->g == nullptr)
    fail("[onnx] {} needs the graph '{}'", node_.op_type, attribute);
  return importer_.run_branch(*a->g);
}

void Call::refuse(const std::string& why) const {
  unsupported("[onnx] {} (opset {}): {}", node_.op_type, opset_, why);
}

namespace {

std::vector<std::span<const Mapping>> tables() {
  return {elementwise_mappings(),  logic_mappings(),         activation_mappings(),
          reduction_mappings(),    shape_mappings(),         indexing_mappings(),
          matmul_mappings(),       normalization_mappings(), loss_mappings(),
          quantization_mappings(), random_mappings(),        vision_mappings(),
          attention_mappings()};
}

}  // namespace

const Mapping* find_mapping(std::string_view op, int64_t opset) {
  static const auto* const by_name = [] {
    auto* map = new std::multimap<std::string_view, const Mapping*>();  // never freed
    for (const auto& table : tables())
      for (const Mapping& m : table) map->emplace(m.op, &m);
    return map;
  }();
  const Mapping* best = nullptr;
  const auto [begin, end] = by_name->equal_range(op);
  for (auto at = begin; at != end; ++at)
    if (at->second->since <= opset && (best == nullptr || at->second->since > best->since))
      best = at->second;
  return best;
}

std::vector<std::pair<std::string, int64_t>> supported_operators() {
  std::vector<std::pair<std::string, int64_t>> all;
  for (const auto& table : tables())
    for (const Mapping& m : table) all.emplace_back(m.op, m.since);
  return all;
}

Value constant_of(const std::vector<int64_t>& numbers) {
  return constant(Tensor::from(numbers, {static_cast<int64_t>(numbers.size())}));
}
Value scalar_of(double value, DType dtype) { return constant(value, dtype); }
Value zeros_like(const Value& x) { return ops::broadcast_to(constant(0.0, x.dtype()), x.shape()); }

int64_t listed(int64_t n) {
  if (n < 0 || n > (int64_t{1} << 24))
    fail("[onnx] a list of {} positions, computed at import, is too long", n);
  return n;
}

Value iota(int64_t n, DType dtype) {
  std::vector<int64_t> numbers(static_cast<size_t>(listed(n)));
  std::iota(numbers.begin(), numbers.end(), 0);
  return constant(Tensor::from(numbers, {n}).cast(dtype));
}

Value size_of_axis(const Value& x, size_t axis, DType dtype) {
  const Dim& d = x.shape()[axis];
  if (d.known()) return constant(static_cast<double>(d.size()), dtype);
  return ops::count_of(x, {static_cast<int64_t>(axis)}, dtype);
}

Value wrapped_indices(const Value& indices, const Dim& size) {
  const Value at = indices.dtype() == DType::i32 || indices.dtype() == DType::i64
                       ? indices
                       : ops::cast(indices, DType::i64);
  if (!size.known()) return at;
  const Value n = constant(static_cast<double>(size.size()), at.dtype());
  return ops::where(ops::less(at, constant(0.0, at.dtype())), at + n, at);
}

Value move_axis_last(const Value& x, int64_t axis) {
  std::vector<int64_t> order(static_cast<size_t>(x.rank()));
  std::iota(order.begin(), order.end(), 0);
  order.erase(order.begin() + axis);
  order.push_back(axis);
  return axis == x.rank() - 1 ? x : ops::transpose(x, order);
}

Value move_last_to(const Value& x, int64_t axis) {
  std::vector<int64_t> order(static_cast<size_t>(x.rank() - 1));
  std::iota(order.begin(), order.end(), 0);
  order.insert(order.begin() + axis, x.rank() - 1);
  return axis == x.rank() - 1 ? x : ops::transpose(x, order);
}

Value take(const Value& x, const std::vector<int64_t>& positions, int64_t axis) {
  return ops::gather(x, constant_of(positions), axis);
}

}  // namespace andiron::io::onnx
