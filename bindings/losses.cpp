#include "andiron/nn/losses/losses.hpp"

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/optimizers/optimizer.hpp"
#include "andiron/nn/optimizers/schedule.hpp"
#include "bindings/json.hpp"
#include "bindings/python_function.hpp"
#include "bindings/python_layer.hpp"
#include "bindings/tracing.hpp"

namespace andiron::bindings {

void bind_losses(nb::module_& m) {
  nb::class_<nn::Loss>(m, "LossCore")
      .def_prop_ro("name", &nn::Loss::name)
      .def_prop_ro("class_name", &nn::Loss::class_name)
      .def("config", [](const nn::Loss& l) { return to_python(l.config()); })
      .def("per_sample", &nn::Loss::per_sample)
      .def(
          "__call__",
          [](const nn::Loss& l, const Value& y_true, const Value& y_pred,
             std::optional<Value> weight) { return l(y_true, y_pred, weight.value_or(Value())); },
          nb::arg("y_true"), nb::arg("y_pred"), nb::arg("sample_weight") = nb::none())
      .def("target_type",
           [](const nn::Loss& l, const Value& y_pred) {
             const TensorType t = l.target_type(y_pred.type());
             return nb::make_tuple(to_python(t.dtype), to_python(t.shape));
           })
      .def("description", [](const nn::Loss& l, nb::handle dtype, nb::handle shape) {
        return to_python(nn::loss_description(l, {dtype_from(dtype), shape_from(shape)}));
      });
  m.def("get_loss", [](const std::string& name) { return nn::get_loss(name); });
  m.def("loss_from_config",
        [](nb::handle config) { return nn::loss_from_config(json_from(config)); });
  m.def("custom_loss",
        [](nb::object function, const std::string& reduction, const std::string& name) {
          auto shared = shared_object(std::move(function));
          return nn::CustomLoss(
              [shared, name](const Value& y_true, const Value& y_pred) {
                nb::gil_scoped_acquire gil;
                const TracingScope tracing;
                const nb::object losses = (*shared)(y_true, y_pred);
                if (losses.is_none())
                  fail("[loss] '{}' must return one value for each sample; got None", name);
                return value_from(losses);
              },
              {.reduction = nn::parse_reduction(reduction), .name = name});
        });

  nb::class_<nn::Optimizer>(m, "OptimizerCore")
      .def_prop_ro("class_name", &nn::Optimizer::class_name)
      .def_prop_ro("name", &nn::Optimizer::name)
      .def("config", [](const nn::Optimizer& o) { return to_python(o.config()); })
      .def("description",
           [](const nn::Optimizer& o) { return to_python(nn::optimizer_description(o)); })
      .def("learning_rate_at", &nn::Optimizer::learning_rate_at, nb::arg("step"))
      .def("scalars_at", &nn::Optimizer::scalars_at, nb::arg("step"))
      .def("set_iterations", &nn::Optimizer::set_iterations, nb::arg("iterations"))
      .def("set_gradient_accumulation_steps", &nn::Optimizer::set_gradient_accumulation_steps)
      .def_prop_ro("keeps_averages", &nn::Optimizer::keeps_averages)
      .def("swap_averages", &nn::Optimizer::swap_averages)
      .def("take_averages", &nn::Optimizer::take_averages)
      .def("set_learning_rate",
           [](nn::Optimizer& o, nb::handle rate) {
             o.set_learning_rate(nn::LearningRate::from_config(json_from(rate)));
           })
      .def_prop_ro("variables", &nn::Optimizer::variables);
  m.def("get_optimizer", [](const std::string& name) { return nn::get_optimizer(name); });
  m.def("optimizer_from_config",
        [](nb::handle config) { return nn::optimizer_from_config(json_from(config)); });
  m.def("optimizer_groups",
        [](const std::vector<std::pair<std::string, nn::OptimizerPtr>>& groups) {
          std::vector<nn::OptimizerGroup> list;
          for (const auto& [pattern, optimizer] : groups) list.push_back({pattern, optimizer});
          return nn::OptimizerGroups(std::move(list));
        });
  m.def("schedule_at", [](nb::handle config, int64_t iterations) {
    return (*nn::schedule_from_config(json_from(config)))(iterations);
  });
}

}  // namespace andiron::bindings
