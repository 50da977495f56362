#pragma once

#include <string>
#include <vector>

#include "andiron/nn/layer.hpp"
#include "bindings/convert.hpp"

namespace andiron::bindings {

/// A layer whose `build` and `call` are written in Python: traced whenever a network is, saved as
/// those traces. Holds the Python object, which holds this.
class PythonLayer : public nn::Layer {
 public:
  /// `face` has _build(shapes) and _call(values, training), which returns values.
  PythonLayer(std::string class_name, nb::object face, nn::LayerOptions options);
  ~PythonLayer() override;

  std::string class_name() const override { return class_name_; }
  std::vector<nn::LayerPtr> sublayers() const override { return sublayers_; }

  VariablePtr make_weight(const std::string& name, const Sizes& sizes,
                          const nn::Initializer& initializer, const nn::Regularizer& regularizer,
                          bool trainable, DType dtype) {
    return add_weight(name, sizes, initializer, regularizer, trainable, dtype);
  }
  void take_variable(const std::string& name, VariablePtr variable) { track(name, variable); }
  void add_sublayer(nn::LayerPtr layer) { sublayers_.push_back(std::move(layer)); }

  nb::handle face() const { return face_; }
  /// Ends the hold on the Python object; the layer cannot be called any more.
  void drop_face() { face_.reset(); }

 protected:
  void build_variables(const std::vector<TensorType>& inputs) override;
  std::vector<Value> compute(const std::vector<Value>& inputs, nn::CallContext& context) override;

 private:
  std::string class_name_;
  nb::object face_;
  std::vector<nn::LayerPtr> sublayers_;
};

/// The trace that runs on this thread, so that layers inside a Python layer take part in it.
nn::CallContext* current_context();

/// While one lives, `context` is this thread's trace.
class ContextScope {
 public:
  explicit ContextScope(nn::CallContext* context);
  ~ContextScope();
  ContextScope(const ContextScope&) = delete;
  ContextScope& operator=(const ContextScope&) = delete;

 private:
  nn::CallContext* before_;
};

void bind_layers(nb::module_& m);
void bind_models(nb::module_& m);
void bind_losses(nb::module_& m);
void bind_training(nb::module_& m);
/// Steps of one's own: traces, the optimizer's part in them, and plans that are kept.
void bind_steps(nb::module_& m);
/// NegativeSampler.
void bind_negatives(nb::module_& m);

}  // namespace andiron::bindings
