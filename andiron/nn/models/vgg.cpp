#include <algorithm>

#include "andiron/nn/layers.hpp"
#include "andiron/nn/models/trunk.hpp"

namespace andiron::nn::models {

namespace {

// Stages of 3x3 convolutions with a pool behind each; layers are numbered as in torchvision, where
// activations and pools count.
ModelPtr vgg(const char* name, const ImageModelOptions& options, const std::vector<int>& convs) {
  Trunk net(options, {name, {3, 224, 224}, 1000, imagenet_pixels(), {"classifier."}});
  SymbolicTensor x = net.x;
  int number = 0;
  int64_t filters = 64;
  for (const int n : convs) {
    for (int i = 0; i < n; ++i, number += 2)
      x = activate(
          conv(x, "features." + std::to_string(number), filters, 3, {.pad = 1, .bias = true}));
    x = max_pool(x, 2, 2);
    ++number;
    filters = std::min<int64_t>(2 * filters, 512);
  }
  if (!options.include_top) return net.features(x);
  const double rate = net.dropout(0.5);
  auto drop = [&](const SymbolicTensor& y) { return rate > 0.0 ? Dropout(rate)(y) : y; };
  x = Flatten()(adapt(x, 7));
  x = drop(Dense(4096, {.activation = "relu", .name = "classifier.0"})(x));
  x = drop(Dense(4096, {.activation = "relu", .name = "classifier.3"})(x));
  return net.finish(net.dense_top(x, "classifier.6"));
}

}  // namespace

ModelPtr VGG16(const ImageModelOptions& options) { return vgg("VGG16", options, {2, 2, 3, 3, 3}); }
ModelPtr VGG19(const ImageModelOptions& options) { return vgg("VGG19", options, {2, 2, 4, 4, 4}); }

}  // namespace andiron::nn::models
