#include "andiron/nn/quantized_model.hpp"

#include <fmt/format.h>

#include <map>

#include "andiron/base/error.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/io/graph_json.hpp"
#include "andiron/io/json_text.hpp"
#include "andiron/io/safetensors.hpp"
#include "andiron/nn/checked_file.hpp"

namespace andiron::nn {

namespace {

using Json = nlohmann::json;

constexpr int kVersion = 1;
constexpr const char* kKey = "andiron.quantized";

struct Contents {
  io::NamedTensors tensors;
  io::Metadata metadata;
};

std::string name_of_constant(size_t i) { return fmt::format("constant/{:04}", i); }

Contents contents_of(const QuantizedModel& model) {
  Contents out;
  std::vector<Tensor> constants;
  const Json document = {{"version", kVersion},
                         {"graph", io::graph_to_json(*model.graph, constants)},
                         {"inputs", model.input_names},
                         {"outputs", model.output_names},
                         {"about", model.about}};
  for (size_t i = 0; i < constants.size(); ++i) out.tensors[name_of_constant(i)] = constants[i];
  out.metadata["format"] = "andiron";
  out.metadata[kKey] = document.dump();
  return out;
}

QuantizedModel model_of(const io::TensorFile& file) {
  const auto found = file.metadata.find(kKey);
  if (found == file.metadata.end())
    fail("it holds no quantized model: '{}' is not among its metadata", kKey);
  const Json document = io::parse_json(found->second);
  const int version = document.at("version").get<int>();
  if (version < 1 || version > kVersion)
    fail("its version is {}; this Andiron reads up to {}", version, kVersion);
  std::vector<Tensor> constants;
  for (size_t i = 0; i < file.tensors.size(); ++i) {
    const auto tensor = file.tensors.find(name_of_constant(i));
    if (tensor == file.tensors.end()) fail("the tensor '{}' is missing", name_of_constant(i));
    constants.push_back(tensor->second);
  }
  QuantizedModel out;
  out.graph = std::make_shared<const Graph>(io::graph_from_json(
      document.at("graph"), constants, [](const std::string&) { return VariablePtr(); }));
  out.input_names = document.at("inputs").get<std::vector<std::string>>();
  out.output_names = document.at("outputs").get<std::vector<std::string>>();
  out.about = document.at("about");
  if (out.input_names.size() != out.graph->inputs().size() || !out.about.is_object() ||
      !out.graph->updates().empty() || out.input_names.empty())
    fail("its inputs are not those of its graph");
  for (const std::vector<Value>& values : {out.graph->inputs(), out.graph->outputs()})
    for (const Value& v : values)
      if (v.rank() == 0 || v.shape()[0] != Dim::symbol("batch"))
        fail("{} has no batch", str(v.type()));
  return out;
}

}  // namespace

Result<> save_quantized(const QuantizedModel& model, const std::string& path) {
  const Contents contents = contents_of(model);
  return io::write_safetensors(path, contents.tensors, contents.metadata);
}

std::string quantized_bytes(const QuantizedModel& model) {
  const Contents contents = contents_of(model);
  return io::safetensors_bytes(contents.tensors, contents.metadata);
}

Result<QuantizedModel> load_quantized(const std::string& path) {
  return checked_model(
      io::read_safetensors(path, {.checksum = io::ReadOptions::Checksum::required}), path,
      model_of);
}

Result<QuantizedModel> quantized_from_bytes(std::string bytes, const std::string& name) {
  return checked_model(io::parse_safetensors(std::string_view(bytes), name,
                                             {.memory = io::ReadOptions::Memory::copied,
                                              .checksum = io::ReadOptions::Checksum::required}),
                       name, model_of);
}

bool is_quantized_file(const std::string& path) {
  const auto file = io::read_safetensors(path, {.checksum = io::ReadOptions::Checksum::ignored});
  return file.ok() && file.value().metadata.count(kKey) > 0;
}

std::string summary(const QuantizedModel& model) {
  std::map<std::string, int> in_bytes, in_float;
  int64_t weight_bytes = 0;
  for (const Node* node : model.graph->nodes()) {
    if (node->is("constant"))
      weight_bytes += static_cast<int64_t>(node->attr<Tensor>("tensor").n_bytes());
    if (node->inputs.empty()) continue;
    const bool reads_bytes = node->inputs[0].defined() && (node->inputs[0].dtype() == DType::u8 ||
                                                           node->outputs[0].dtype == DType::u8);
    ++(reads_bytes ? in_bytes : in_float)[node->op->name];
  }
  auto listed = [](const std::map<std::string, int>& ops) {
    std::string text;
    for (const auto& [name, n] : ops)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, n);
    return text.empty() ? std::string("none") : text;
  };
  std::string text;
  auto line = [&](const std::string& name, const std::string& value) {
    text += fmt::format("{:<12} {}\n", name, value);
  };
  line("quantized", fmt::format("int8 weights, uint8 activations: {}",
                                model.about.value("name", std::string())));
  const std::string method = model.about.value("method", std::string("unknown"));
  line("calibrated",
       fmt::format("{}{} on {} rows", method,
                   method == "percentile" ? fmt::format(" {}", model.about.value("percentile", 0.0))
                                          : std::string(),
                   model.about.value("calibration_rows", int64_t{0})));
  for (size_t i = 0; i < model.graph->inputs().size(); ++i)
    line("input", fmt::format("{} {}", model.input_names[i], str(model.graph->inputs()[i].type())));
  for (const Value& v : model.graph->outputs()) line("output", str(v.type()));
  line("weights", fmt::format("{:.2f} MB", static_cast<double>(weight_bytes) / 1e6));
  line("in bytes", listed(in_bytes));
  line("in float32", listed(in_float));
  const Json floats = model.about.value("float_layers", Json::array());
  if (!floats.empty()) line("kept float", floats.dump());
  for (const char* name : {"float32_accuracy", "accuracy", "agreement"})
    if (model.about.contains(name))
      line(name, fmt::format("{:.4f}", model.about.at(name).get<double>()));
  text.pop_back();
  return text;
}

}  // namespace andiron::nn
