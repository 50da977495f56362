#include "andiron/nn/models/models.hpp"

#include <nanobind/stl/map.h>

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/io/safetensors.hpp"
#include "andiron/io/torch/archive.hpp"
#include "andiron/nn/between.hpp"
#include "andiron/nn/class_name.hpp"
#include "andiron/nn/model.hpp"
#include "andiron/nn/model_file.hpp"
#include "andiron/nn/models/state_dict.hpp"
#include "andiron/nn/predictor.hpp"
#include "andiron/nn/texts.hpp"
#include "bindings/json.hpp"
#include "bindings/python_layer.hpp"
#include "bindings/signals.hpp"

namespace andiron::bindings {

namespace {

nn::ModelExtras extras_from(nb::handle compile, nb::handle tensors) {
  nn::ModelExtras extras;
  extras.compile = json_from(compile);
  if (!tensors.is_none())
    for (auto [name, tensor] : nb::borrow<nb::dict>(tensors))
      extras.tensors[nb::cast<std::string>(name)] = tensor_from(tensor);
  return extras;
}

nb::tuple to_python(nn::LoadedModel loaded) {
  nb::dict tensors;
  for (const auto& [name, tensor] : loaded.extras.tensors) tensors[nb::cast(name)] = tensor;
  return nb::make_tuple(std::shared_ptr<nn::Layer>(loaded.model),
                        bindings::to_python(loaded.extras.compile), tensors);
}

void bind_predictor(nb::module_& m) {
  nb::class_<nn::Predictor>(m, "Predictor")
      .def(
          "__init__",
          [](nn::Predictor* self, const nn::ModelPtr& model, int64_t chunk_rows, int threads,
             bool frozen) {
            new (self) nn::Predictor(model, chunk_rows, {.threads = threads}, frozen);
          },
          nb::arg("model"), nb::arg("chunk_rows") = 0, nb::arg("threads") = 0,
          nb::arg("frozen") = false)
      .def("predict",
           [](const nn::Predictor& p, nb::handle inputs) {
             std::vector<Tensor> x = tensors_from(inputs);
             const Working working;
             return p.predict(x);
           })
      .def(
          "predict_numpy",
          [](const nn::Predictor& p, nb::handle inputs, int64_t max_rows) {
            std::vector<Tensor> x = tensors_from(inputs);
            std::vector<Tensor> y;
            {
              const Working working;
              y = p.predict(x, max_rows);
            }
            nb::list out;
            for (const Tensor& t : y) out.append(to_numpy(t));
            return out;
          },
          nb::arg("inputs"), nb::arg("max_rows") = 0)
      .def_prop_ro("chunk_rows", &nn::Predictor::chunk_rows)
      .def_prop_ro("graph", [](const nn::Predictor& p) { return *p.graph(); });
}

}  // namespace

void bind_models(nb::module_& m) {
  using nn::FunctionalModel;
  nb::class_<FunctionalModel, nn::Layer>(m, "ModelCore")
      .def_prop_ro("layers", &FunctionalModel::layers)
      .def_prop_ro("inputs", &FunctionalModel::inputs)
      .def_prop_ro("outputs", &FunctionalModel::outputs)
      .def_prop_ro("input_names", &FunctionalModel::input_names)
      .def_prop_ro("output_names", &FunctionalModel::output_names)
      .def_prop_ro("text_inputs",
                   [](const FunctionalModel& model) {
                     nb::list out;
                     for (bool text : nn::text_inputs(model)) out.append(text);
                     return out;
                   })
      .def(
          "outputs_of",
          [](const FunctionalModel& model, const nn::LayerPtr& layer) {
            std::vector<nn::SymbolicTensor> out;
            for (const auto& call : nn::calls_of(model.outputs()))
              if (call->layer == layer)
                for (size_t i = 0; i < call->outputs.size(); ++i)
                  out.emplace_back(call, static_cast<int>(i));
            return out;
          },
          nb::arg("layer"), "What the layer makes in this model, in the order of its uses.")
      .def("summary", &FunctionalModel::summary)
      .def("trace", &FunctionalModel::trace, nb::arg("training") = false)
      .def("weights", &FunctionalModel::weights)
      .def("set_weights", [](FunctionalModel& model, nb::handle weights) {
        model.set_weights(tensors_from(weights));
      });
  nb::class_<nn::SequentialModel, FunctionalModel>(m, "SequentialCore")
      .def("add", &nn::SequentialModel::add)
      .def("pop", &nn::SequentialModel::pop)
      .def_prop_ro("stack", [](const nn::SequentialModel& s) { return s.sublayers(); });
  m.def("snake_case", &nn::snake_case);
  m.def("functional_model", [](std::vector<nn::SymbolicTensor> inputs,
                               std::vector<nn::SymbolicTensor> outputs, const std::string& name) {
    return nn::Model(std::move(inputs), std::move(outputs), {.name = name});
  });
  m.def("sequential_model", [](const std::vector<nn::LayerPtr>& layers, const std::string& name) {
    std::vector<nn::LayerRef> refs(layers.begin(), layers.end());
    return nn::Sequential(std::move(refs), {.name = name});
  });
  m.def(
      "save_model",
      [](const nn::ModelPtr& model, const std::string& path, nb::handle compile,
         nb::handle tensors) {
        const nn::ModelExtras extras = extras_from(compile, tensors);
        nb::gil_scoped_release unlocked;
        nn::save_model(*model, path, extras).value_or_throw();
      },
      nb::arg("model"), nb::arg("path"), nb::arg("compile").none(), nb::arg("tensors").none());
  m.def(
      "model_bytes",
      [](const nn::ModelPtr& model, nb::handle compile, nb::handle tensors) {
        const std::string bytes = nn::model_bytes(*model, extras_from(compile, tensors));
        return nb::bytes(bytes.data(), bytes.size());
      },
      nb::arg("model"), nb::arg("compile").none(), nb::arg("tensors").none());
  m.def("load_model",
        [](const std::string& path) { return to_python(nn::load_model(path).value_or_throw()); });
  m.def("model_from_bytes", [](nb::bytes bytes) {
    return to_python(
        nn::model_from_bytes(std::string(bytes.c_str(), bytes.size())).value_or_throw());
  });
  m.def("make_network", [](const std::string& network, nb::handle options) {
    return std::shared_ptr<nn::Layer>(nn::models::make(network, json_from(options)));
  });
  m.def(
      "load_weights",
      [](const nn::ModelPtr& model, const std::string& path, bool skip_mismatch) {
        nb::gil_scoped_release unlocked;
        nn::models::load_weights(*model, path, {.skip_mismatch = skip_mismatch});
      },
      nb::arg("model"), nb::arg("path"), nb::arg("skip_mismatch") = false);
  m.def("read_weights", [](const std::string& path) {
    nb::dict tensors;
    for (const auto& [name, tensor] : nn::models::read_weights(path).value_or_throw())
      tensors[nb::cast(name)] = tensor;
    return tensors;
  });
  m.def(
      "write_tensors",
      [](const std::string& path, const nb::dict& tensors, const nb::dict& metadata) {
        io::NamedTensors named;
        io::Metadata text;
        for (auto [name, tensor] : tensors)
          named[nb::cast<std::string>(name)] = tensor_from(tensor);
        for (auto [name, value] : metadata)
          text[nb::cast<std::string>(name)] = nb::cast<std::string>(value);
        nb::gil_scoped_release unlocked;
        io::write_safetensors(path, named, text).value_or_throw();
      },
      nb::arg("path"), nb::arg("tensors"), nb::arg("metadata"),
      "A safetensors file with a checksum, which appears complete or not at all.");
  m.def(
      "read_tensors",
      [](const std::string& path) {
        const io::TensorFile file =
            io::read_safetensors(path, {.checksum = io::ReadOptions::Checksum::required})
                .value_or_throw();
        nb::dict tensors, metadata;
        for (const auto& [name, tensor] : file.tensors) tensors[nb::cast(name)] = tensor;
        for (const auto& [name, value] : file.metadata) metadata[nb::cast(name)] = value;
        return nb::make_tuple(tensors, metadata);
      },
      nb::arg("path"));
  m.def(
      "values_between",
      [](const std::vector<std::pair<nn::SymbolicTensor, Value>>& given,
         const std::vector<nn::SymbolicTensor>& outputs) {
        nn::CallContext context;
        return nn::values_between(given, outputs, context);
      },
      nb::arg("given"), nb::arg("outputs"),
      "Graph values of a network's tensors, in inference mode, where others are given.");
  bind_predictor(m);
}

}  // namespace andiron::bindings
