#include "andiron/nn/layers.hpp"

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/seed.hpp"
#include "andiron/nn/texts.hpp"
#include "bindings/json.hpp"
#include "bindings/operators.hpp"
#include "bindings/python_layer.hpp"

namespace andiron::bindings {

namespace {

std::vector<TensorType> types_from(nb::handle list) {
  std::vector<TensorType> types;
  for (nb::handle item : list)
    types.push_back({dtype_from(item[nb::int_(0)]), shape_from(item[nb::int_(1)])});
  return types;
}

void bind_symbolic_tensor(nb::module_& m) {
  nb::class_<nn::SymbolicTensor> symbolic(
      m, "KerasTensor", "An output of a layer in a network that is being described.");
  symbolic.def_prop_ro("dtype", [](const nn::SymbolicTensor& x) { return to_python(x.dtype()); })
      .def_prop_ro("shape", [](const nn::SymbolicTensor& x) { return to_python(x.shape(), true); })
      .def_prop_ro("ndim", &nn::SymbolicTensor::rank)
      .def_prop_ro("is_text", &nn::is_text)
      .def_prop_ro("name", [](const nn::SymbolicTensor& x) { return x.layer()->name(); })
      .def_prop_ro("layer", [](const nn::SymbolicTensor& x) { return x.layer(); })
      .def("__repr__",
           [](const nn::SymbolicTensor& x) {
             return fmt::format("<KerasTensor {} from {}>", str(x.type()), x.layer()->name());
           })
      .def("__bool__",
           [](const nn::SymbolicTensor&) -> bool {
             fail("[KerasTensor] has no truth while a network is described: use ops.where");
           })
      .def("__iter__",
           [](const nn::SymbolicTensor&) -> nb::object {
             throw TypeError("a KerasTensor has no numbers to iterate over");
           })
      .def("__array__", [](const nn::SymbolicTensor&, nb::args, nb::kwargs) -> nb::object {
        fail("[KerasTensor] has no numbers: it describes a network. Use model.predict");
      });
  symbolic.attr("__array_ufunc__") = nb::none();
  def_arithmetic(symbolic);
}

struct Seeded {
  int64_t seed;
  std::optional<nn::SeedScope> scope;
};

// A layer written in Python and its core hold each other. Python's collector may take both when
// nothing else holds the core: no model, no description of a network.
int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  if (!nb::inst_ready(self)) return 0;
  PythonLayer* layer = nb::inst_ptr<PythonLayer>(self);
  if (layer->weak_from_this().use_count() == 1) Py_VISIT(layer->face().ptr());
  return 0;
}

int clear(PyObject* self) {
  nb::inst_ptr<PythonLayer>(self)->drop_face();
  return 0;
}

PyType_Slot kCollected[] = {{Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                            {Py_tp_clear, reinterpret_cast<void*>(clear)},
                            {0, nullptr}};

// Data in pieces: one tensor after the other.
template <class L>
void adapt(L& layer, nb::iterable pieces) {
  nb::iterator at = nb::iter(pieces);
  layer.adapt([&](Tensor& piece) {
    if (at == nb::iterator::sentinel()) return false;
    piece = tensor_from(*at);
    ++at;
    return true;
  });
}

template <class T>
void bind_lookup(nb::module_& m, const char* name) {
  using L = nn::LookupLayer<T>;
  nb::class_<L, nn::Layer>(m, name)
      .def("set_vocabulary", &L::set_vocabulary, nb::arg("vocabulary"), nb::arg("idf_weights"))
      .def("load_vocabulary", &L::load_vocabulary)
      .def("vocabulary", &L::vocabulary, nb::arg("specials"))
      .def_prop_ro("vocabulary_size", &L::vocabulary_size)
      .def("adapt", &L::adapt);
}

}  // namespace

void bind_layers(nb::module_& m) {
  nb::class_<nn::Layer>(m, "LayerCore", nb::is_weak_referenceable())
      .def_prop_ro("id", [](const nn::Layer& l) { return reinterpret_cast<uintptr_t>(&l); })
      .def_prop_ro("class_name", &nn::Layer::class_name)
      .def_prop_rw("name", &nn::Layer::name, &nn::Layer::set_name)
      .def("set_automatic_name", &nn::Layer::set_automatic_name)
      .def_prop_rw("trainable", &nn::Layer::trainable, &nn::Layer::set_trainable)
      .def_prop_rw("dtype_policy", &nn::Layer::dtype_policy, &nn::Layer::set_dtype_policy)
      .def_prop_ro("built", &nn::Layer::built)
      .def("build", [](nn::Layer& l, nb::handle types) { l.build(types_from(types)); })
      .def("input_types",
           [](const nn::Layer& l) {
             nb::list out;
             for (const TensorType& t : l.input_types())
               out.append(nb::make_tuple(to_python(t.dtype), to_python(t.shape, true)));
             return out;
           })
      .def("output_shapes",
           [](nn::Layer& l, nb::handle types) {
             nb::list out;
             for (const TensorType& t : l.output_types(types_from(types)))
               out.append(to_python(t.shape, true));
             return out;
           })
      .def("take_texts",
           [](nn::Layer& l, nb::handle list) {
             std::vector<bool> texts;
             for (nb::handle item : list) texts.push_back(nb::cast<bool>(item));
             nn::check_texts(l, texts);
           })
      .def("call_symbolic", &nn::Layer::call_symbolic, nb::arg("inputs"),
           nb::arg("training") = nb::none())
      .def(
          "call_values",
          [](nn::Layer& l, nb::handle inputs, std::optional<bool> training) {
            nn::CallContext fresh;
            fresh.training = training.value_or(false);
            if (fresh.training) {  // no training counts steps here: each call draws anew
              Tensor step(DType::i64, {});
              *step.data<int64_t>() = nn::next_seed();
              fresh.step = constant(step);
            }
            nn::CallContext* context = current_context();
            if (context == nullptr) return l.call(values_from(inputs), fresh);
            const bool mode = context->training;
            context->training = training.value_or(mode);
            std::vector<Value> out = l.call(values_from(inputs), *context);
            context->training = mode;
            return out;
          },
          nb::arg("inputs"), nb::arg("training") = nb::none())
      .def_prop_ro("variables", &nn::Layer::variables)
      .def_prop_ro("trainable_variables", &nn::Layer::trainable_variables)
      .def_prop_ro("non_trainable_variables", &nn::Layer::non_trainable_variables)
      .def("count_params", &nn::Layer::count_params)
      .def_prop_ro("sublayers", &nn::Layer::sublayers)
      .def("config", [](const nn::Layer& l) { return to_python(l.config()); })
      .def("description", [](const nn::Layer& l) { return to_python(nn::layer_description(l)); });
  nb::class_<PythonLayer, nn::Layer>(m, "PythonLayer", nb::type_slots(kCollected))
      .def_static("make",
                  [](const std::string& class_name, nb::object face, const std::string& name,
                     bool trainable) {
                    return std::make_shared<PythonLayer>(class_name, std::move(face),
                                                         nn::LayerOptions{name, trainable});
                  })
      .def(
          "add_weight",
          [](PythonLayer& l, const std::string& name, const std::vector<int64_t>& sizes,
             nb::handle initializer, nb::handle regularizer, bool trainable, nb::handle dtype) {
            return l.make_weight(name, sizes, nn::Initializer::from_config(json_from(initializer)),
                                 nn::Regularizer::from_config(json_from(regularizer)), trainable,
                                 dtype_from(dtype));
          },
          nb::arg("name"), nb::arg("shape"), nb::arg("initializer"), nb::arg("regularizer").none(),
          nb::arg("trainable"), nb::arg("dtype"))
      .def("track", &PythonLayer::take_variable)
      .def("add_sublayer", &PythonLayer::add_sublayer)
      .def("add_loss",
           [](PythonLayer&, const Value& loss) {
             if (current_context() == nullptr) fail("[add_loss] works inside of call only");
             current_context()->losses.push_back(loss);
           })
      .def("add_metric", [](PythonLayer&, const std::string& name, const Value& value) {
        if (current_context() == nullptr) fail("[add_metric] works inside of call only");
        current_context()->metrics.emplace_back(name, value);
      });
  nb::class_<nn::NormalizationLayer, nn::Layer>(m, "NormalizationCore")
      .def("adapt", &adapt<nn::NormalizationLayer>, nb::arg("pieces"));
  nb::class_<nn::DiscretizationLayer, nn::Layer>(m, "DiscretizationCore")
      .def("adapt", &adapt<nn::DiscretizationLayer>, nb::arg("pieces"));
  bind_lookup<std::string>(m, "StringLookupCore");
  bind_lookup<int64_t>(m, "IntegerLookupCore");
  bind_symbolic_tensor(m);

  m.def("layer_from_config",
        [](nb::handle config) { return nn::layer_from_config(json_from(config)); });
  m.def(
      "time_distributed",
      [](const nn::LayerPtr& layer, const std::string& name) -> nn::LayerPtr {
        return std::make_shared<nn::TimeDistributedLayer>(layer, nn::LayerOptions{.name = name});
      },
      nb::arg("layer"), nb::arg("name") = "");
  m.def(
      "symbolic_input",
      [](nb::handle shape, const std::string& name, nb::handle dtype) {
        const bool texts = PyUnicode_Check(dtype.ptr()) && nb::cast<std::string>(dtype) == "string";
        if (texts) return nn::TextInput(shape_from(shape), name);
        return nn::Input(shape_from(shape), {.name = name, .dtype = dtype_from(dtype)});
      },
      nb::arg("shape"), nb::arg("name") = "", nb::arg("dtype") = "float32");
  m.def("draw", [](nb::handle initializer, const std::vector<int64_t>& sizes, nb::handle dtype) {
    return nn::Initializer::from_config(json_from(initializer))(sizes, dtype_from(dtype));
  });
  m.def("penalty", [](nb::handle regularizer, const Value& x) {
    return nn::Regularizer::from_config(json_from(regularizer))(x);
  });
  m.def("set_random_seed", &nn::set_random_seed, nb::arg("seed"));
  m.def("next_seed", &nn::next_seed);
  nb::class_<Seeded>(m, "SeedScope", "Seeds that this thread draws inside come from one seed.")
      .def("__init__", [](Seeded* self, int64_t seed) { new (self) Seeded{seed, {}}; })
      .def("__enter__", [](Seeded& s) { s.scope.emplace(s.seed); })
      .def("__exit__", [](Seeded& s, nb::args) { s.scope.reset(); });
}

}  // namespace andiron::bindings
