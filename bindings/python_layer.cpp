#include "bindings/python_layer.hpp"

#include "andiron/base/error.hpp"
#include "bindings/tracing.hpp"

namespace andiron::bindings {

namespace {

thread_local nn::CallContext* context_of_thread = nullptr;

}  // namespace

nn::CallContext* current_context() { return context_of_thread; }

ContextScope::ContextScope(nn::CallContext* context) : before_(context_of_thread) {
  context_of_thread = context;
}

ContextScope::~ContextScope() { context_of_thread = before_; }

PythonLayer::PythonLayer(std::string class_name, nb::object face, nn::LayerOptions options)
    : nn::Layer(std::move(options)), class_name_(std::move(class_name)), face_(std::move(face)) {}

PythonLayer::~PythonLayer() {
  if (Py_IsInitialized()) {
    nb::gil_scoped_acquire gil;
    face_.reset();
  } else {
    face_.release();
  }
}

void PythonLayer::build_variables(const std::vector<TensorType>& inputs) {
  nb::gil_scoped_acquire gil;
  const TracingScope computing(false);
  nb::list shapes;
  for (const TensorType& type : inputs) shapes.append(to_python(type.shape, true));
  face_.attr("_build")(shapes);
}

std::vector<Value> PythonLayer::compute(const std::vector<Value>& inputs,
                                        nn::CallContext& context) {
  nb::gil_scoped_acquire gil;
  ContextScope scope(&context);
  const TracingScope tracing;
  nb::list values;
  for (const Value& v : inputs) values.append(v);
  nb::object result = face_.attr("_call")(values, context.training);
  if (nb::isinstance<nb::list>(result) || nb::isinstance<nb::tuple>(result))
    return values_from(result);
  return {value_from(result)};
}

}  // namespace andiron::bindings
