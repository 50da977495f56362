#include <cstring>
#include <map>

#include "andiron/base/error.hpp"
#include "andiron/io/onnx/importer.hpp"
#include "tests/fuzz/small_graph.hpp"

// Any bytes: reading, importing and, where it is small, computing must end with a result or an
// Error.
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
    compute_if_small(imported.graph);
  } catch (const Error&) {
  }
  return 0;
}
