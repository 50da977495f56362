#include "andiron/nn/layers.hpp"
#include "andiron/nn/models/trunk.hpp"

namespace andiron::nn::models {

// Names and shapes after figure 2 of LeCun et al. 1998, "Gradient-Based Learning Applied to
// Document Recognition".
ModelPtr LeNet5(const ImageModelOptions& options) {
  Trunk net(options, {"LeNet5", {1, 32, 32}, 10, {}, {"c5.", "f6.", "output."}});
  auto mean = [](const SymbolicTensor& x) { return AveragePooling2D({2})(x); };
  const bool mnist = net.x.shape()[2] == Dim(28) && net.x.shape()[3] == Dim(28);
  auto x = activate(conv(net.x, "c1", 6, 5, {.pad = mnist ? 2 : 0, .bias = true}), "tanh");
  x = activate(conv(mean(x), "c3", 16, 5, {.bias = true}), "tanh");
  x = mean(x);
  if (!options.include_top) return net.features(x);
  x = Dense(120, {.activation = "tanh", .name = "c5"})(Flatten()(x));
  x = Dense(84, {.activation = "tanh", .name = "f6"})(x);
  if (const double rate = net.dropout(0.0); rate > 0.0) x = Dropout(rate)(x);
  return net.finish(net.dense_top(x, "output"));
}

}  // namespace andiron::nn::models
