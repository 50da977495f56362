#include <nanobind/nanobind.h>

#include "bindings/arrow.hpp"
#include "bindings/collective.hpp"
#include "bindings/compositions.hpp"
#include "bindings/feed.hpp"
#include "bindings/images.hpp"
#include "bindings/info.hpp"
#include "bindings/linear.hpp"
#include "bindings/metrics.hpp"
#include "bindings/onnx.hpp"
#include "bindings/python_function.hpp"
#include "bindings/python_layer.hpp"
#include "bindings/quantization.hpp"
#include "bindings/signals.hpp"
#include "bindings/tensor.hpp"
#include "bindings/texts.hpp"

NB_MODULE(_core, m) {
  using namespace andiron::bindings;
  m.doc() = "The C++ core of Andiron.";
  nanobind::set_leak_warnings(false);  // modules keep layers alive until the process ends
  bind_info(m);
  bind_errors(m);
  bind_signals(m);
  bind_graph(m);
  bind_tensor(m);
  bind_ops(m);
  bind_compositions(m);
  bind_plan(m);
  bind_python_functions(m);
  bind_texts(m);
  bind_layers(m);
  bind_models(m);
  bind_losses(m);
  bind_metrics(m);
  bind_training(m);
  bind_feeds(m);
  bind_collective(m);
  bind_arrow(m);
  bind_streams(m);
  bind_steps(m);
  bind_negatives(m);
  bind_images(m);
  bind_linear(m);
  bind_onnx(m);
  bind_quantization(m);
}
