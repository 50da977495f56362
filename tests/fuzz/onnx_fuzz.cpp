#include <cstring>
#include <map>

#include "andiron/base/error.hpp"
#include "andiron/io/onnx/importer.hpp"
#include "andiron/ops/reference.hpp"

// Any bytes: reading, importing and, where it is small, computing must end with a result or an Error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace andiron;
  try {
    auto bytes = Buffer::allocate(size);
    if (size > 0) std::memcpy(bytes->data(), data, size);
    const io::onnx::ModelProto model = io::onnx::parse_model(bytes);
    std::map<std::string, VariablePtr> variables;
    io::onnx::ImportOptions options;
    options.folder = "/nowhere";  // no file of this machine is external data
    options.variables = &variables;
    const io::onnx::Imported imported = io::onnx::import_graph(model, options);
    const std::map<std::string, int64_t> sizes = {{"batch", 2}};
    const Graph graph = bind_sizes(imported.graph, sizes);
    for (const Node* node : graph.nodes())
      for (const TensorType& t : node->outputs)
        if (!t.shape.known() || t.shape.count().size() > 4096) return 0;
    std::vector<Tensor> inputs;
    for (const Value& v : graph.inputs()) {
      if (!v.shape().known() || v.shape().count().size() > 4096) return 0;
      inputs.push_back(Tensor::zeros(v.dtype(), v.shape().sizes()));
    }
    ops::evaluate_reference(graph, inputs);
  } catch (const Error&) {
  }
  return 0;
}
