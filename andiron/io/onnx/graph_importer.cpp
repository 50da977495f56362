#include "andiron/io/onnx/graph_importer.hpp"

#include <algorithm>
#include <cctype>

#include "andiron/ops/reference.hpp"

namespace andiron::io::onnx {

namespace {

constexpr int kMaxDepth = 32;
constexpr int64_t kMaxNodes = 300'000;            // converted, functions' bodies included
constexpr int64_t kMaxFolded = int64_t{1} << 20;  // elements of a constant computed at import
constexpr int64_t kMaxKnown = int64_t{1} << 24;   // of one that must be known

int64_t elements(const Node& node) {
  int64_t n = 0;
  for (const TensorType& t : node.outputs) {
    if (!t.shape.known()) return INT64_MAX;
    const int64_t count = t.shape.count().size();
    n = std::max(n, count);
  }
  return n;
}

// Symbols as Dim knows them: letters, digits and underscores.
std::string symbol_name(const std::string& text) {
  std::string out;
  for (char c : text) out += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  if (out.empty() || std::isdigit(static_cast<unsigned char>(out[0])) != 0) out = "n" + out;
  return out;
}

std::string title(const NodeProto& node) {
  const std::string domain = node.domain.empty() ? "" : node.domain + ".";
  if (!node.name.empty()) return fmt::format("{}{} '{}'", domain, node.op_type, node.name);
  if (!node.outputs.empty())
    return fmt::format("{}{} that makes '{}'", domain, node.op_type, node.outputs[0]);
  return domain + node.op_type;
}

}  // namespace

GraphImporter::GraphImporter(const ModelProto& model, const ImportOptions& options)
    : model_(model), options_(options) {}

void GraphImporter::take_inputs(const GraphProto& graph, Scope& scope) {
  if (graph.n_sparse_initializers > 0) unsupported("[onnx] sparse initializers are not supported");
  for (const TensorProto& t : graph.initializers) pending_[t.name] = &t;
  for (const ValueInfo& info : graph.inputs) {
    if (pending_.count(info.name) > 0) continue;  // an initializer is the default of an input
    if (const auto at = options_.values.find(info.name); at != options_.values.end()) {
      scope[info.name] = constant(at->second.contiguous());
      continue;
    }
    if (info.kind != "tensor")
      unsupported("[onnx] input '{}' is a {}; Andiron has tensors only", info.name, info.kind);
    const auto dtype = dtype_of_onnx(info.elem_type);
    if (!dtype)
      unsupported("[onnx] input '{}': Andiron has no dtype {}", info.name,
                  data_type_name(info.elem_type));
    Shape shape;
    if (const auto at = options_.shapes.find(info.name); at != options_.shapes.end()) {
      shape = at->second;
    } else {
      if (!info.has_shape)
        throw NeedsValue(
            fmt::format("[onnx] input '{}' has no shape in the file: give it", info.name),
            {info.name});
      if (info.shape.size() > 64) fail("[onnx] input '{}' has more than 64 axes", info.name);
      for (size_t axis = 0; axis < info.shape.size(); ++axis) {
        const ValueInfo::Dimension& d = info.shape[axis];
        if (d.value >= 0 && d.symbol.empty()) {
          shape.push_back(d.value);
          continue;
        }
        const std::string name =
            symbol_name(d.symbol.empty() ? info.name + "_" + std::to_string(axis) : d.symbol);
        auto size = options_.sizes.find(d.symbol.empty() ? name : d.symbol);
        if (size == options_.sizes.end()) size = options_.sizes.find(name);
        shape.push_back(size != options_.sizes.end() ? Dim(size->second) : Dim::symbol(name));
      }
    }
    Value placeholder = input(info.name, *dtype, shape);
    inputs_.push_back(placeholder);
    input_names_.push_back(info.name);
    scope[info.name] = placeholder;
  }
}

// Floating point numbers are what a network has learnt; integers are what it is built by.
Value GraphImporter::initializer(const TensorProto& t) {
  if (options_.variables != nullptr) {
    const auto at = options_.variables->find(t.name);
    if (at != options_.variables->end()) return read(at->second);
  }
  Tensor tensor = tensor_of(t, options_.folder);
  if (options_.variables == nullptr || !is_floating(tensor.dtype()))
    return constant(std::move(tensor));
  auto variable = std::make_shared<Variable>(t.name, std::move(tensor));
  options_.variables->emplace(t.name, variable);
  return read(variable);
}

Value GraphImporter::lookup(const std::string& name, const Frame& frame) {
  if (name.empty()) return {};
  for (size_t i = frame.scopes.size(); i-- > 0;) {
    const auto at = frame.scopes[i]->find(name);
    if (at != frame.scopes[i]->end()) return at->second;
    if (frame.scopes[i] == &globals_)
      if (const auto waiting = pending_.find(name); waiting != pending_.end())
        return globals_[name] = initializer(*waiting->second);
  }
  fail("[onnx] there is no value '{}' at this place", name);
}

GraphImporter::Origin GraphImporter::origin(const Value& v) const {
  std::vector<const Node*> stack = {&v.node()};
  while (!stack.empty()) {
    const Node* node = stack.back();
    if (origins_.count(node) > 0) {
      stack.pop_back();
      continue;
    }
    Origin found = node->is("input")                                   ? Origin::input
                   : node->is("variable") || node->op->traits.stateful ? Origin::variable
                                                                       : Origin::constant;
    bool complete = true;
    for (const Value& x : node->inputs) {
      if (!x.defined()) continue;
      const auto at = origins_.find(&x.node());
      if (at == origins_.end()) {
        stack.push_back(&x.node());
        complete = false;
      } else {
        found = std::max(found, at->second);
      }
    }
    if (!complete) continue;
    origins_.emplace(node, found);
    keep_.push_back(node->shared_from_this());
    stack.pop_back();
  }
  return origins_.at(&v.node());
}

std::set<std::string> GraphImporter::inputs_of(const Value& v) const {
  std::set<std::string> names;
  for (const Node* node : topological_order({v}))
    if (node->is("input")) names.insert(node->attr<std::string>("name"));
  return names;
}

bool GraphImporter::is_known(const Value& v) const { return origin(v) != Origin::input; }

Tensor GraphImporter::known(const Value& v, const std::string& what) const {
  if (v.node().is("constant")) return v.node().attr<Tensor>("tensor").contiguous();
  if (v.node().is("variable")) return v.node().attr<VariablePtr>("variable")->value().contiguous();
  if (const auto at = known_.find(v); at != known_.end()) return at->second;
  if (const auto dims = dims_.find(v); dims != dims_.end()) {
    std::vector<int64_t> numbers;
    for (const Dim& d : dims->second)
      if (d.known()) numbers.push_back(d.size());
    if (numbers.size() == dims->second.size())
      return Tensor::from(numbers,
                          v.rank() == 0 ? Sizes{} : Sizes{static_cast<int64_t>(numbers.size())})
          .cast(v.dtype());
  }
  if (origin(v) == Origin::input) {
    std::vector<std::string> names;
    for (const std::string& name : inputs_of(v)) names.push_back(name);
    throw NeedsValue(fmt::format("{} must be known when the model is imported; it depends on {}{}",
                                 what, names.size() == 1 ? "input " : "inputs ",
                                 fmt::format("'{}'", fmt::join(names, "', '"))),
                     names);
  }
  for (const Node* node : topological_order({v}))
    if (elements(*node) > kMaxKnown)
      fail("{} cannot be computed at import: it has too many elements", what);
  return known_[v] = ops::evaluate_reference(std::vector<Value>{v})[0];
}

// Constants stay constants, as long as that does not take much memory.
Value GraphImporter::folded(const Value& v) const {
  const Node& node = v.node();
  if (node.is("constant") || node.inputs.empty() || node.op->traits.stateful) return v;
  if (origin(v) != Origin::constant) return v;
  for (const Node* n : topological_order({v}))
    if (elements(*n) > kMaxFolded) return v;
  return constant(ops::evaluate_reference(std::vector<Value>{v})[0]);
}

std::optional<std::vector<Dim>> GraphImporter::dims_of(const Value& v) const {
  if (const auto at = dims_.find(v); at != dims_.end()) return at->second;
  if (!is_integer(v.dtype()) || v.rank() > 1 || !v.shape().known()) return std::nullopt;
  if (!v.node().is("constant") || v.shape().count().size() > 64) return std::nullopt;
  std::vector<Dim> dims;
  const Tensor numbers = v.node().attr<Tensor>("tensor").contiguous().cast(DType::i64);
  for (int64_t i = 0; i < numbers.count(); ++i) dims.emplace_back(numbers.data<int64_t>()[i]);
  return dims;
}

const FunctionProto* GraphImporter::find_function(const NodeProto& node) const {
  for (const FunctionProto& f : model_.functions) {
    const std::string domain = f.domain == "ai.onnx" ? "" : f.domain;
    if (f.name == node.op_type && domain == node.domain && f.overload == node.overload) return &f;
  }
  return nullptr;
}

std::vector<Value> GraphImporter::call_function(const FunctionProto& f, const NodeProto& node,
                                                const std::vector<Value>& inputs, int depth) {
  if (depth > kMaxDepth) fail("[onnx] functions call functions deeper than {}", kMaxDepth);
  if (inputs.size() > f.inputs.size())
    fail("[onnx] function {} takes {} inputs; got {}", f.name, f.inputs.size(), inputs.size());
  Scope scope;
  for (size_t i = 0; i < f.inputs.size(); ++i)
    scope[f.inputs[i]] = i < inputs.size() ? inputs[i] : Value();
  std::map<std::string, AttributeProto> attributes;
  for (const AttributeProto& a : f.attribute_defaults) attributes[a.name] = a;
  for (const AttributeProto& a : node.attributes) attributes[a.name] = a;
  Frame frame{{&scope}, f.opsets.empty() ? &model_.opsets : &f.opsets, &attributes, depth};
  run_nodes(f.nodes, frame);
  std::vector<Value> outputs;
  for (const std::string& name : f.outputs) {
    const auto at = scope.find(name);
    outputs.push_back(at == scope.end() ? Value() : at->second);
  }
  return outputs;
}

std::vector<Value> GraphImporter::run_branch(const GraphProto& graph) {
  Frame& outer = *frame_;
  if (outer.depth > kMaxDepth) fail("[onnx] graphs within graphs are deeper than {}", kMaxDepth);
  Scope scope;
  for (const TensorProto& t : graph.initializers)
    scope[t.name] = constant(tensor_of(t, options_.folder));
  Frame frame = outer;
  frame.scopes.push_back(&scope);
  ++frame.depth;
  run_nodes(graph.nodes, frame);
  std::vector<Value> outputs;
  for (const ValueInfo& info : graph.outputs) outputs.push_back(lookup(info.name, frame));
  frame_ = &outer;
  return outputs;
}

std::vector<Value> GraphImporter::convert(const NodeProto& node, Frame& frame,
                                          std::vector<Value> inputs) {
  if (const FunctionProto* f = find_function(node))
    return call_function(*f, node, inputs, frame.depth + 1);
  const auto opset = frame.opsets->find(node.domain);
  if (opset == frame.opsets->end())
    fail("[onnx] the model imports no operator set of domain '{}'", node.domain);
  const Mapping* mapping =
      node.domain.empty() ? find_mapping(node.op_type, opset->second) : nullptr;
  if (mapping == nullptr)
    unsupported("[onnx] operator {}{} (opset {}) is not supported",
                node.domain.empty() ? "" : node.domain + ".", node.op_type, opset->second);
  const Call call(*this, node, opset->second, std::move(inputs));
  frame_ = &frame;
  std::vector<Value> outputs = mapping->convert(call);
  for (Value& v : outputs)
    if (v.defined()) v = folded(v);
  if (!outputs.empty() && outputs[0].defined() && is_integer(outputs[0].dtype()) &&
      !outputs[0].node().is("constant"))
    if (auto dims = follow_dims(call)) dims_[outputs[0]] = std::move(*dims);
  return outputs;
}

void GraphImporter::run_nodes(const std::vector<NodeProto>& nodes, Frame& frame) {
  const bool outermost = frame.scopes.size() == 1 && frame.scopes[0] == &globals_;
  for (const NodeProto& original : nodes) {
    if (++n_nodes_ > kMaxNodes) fail("[onnx] the model has more than {} nodes", kMaxNodes);
    // In a function's body attributes may stand for the call's.
    NodeProto resolved;
    const NodeProto* node = &original;
    const auto stands_for = [](const AttributeProto& a) { return !a.ref_attr_name.empty(); };
    if (std::any_of(original.attributes.begin(), original.attributes.end(), stands_for)) {
      resolved = original;
      std::erase_if(resolved.attributes, [&](AttributeProto& a) {
        if (a.ref_attr_name.empty()) return false;
        if (frame.attributes == nullptr) return true;
        const auto given = frame.attributes->find(a.ref_attr_name);
        if (given == frame.attributes->end()) return true;
        const std::string name = a.name;
        a = given->second;
        a.name = name;
        return false;
      });
      node = &resolved;
    }
    std::vector<Value> outputs;
    try {
      std::vector<Value> inputs;
      for (const std::string& name : node->inputs) inputs.push_back(lookup(name, frame));
      const NameScope scope(node->name);
      outputs = convert(*node, frame, std::move(inputs));
      for (size_t i = 0; i < node->outputs.size(); ++i)
        if (!node->outputs[i].empty() && (i >= outputs.size() || !outputs[i].defined()))
          unsupported("[onnx] output {} of {} is not supported", i, node->op_type);
    } catch (const NeedsValue& e) {
      throw NeedsValue(frame.depth == 0 ? fmt::format("{} ({})", e.what(), title(*node)) : e.what(),
                       e.names());
    } catch (const Unsupported& e) {
      throw Unsupported(frame.depth == 0 ? fmt::format("{} ({})", e.what(), title(*node))
                                         : e.what());
    } catch (const IoError&) {
      throw;
    } catch (const Error& e) {
      if (frame.depth != 0) throw;
      fail("{} ({})", e.what(), title(*node));
    }
    outputs.resize(std::min(outputs.size(), node->outputs.size()));
    std::vector<Value> seen = outputs;
    if (outermost && options_.cut)
      for (size_t i = 0; i < seen.size(); ++i) {
        if (!seen[i].defined() || node->outputs[i].empty()) continue;
        if (origin(seen[i]) != Origin::input) continue;
        const Value stand_in = input(node->outputs[i], seen[i].dtype(), seen[i].shape());
        if (const auto dims = dims_.find(seen[i]); dims != dims_.end())
          dims_[stand_in] = std::vector<Dim>(dims->second);
        seen[i] = stand_in;
      }
    for (size_t i = 0; i < seen.size(); ++i)
      if (!node->outputs[i].empty()) (*frame.scopes.back())[node->outputs[i]] = seen[i];
    if (outermost && !outputs.empty())
      nodes_.push_back({node->name, node->op_type, node->outputs, std::move(outputs), seen});
  }
}

std::string GraphImporter::value_named(const std::string& name) const {
  if (globals_.count(name) > 0) return name;
  for (const ImportedNode& node : nodes_) {
    std::string layer = node.name;
    while (!layer.empty() && layer[0] == '/') layer.erase(0, 1);
    std::replace(layer.begin(), layer.end(), '/', '.');
    if (!name.empty() && (node.name == name || layer == name) && !node.output_names.empty())
      return node.output_names[0];
  }
  return name;
}

Imported GraphImporter::run() {
  take_inputs(model_.graph, globals_);
  Frame frame{{&globals_}, &model_.opsets};
  run_nodes(model_.graph.nodes, frame);
  Imported out;
  std::vector<Value> outputs;
  out.output_names = options_.outputs;
  if (out.output_names.empty())
    for (const ValueInfo& info : model_.graph.outputs) out.output_names.push_back(info.name);
  for (std::string& name : out.output_names) {
    name = value_named(name);
    outputs.push_back(lookup(name, frame));
  }
  out.input_names = input_names_;
  out.inputs = inputs_;
  out.outputs = outputs;
  if (!options_.cut) out.graph = Graph(inputs_, std::move(outputs));
  for (ImportedNode& node : nodes_) {
    const bool live = std::any_of(node.outputs.begin(), node.outputs.end(), [&](const Value& v) {
      return v.defined() && origin(v) == Origin::input;
    });
    if (live) out.nodes.push_back(std::move(node));
  }
  return out;
}

Imported import_graph(const ModelProto& model, const ImportOptions& options) {
  return GraphImporter(model, options).run();
}

}  // namespace andiron::io::onnx
