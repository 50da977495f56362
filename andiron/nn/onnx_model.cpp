#include "andiron/nn/onnx_model.hpp"

#include <algorithm>
#include <set>

#include "andiron/base/error.hpp"
#include "andiron/io/onnx/errors.hpp"
#include "andiron/io/onnx/exporter.hpp"
#include "andiron/io/onnx/importer.hpp"
#include "andiron/nn/class_name.hpp"
#include "andiron/nn/layers/traced.hpp"

namespace andiron::nn {

namespace {

using io::onnx::Imported;
using io::onnx::ImportedNode;
using io::onnx::ImportOptions;

// Layers' names are parts of paths.
class LayerNames {
 public:
  std::string operator()(const std::string& given, const std::string& op_type) {
    std::string stem = given;
    while (!stem.empty() && stem[0] == '/') stem.erase(0, 1);
    std::replace(stem.begin(), stem.end(), '/', '.');
    if (stem.empty()) stem = snake_case(op_type);
    std::string name = stem;
    for (int n = 1; !taken_.insert(name).second; ++n) name = stem + "_" + std::to_string(n);
    return name;
  }

 private:
  std::set<std::string> taken_;
};

// Placeholders by the names of the values that they stand for.
std::map<std::string, Value> stand_ins(const Imported& imported) {
  std::map<std::string, Value> out;
  for (const Value& v : imported.inputs) out[v.node().attr<std::string>("name")] = v;
  for (const ImportedNode& node : imported.nodes)
    for (size_t i = 0; i < node.stand_ins.size(); ++i)
      if (node.stand_ins[i].defined()) out[node.output_names[i]] = node.stand_ins[i];
  return out;
}

// Names of the placeholders that `outputs` depend on, but for "step".
std::vector<std::string> read_by(const std::vector<Value>& outputs) {
  std::vector<std::string> names;
  for (const Node* node : topological_order(outputs))
    if (node->is("input") && node->attr<std::string>("name") != "step")
      names.push_back(node->attr<std::string>("name"));
  return names;
}

std::vector<Value> defined(const std::vector<Value>& values) {
  std::vector<Value> out;
  std::copy_if(values.begin(), values.end(), std::back_inserter(out),
               [](const Value& v) { return v.defined(); });
  return out;
}

}  // namespace

ModelPtr model_from_onnx(const io::onnx::ModelProto& proto, const OnnxModelOptions& options) {
  std::map<std::string, VariablePtr> variables;
  ImportOptions import;
  import.folder = options.folder;
  import.sizes = options.sizes;
  import.outputs = options.outputs;
  import.variables = &variables;
  import.cut = true;
  std::set<std::string> initializers;
  for (const auto& t : proto.graph.initializers) initializers.insert(t.name);
  for (const auto& info : proto.graph.inputs) {
    if (initializers.count(info.name) > 0 || !info.has_shape) continue;
    if (info.shape.empty())
      io::onnx::unsupported("[onnx] input '{}' is a scalar: a model's inputs have a batch axis",
                            info.name);
    Shape shape{batch_dim()};
    for (size_t axis = 1; axis < info.shape.size(); ++axis) {
      const auto& d = info.shape[axis];
      const auto given = options.sizes.find(d.symbol);
      if (d.value < 0 && given == options.sizes.end())
        io::onnx::unsupported(
            "[onnx] axis {} of input '{}' has no size{}: give it one (sizes={{...}})", axis,
            info.name, d.symbol.empty() ? "" : " but the symbol '" + d.symbol + "'");
      shape.push_back(d.value >= 0 ? d.value : given->second);
    }
    import.shapes[info.name] = shape;
  }
  const Imported inference = io::onnx::import_graph(proto, import);
  import.training = true;
  import.step = input("step", DType::i64, {});
  const Imported training = io::onnx::import_graph(proto, import);
  if (inference.nodes.size() != training.nodes.size())
    fail("[onnx] the model cannot be trained: its nodes differ between training and inference");
  const auto inference_by_name = stand_ins(inference), training_by_name = stand_ins(training);

  std::map<std::string, SymbolicTensor> made;
  std::vector<SymbolicTensor> inputs, outputs;
  LayerNames names;
  for (const Value& v : inference.inputs) {
    Shape sample(v.shape().begin() + 1, v.shape().end());
    const auto& name = v.node().attr<std::string>("name");
    inputs.push_back(Input(sample, {.name = names(name, "input"), .dtype = v.dtype()}));
    made[name] = inputs.back();
  }
  for (size_t k = 0; k < inference.nodes.size(); ++k) {
    const ImportedNode &now = inference.nodes[k], &then = training.nodes[k];
    const std::vector<Value> values = defined(now.outputs), trained = defined(then.outputs);
    std::vector<std::string> reads = read_by(values);
    for (std::string& name : read_by(trained))
      if (std::find(reads.begin(), reads.end(), name) == reads.end()) reads.push_back(name);
    if (reads.empty()) continue;
    std::vector<Value> now_in, then_in;
    std::vector<SymbolicTensor> x;
    for (const std::string& name : reads) {
      now_in.push_back(inference_by_name.at(name));
      then_in.push_back(training_by_name.at(name));
      x.push_back(made.at(name));
    }
    then_in.push_back(import.step);
    LayerTraces traces;
    traces.inference = Graph(now_in, values);
    traces.training = Graph(then_in, trained);
    traces.n_outputs = values.size();
    std::vector<VariablePtr> own = traces.inference.variables();
    for (const VariablePtr& v : traces.training.variables())
      if (std::find(own.begin(), own.end(), v) == own.end()) own.push_back(v);
    std::vector<std::string> weight_names;
    for (const VariablePtr& v : own) weight_names.push_back(v->name());
    auto layer = std::make_shared<TracedLayer>(std::move(traces), own, weight_names,
                                               LayerOptions{.name = names(now.name, now.op_type)});
    const std::vector<SymbolicTensor> y = layer->call_symbolic(x);
    size_t next = 0;
    for (size_t i = 0; i < now.outputs.size(); ++i) {
      if (!now.outputs[i].defined()) continue;
      if (!now.output_names[i].empty()) made[now.output_names[i]] = y[next];
      ++next;
    }
  }
  for (const std::string& name : inference.output_names) {
    const auto at = made.find(name);
    if (at == made.end()) fail("[onnx] the output '{}' depends on no input", name);
    outputs.push_back(at->second);
  }
  return Model(inputs, outputs, {.name = options.name});
}

std::string onnx_bytes(FunctionalModel& model, int64_t opset) {
  const Graph graph = model.trace(false);
  io::onnx::ExportOptions options;
  options.opset = opset;
  if (!model.name().empty()) options.graph_name = model.name();
  std::set<std::string> taken;
  for (const std::string& name : model.output_names())
    if (taken.insert(name).second && taken.size() <= graph.outputs().size())
      options.output_names.push_back(name);
  if (options.output_names.size() != graph.outputs().size()) options.output_names.clear();
  return io::onnx::serialize(io::onnx::export_graph(graph, options));
}

}  // namespace andiron::nn
