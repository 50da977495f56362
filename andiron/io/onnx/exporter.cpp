#include "andiron/io/onnx/exporter.hpp"

#include <algorithm>

#include "andiron/io/onnx/export_call.hpp"

namespace andiron::io::onnx {

namespace {

ValueInfo info_of(const std::string& name, const TensorType& type) {
  ValueInfo info;
  info.name = name;
  info.elem_type = onnx_of_dtype(type.dtype);
  info.has_shape = true;
  for (const Dim& d : type.shape)
    info.shape.push_back(d.known() ? ValueInfo::Dimension{d.size(), ""}
                                   : ValueInfo::Dimension{-1, d.str()});
  return info;
}

const ExportMapping* find_export(std::string_view op) {
  for (const auto& table :
       {elementwise_exports(), normalization_exports(), structure_exports(), vision_exports()})
    for (const ExportMapping& m : table)
      if (m.op == op) return &m;
  return nullptr;
}

}  // namespace

ExportCall::ExportCall(ModelProto& model, const Graph& graph, const ExportOptions& options)
    : model_(model), graph_(graph), options_(options) {}

AttributeProto ExportCall::ints(const std::string& name, const std::vector<int64_t>& values) {
  AttributeProto a;
  a.name = name;
  a.type = 7;
  a.ints = values;
  return a;
}
AttributeProto ExportCall::i(const std::string& name, int64_t value) {
  AttributeProto a;
  a.name = name;
  a.type = 2;
  a.i = value;
  return a;
}
AttributeProto ExportCall::f(const std::string& name, double value) {
  AttributeProto a;
  a.name = name;
  a.type = 1;
  a.f = static_cast<float>(value);
  return a;
}
AttributeProto ExportCall::s(const std::string& name, const std::string& value) {
  AttributeProto a;
  a.name = name;
  a.type = 3;
  a.s = value;
  return a;
}

std::string ExportCall::fresh(const std::string& stem) {
  std::string name = stem;
  for (int64_t n = 1; !taken_.insert(name).second; ++n) name = stem + "_" + std::to_string(n);
  return name;
}

std::string ExportCall::add(const std::string& op, std::vector<std::string> inputs,
                            Attributes attributes) {
  NodeProto n;
  n.op_type = op;
  n.inputs = std::move(inputs);
  n.attributes = std::move(attributes);
  const std::string base = node_ != nullptr && !node_->name.empty() ? node_->name : "value";
  n.outputs = {fresh(base + "/" + op)};
  n.name = n.outputs[0];
  model_.graph.nodes.push_back(n);
  return n.outputs[0];
}

void ExportCall::give(const std::string& value, int output) {
  names_[Value(node_->shared_from_this(), output)] = value;
}

void ExportCall::give_all(const std::string& op, std::vector<std::string> inputs,
                          Attributes attributes) {
  const std::string first = add(op, std::move(inputs), std::move(attributes));
  NodeProto& n = model_.graph.nodes.back();
  give(first, 0);
  for (size_t i = 1; i < node_->outputs.size(); ++i) {
    n.outputs.push_back(fresh(first));
    give(n.outputs.back(), static_cast<int>(i));
  }
}

std::string ExportCall::tensor(const Tensor& given, const std::string& name) {
  owned_.push_back(given.contiguous());
  const Tensor& t = owned_.back();
  const std::string_view bytes(static_cast<const char*>(t.raw()), t.n_bytes());
  std::string key;
  if (name.empty() && t.n_bytes() <= 256) {  // the same few numbers are needed again and again
    key = fmt::format("{}{}", name_of(t.dtype()), str(t.sizes())) + std::string(bytes);
    if (const auto at = known_.find(key); at != known_.end()) return at->second;
  }
  TensorProto proto;
  proto.name = fresh(name.empty() ? "constant" : name);
  proto.data_type = onnx_of_dtype(t.dtype());
  proto.dims = t.sizes();
  proto.raw_data = bytes;
  if (!key.empty()) known_[key] = proto.name;
  model_.graph.initializers.push_back(std::move(proto));
  return model_.graph.initializers.back().name;
}

std::string ExportCall::numbers(const std::vector<int64_t>& values) {
  return tensor(Tensor::from(values, {static_cast<int64_t>(values.size())}));
}
std::string ExportCall::scalar(double value, DType dtype) {
  return tensor(Tensor::scalar(value, dtype));
}

// A symbol is read from the first input that has it.
std::string ExportCall::dimension(const Dim& dim) {
  if (dim.known()) return numbers({dim.size()});
  for (const Value& x : graph_.inputs())
    for (size_t axis = 0; axis < x.shape().size(); ++axis) {
      const Dim& d = x.shape()[axis];
      const int64_t times = d.known() || d.multiple_of(d.str()) != 1 ? 0 : dim.multiple_of(d.str());
      if (times == 0) continue;
      const std::string sizes = add("Shape", {names_.at(x)});
      const std::string size = add("Gather", {sizes, numbers({static_cast<int64_t>(axis)})});
      return times == 1 ? size : add("Mul", {size, numbers({times})});
    }
  unsupported("[onnx] the size {} cannot be written in a model", dim.str());
}

std::string ExportCall::shape(const Shape& shape) {
  if (shape.known()) return numbers(shape.sizes());
  std::vector<std::string> parts;
  for (const Dim& d : shape) parts.push_back(dimension(d));
  return parts.size() == 1 ? parts[0] : add("Concat", parts, {i("axis", 0)});
}

void ExportCall::run() {
  for (const Value& v : graph_.inputs()) {
    const std::string name = fresh(v.node().attr<std::string>("name"));
    names_[v] = name;
    model_.graph.inputs.push_back(info_of(name, v.type()));
  }
  for (const Node* node : graph_.nodes()) {
    node_ = node;
    if (node->is("input")) continue;
    if (node->is("constant")) {
      give(tensor(node->attr<Tensor>("tensor")));
      continue;
    }
    if (node->is("variable")) {
      const auto& variable = node->attr<VariablePtr>("variable");
      give(tensor(variable->value(), variable->name()));
      continue;
    }
    const ExportMapping* mapping = find_export(node->op->name);
    if (mapping == nullptr)
      unsupported("[onnx] the op {} has no form in ONNX{}", node->op->name,
                  node->name.empty() ? "" : fmt::format(" (in layer '{}')", node->name));
    mapping->convert(*this);
  }
  node_ = nullptr;
  for (size_t k = 0; k < graph_.outputs().size(); ++k) {
    const Value& v = graph_.outputs()[k];
    const std::string wanted =
        k < options_.output_names.size() ? options_.output_names[k] : "output_" + std::to_string(k);
    NodeProto n;
    n.op_type = "Identity";
    n.inputs = {names_.at(v)};
    n.outputs = {fresh(wanted)};
    n.name = n.outputs[0];
    model_.graph.outputs.push_back(info_of(n.outputs[0], v.type()));
    model_.graph.nodes.push_back(std::move(n));
  }
}

ModelProto export_graph(const Graph& graph, const ExportOptions& options) {
  if (options.opset < kOldestExport || options.opset > kNewestExport)
    fail("[onnx] models are written for opsets {} to {}; got {}", kOldestExport, kNewestExport,
         options.opset);
  ModelProto model;
  // The IR version that came with the opset (ONNX's Versioning.md).
  model.ir_version = options.opset >= 21   ? 10
                     : options.opset >= 19 ? 9
                     : options.opset >= 15 ? 8
                                           : 7;
  model.producer_name = "andiron";
  model.opsets[""] = options.opset;
  model.graph.name = options.graph_name;
  ExportCall call(model, graph, options);
  call.run();
  // Constants that are no node's memory (shapes) must live on.
  size_t n_bytes = 0;
  for (const TensorProto& t : model.graph.initializers) n_bytes += t.raw_data->size();
  model.bytes = Buffer::allocate(n_bytes);
  auto* at = reinterpret_cast<char*>(model.bytes->data());
  for (TensorProto& t : model.graph.initializers) {
    const size_t n = t.raw_data->size();
    if (n > 0) std::copy_n(t.raw_data->data(), n, at);
    t.raw_data = std::string_view(at, n);
    at += n;
  }
  return model;
}

}  // namespace andiron::io::onnx
