#include "bindings/onnx.hpp"

#include <nanobind/stl/map.h>

#include <cstring>

#include "andiron/base/error.hpp"
#include "andiron/io/file.hpp"
#include "andiron/io/onnx/errors.hpp"
#include "andiron/io/onnx/exporter.hpp"
#include "andiron/io/onnx/importer.hpp"
#include "andiron/io/onnx/tables.hpp"
#include "andiron/nn/onnx_model.hpp"
#include "bindings/convert.hpp"

namespace andiron::bindings {

namespace {

using io::onnx::ModelProto;

// A model and the folder beside which its external data lie.
struct OnnxFile {
  ModelProto proto;
  std::string folder;
};

std::shared_ptr<OnnxFile> open_file(const std::string& path) {
  nb::gil_scoped_release unlocked;
  auto bytes = io::read_file(path).value_or_throw();
  return std::make_shared<OnnxFile>(
      OnnxFile{io::onnx::parse_model(std::move(bytes)), io::folder_of(path)});
}

std::shared_ptr<OnnxFile> from_bytes(nb::bytes bytes, const std::string& folder) {
  auto buffer = Buffer::allocate(bytes.size());
  std::memcpy(buffer->data(), bytes.c_str(), bytes.size());
  return std::make_shared<OnnxFile>(OnnxFile{io::onnx::parse_model(std::move(buffer)), folder});
}

nb::list infos(const std::vector<io::onnx::ValueInfo>& all) {
  nb::list out;
  for (const io::onnx::ValueInfo& info : all) {
    nb::object shape = nb::none();
    if (info.has_shape) {
      nb::list dims;
      for (const auto& d : info.shape) {
        if (!d.symbol.empty())
          dims.append(d.symbol);
        else if (d.value >= 0)
          dims.append(d.value);
        else
          dims.append(nb::none());
      }
      shape = nb::tuple(dims);
    }
    const std::string type =
        info.kind == "tensor" ? io::onnx::data_type_name(info.elem_type) : info.kind;
    out.append(nb::make_tuple(info.name, type, shape));
  }
  return out;
}

nb::dict describe(const OnnxFile& file) {
  const ModelProto& m = file.proto;
  std::map<std::string, int64_t> ops;
  for (const auto& node : m.graph.nodes)
    ++ops[node.domain.empty() ? node.op_type : node.domain + "." + node.op_type];
  int64_t parameters = 0;
  nb::list initializers;
  for (const auto& t : m.graph.initializers) {
    int64_t n = 1;
    for (int64_t d : t.dims)
      if (d < 0 || __builtin_mul_overflow(n, d, &n)) n = 0;
    if (__builtin_add_overflow(parameters, n, &parameters)) parameters = INT64_MAX;
    initializers.append(t.name);
  }
  nb::dict out;
  out["ir_version"] = m.ir_version;
  out["producer"] =
      m.producer_version.empty() ? m.producer_name : m.producer_name + " " + m.producer_version;
  out["opsets"] = m.opsets;
  out["inputs"] = infos(m.graph.inputs);
  out["outputs"] = infos(m.graph.outputs);
  out["initializers"] = initializers;
  out["parameters"] = parameters;
  out["operators"] = ops;
  out["functions"] = m.functions.size();
  return out;
}

std::map<std::string, Tensor> tensors_by_name(nb::dict values) {
  std::map<std::string, Tensor> out;
  for (auto [name, value] : values) out[nb::cast<std::string>(name)] = tensor_from(value);
  return out;
}

// (graph, input names, output names); or (None, names, message) when inputs must be known.
nb::tuple import_graph(const OnnxFile& file, nb::dict values,
                       const std::map<std::string, Sizes>& shapes,
                       const std::map<std::string, int64_t>& sizes,
                       const std::vector<std::string>& outputs) {
  io::onnx::ImportOptions options;
  options.folder = file.folder;
  options.values = tensors_by_name(values);
  for (const auto& [name, shape] : shapes) options.shapes[name] = Shape(shape);
  options.sizes = sizes;
  options.outputs = outputs;
  try {
    io::onnx::Imported imported;
    {
      nb::gil_scoped_release unlocked;
      imported = io::onnx::import_graph(file.proto, options);
    }
    return nb::make_tuple(imported.graph, imported.input_names, imported.output_names);
  } catch (const io::onnx::NeedsValue& e) {
    return nb::make_tuple(nb::none(), e.names(), std::string(e.what()));
  }
}

}  // namespace

void bind_onnx(nb::module_& m) {
  nb::exception<io::onnx::Unsupported> error(m, "OnnxUnsupported", m.attr("Error").ptr());
  error.attr("__doc__") =
      "A model is right by the standard, but uses what Andiron does not have: an operator, an "
      "attribute, a dtype, a shape that only run time knows. The message names it.";
  nb::class_<OnnxFile>(m, "OnnxFile")
      .def_static("open", &open_file)
      .def_static("from_bytes", &from_bytes, nb::arg("bytes"), nb::arg("folder") = "")
      .def("describe", &describe)
      .def("import_graph", &import_graph, nb::arg("values"), nb::arg("shapes"), nb::arg("sizes"),
           nb::arg("outputs"))
      .def(
          "model",
          [](const OnnxFile& file, const std::map<std::string, int64_t>& sizes,
             const std::vector<std::string>& outputs, const std::string& name) {
            nb::gil_scoped_release unlocked;
            return std::shared_ptr<nn::Layer>(nn::model_from_onnx(
                file.proto,
                {.folder = file.folder, .sizes = sizes, .outputs = outputs, .name = name}));
          },
          nb::arg("sizes"), nb::arg("outputs"), nb::arg("name"));
  m.def(
      "onnx_bytes",
      [](const nn::ModelPtr& model, int64_t opset) {
        const std::string bytes = nn::onnx_bytes(*model, opset);
        return nb::bytes(bytes.data(), bytes.size());
      },
      nb::arg("model"), nb::arg("opset"));
  m.def(
      "onnx_bytes_of_graph",
      [](const Graph& graph, const std::vector<std::string>& outputs, int64_t opset) {
        const std::string bytes = io::onnx::serialize(
            io::onnx::export_graph(graph, {.opset = opset, .output_names = outputs}));
        return nb::bytes(bytes.data(), bytes.size());
      },
      nb::arg("graph"), nb::arg("outputs"), nb::arg("opset"));
  m.def("onnx_operators", [] {
    std::map<std::string, std::vector<int64_t>> out;
    for (const auto& [name, since] : io::onnx::supported_operators()) out[name].push_back(since);
    return out;
  });
}

}  // namespace andiron::bindings
