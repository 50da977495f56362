#include "andiron/nn/layers.hpp"
#include "andiron/nn/models/trunk.hpp"

namespace andiron::nn::models {

ModelPtr AlexNet(const ImageModelOptions& options) {
  Trunk net(options, {"AlexNet", {3, 224, 224}, 1000, imagenet_pixels(), {"classifier."}});
  auto block = [](const SymbolicTensor& x, const char* name, int64_t filters, int64_t kernel,
                  int64_t stride, int64_t pad) {
    return activate(conv(x, name, filters, kernel, {.stride = stride, .pad = pad, .bias = true}));
  };
  auto x = max_pool(block(net.x, "features.0", 64, 11, 4, 2), 3, 2);
  x = max_pool(block(x, "features.3", 192, 5, 1, 2), 3, 2);
  x = block(x, "features.6", 384, 3, 1, 1);
  x = block(x, "features.8", 256, 3, 1, 1);
  x = max_pool(block(x, "features.10", 256, 3, 1, 1), 3, 2);
  if (!options.include_top) return net.features(x);
  const double rate = net.dropout(0.5);
  auto drop = [&](const SymbolicTensor& y) { return rate > 0.0 ? Dropout(rate)(y) : y; };
  x = Flatten()(adapt(x, 6));
  x = Dense(4096, {.activation = "relu", .name = "classifier.1"})(drop(x));
  x = Dense(4096, {.activation = "relu", .name = "classifier.4"})(drop(x));
  return net.finish(net.dense_top(x, "classifier.6"));
}

}  // namespace andiron::nn::models
