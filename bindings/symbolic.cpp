#include "bindings/symbolic.hpp"

#include "andiron/nn/layers.hpp"
#include "bindings/build.hpp"

namespace andiron::bindings {

bool is_symbolic(nb::handle object) { return nb::isinstance<nn::SymbolicTensor>(object); }

nb::object apply_symbolic(const Op& op, const std::vector<nb::object>& inputs,
                          const Attributes& attributes) {
  // Where the layer's inputs go among the op's; the others are constants.
  std::vector<nn::SymbolicTensor> symbolic;
  std::vector<Value> values(inputs.size());
  std::vector<size_t> places;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!is_symbolic(inputs[i])) continue;
    symbolic.push_back(nb::cast<nn::SymbolicTensor>(inputs[i]));
    places.push_back(i);
  }
  const Value like = input("x", symbolic[0].dtype(), {});
  for (size_t i = 0; i < inputs.size(); ++i)
    if (!is_symbolic(inputs[i]) && !inputs[i].is_none())
      values[i] = value_from(inputs[i], op.traits.elementwise ? &like : nullptr);

  auto function = [&op, attributes, values, places](const std::vector<Value>& x,
                                                    nn::CallContext&) mutable {
    for (size_t i = 0; i < places.size(); ++i) values[places[i]] = x[i];
    return build(op, values, attributes);
  };
  nn::LayerRef layer = nn::Lambda(nn::LambdaLayer::Function(function), nn::LayerOptions{});
  std::vector<nn::SymbolicTensor> out = layer->call_symbolic(symbolic);
  if (out.size() == 1) return nb::cast(out[0]);
  return nb::tuple(nb::cast(out));
}

}  // namespace andiron::bindings
