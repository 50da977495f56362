#include "andiron/nn/model_file.hpp"

#include "andiron/base/error.hpp"
#include "andiron/io/json_text.hpp"
#include "andiron/io/safetensors.hpp"
#include "andiron/nn/checked_file.hpp"
#include "andiron/nn/initial_values.hpp"
#include "andiron/nn/model_config.hpp"

namespace andiron::nn {

namespace {

using Json = nlohmann::json;

constexpr int kVersion = 1;
constexpr const char* kModelKey = "andiron.model";
constexpr const char* kCompileKey = "andiron.compile";
const std::string kExtraPrefix = "extra/";

struct Contents {
  io::NamedTensors tensors;
  io::Metadata metadata;
};

Contents contents_of(const FunctionalModel& model, const ModelExtras& extras) {
  if (!model.built()) fail("[save] the model '{}' is not built yet", model.name());
  Contents out;
  Json names = Json::array();
  for (const VariablePtr& v : model.variables()) {
    if (!out.tensors.emplace(v->name(), v->value()).second)
      fail("[save] two variables are named '{}'", v->name());
    names.push_back(v->name());
  }
  for (const auto& [name, tensor] : extras.tensors) out.tensors[kExtraPrefix + name] = tensor;
  const Json document = {{"version", kVersion},
                         {"class_name", model.class_name()},
                         {"config", model.config()},
                         {"variables", names}};
  out.metadata["format"] = "andiron";
  out.metadata[kModelKey] = document.dump();
  if (!extras.compile.is_null()) out.metadata[kCompileKey] = extras.compile.dump();
  return out;
}

LoadedModel model_of(const io::TensorFile& file) {
  const auto found = file.metadata.find(kModelKey);
  if (found == file.metadata.end())
    fail("it holds tensors but no model: '{}' is not among its metadata", kModelKey);
  const Json document = io::parse_json(found->second);
  const int version = document.at("version").get<int>();
  if (version < 1 || version > kVersion)
    fail("its version is {}; this Andiron reads up to {}", version, kVersion);
  LoadedModel out;
  {
    NoInitialValues values_come_from_the_file;
    const std::string class_name = document.at("class_name");
    if (class_name != "Functional" && class_name != "Sequential")
      fail("a '{}' is not a model", class_name);
    out.model = std::dynamic_pointer_cast<FunctionalModel>(
        layer_from_config({{"class_name", class_name}, {"config", document.at("config")}}));
  }
  const std::vector<VariablePtr> variables = out.model->variables();
  const Json& names = document.at("variables");
  if (names.size() != variables.size())
    fail("it has {} variables but its layers have {}", names.size(), variables.size());
  for (size_t i = 0; i < variables.size(); ++i) {
    const std::string name = names[i];
    const auto tensor = file.tensors.find(name);
    if (tensor == file.tensors.end()) fail("the variable '{}' is missing", name);
    if (tensor->second.sizes() != variables[i]->value().sizes() ||
        tensor->second.dtype() != variables[i]->value().dtype())
      fail("the variable '{}' is {}{}, which its layer does not have", name,
           name_of(tensor->second.dtype()), str(tensor->second.sizes()));
    variables[i]->assign(tensor->second);
  }
  for (const auto& [name, tensor] : file.tensors)
    if (name.starts_with(kExtraPrefix))
      out.extras.tensors[name.substr(kExtraPrefix.size())] = tensor.clone();
  const auto compile = file.metadata.find(kCompileKey);
  if (compile != file.metadata.end()) out.extras.compile = io::parse_json(compile->second);
  return out;
}

}  // namespace

Result<> save_model(const FunctionalModel& model, const std::string& path,
                    const ModelExtras& extras) {
  const Contents contents = contents_of(model, extras);
  return io::write_safetensors(path, contents.tensors, contents.metadata);
}

std::string model_bytes(const FunctionalModel& model, const ModelExtras& extras) {
  const Contents contents = contents_of(model, extras);
  return io::safetensors_bytes(contents.tensors, contents.metadata);
}

Result<LoadedModel> load_model(const std::string& path) {
  return checked_model(
      io::read_safetensors(path, {.checksum = io::ReadOptions::Checksum::required}), path,
      model_of);
}

Result<LoadedModel> model_from_bytes(std::string bytes, const std::string& name) {
  // The text lives as long as the tensors that point into it.
  auto held = std::make_shared<std::string>(std::move(bytes));
  auto buffer = Buffer::wrap(held->data(), held->size(), [held] {});
  return checked_model(io::parse_safetensors(buffer, name,
                                             {.memory = io::ReadOptions::Memory::copied,
                                              .checksum = io::ReadOptions::Checksum::required}),
                       name, model_of);
}

}  // namespace andiron::nn
