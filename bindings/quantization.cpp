#include "bindings/quantization.hpp"

#include "andiron/nn/predictor.hpp"
#include "andiron/nn/quantized_model.hpp"
#include "bindings/convert.hpp"
#include "bindings/json.hpp"

namespace andiron::bindings {

void bind_quantization(nb::module_& m) {
  using nn::QuantizedModel;
  nb::class_<QuantizedModel>(m, "QuantizedModel")
      .def_prop_ro("graph", [](const QuantizedModel& q) { return *q.graph; })
      .def_prop_ro("input_names", [](const QuantizedModel& q) { return q.input_names; })
      .def_prop_ro("output_names", [](const QuantizedModel& q) { return q.output_names; })
      .def_prop_rw(
          "about", [](const QuantizedModel& q) { return to_python(q.about); },
          [](QuantizedModel& q, nb::handle about) { q.about = json_from(about); })
      .def("summary", [](const QuantizedModel& q) { return nn::summary(q); })
      .def(
          "predictor",
          [](const QuantizedModel& q, int threads) {
            exec::PlanOptions options;
            options.threads = threads;
            return std::make_unique<nn::Predictor>(q.graph, q.input_names, 0, options);
          },
          nb::arg("threads") = 0)
      .def("save",
           [](const QuantizedModel& q, const std::string& path) {
             nb::gil_scoped_release unlocked;
             nn::save_quantized(q, path).value_or_throw();
           })
      .def("bytes", [](const QuantizedModel& q) {
        const std::string bytes = nn::quantized_bytes(q);
        return nb::bytes(bytes.data(), bytes.size());
      });
  nb::class_<nn::Calibration>(m, "Calibration")
      .def(
          "__init__",
          [](nn::Calibration* self, const nn::ModelPtr& model, const std::string& method,
             double percentile, std::vector<std::string> float_layers, int threads) {
            new (self)
                nn::Calibration(model, {{method, percentile}, std::move(float_layers), threads});
          },
          nb::arg("model"), nb::arg("method"), nb::arg("percentile"), nb::arg("float_layers"),
          nb::arg("threads"))
      .def("observe",
           [](nn::Calibration& c, nb::handle inputs) {
             const std::vector<Tensor> x = tensors_from(inputs);
             nb::gil_scoped_release unlocked;
             c.observe(x);
           })
      .def_prop_ro("rows", &nn::Calibration::rows)
      .def("quantized", [](const nn::Calibration& c) {
        nb::gil_scoped_release unlocked;
        return std::make_shared<QuantizedModel>(c.quantized());
      });
  m.def("is_quantized_file", &nn::is_quantized_file);
  m.def("load_quantized", [](const std::string& path) {
    nb::gil_scoped_release unlocked;
    return std::make_shared<QuantizedModel>(nn::load_quantized(path).value_or_throw());
  });
  m.def("quantized_from_bytes", [](nb::bytes bytes) {
    return std::make_shared<QuantizedModel>(
        nn::quantized_from_bytes(std::string(bytes.c_str(), bytes.size())).value_or_throw());
  });
}

}  // namespace andiron::bindings
