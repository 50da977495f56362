#include "andiron/nn/layers.hpp"
#include "andiron/nn/models/trunk.hpp"

namespace andiron::nn::models {

namespace {

// Iandola et al. 2016: 1x1 convolutions squeeze, 1x1 and 3x3 beside each other expand.
SymbolicTensor fire(const SymbolicTensor& x, int number, int64_t squeeze, int64_t expand) {
  const std::string name = "features." + std::to_string(number) + ".";
  const auto s = activate(conv(x, name + "squeeze", squeeze, 1, {.bias = true}));
  const auto ones = activate(conv(s, name + "expand1x1", expand, 1, {.bias = true}));
  const auto threes = activate(conv(s, name + "expand3x3", expand, 3, {.pad = 1, .bias = true}));
  return Concatenate(1)({ones, threes});
}

}  // namespace

ModelPtr SqueezeNet1_1(const ImageModelOptions& options) {
  Trunk net(options, {"SqueezeNet1_1", {3, 224, 224}, 1000, imagenet_pixels(), {"classifier."}});
  auto pool = [](const SymbolicTensor& x) { return max_pool(x, 3, 2, 0, true); };
  auto x = pool(activate(conv(net.x, "features.0", 64, 3, {.stride = 2, .bias = true})));
  x = pool(fire(fire(x, 3, 16, 64), 4, 16, 64));
  x = pool(fire(fire(x, 6, 32, 128), 7, 32, 128));
  x = fire(fire(x, 9, 48, 192), 10, 48, 192);
  x = fire(fire(x, 11, 64, 256), 12, 64, 256);
  if (!options.include_top) return net.features(x);
  if (const double rate = net.dropout(0.5); rate > 0.0) x = Dropout(rate)(x);
  x = activate(conv(x, "classifier.1", net.classes(), 1, {.bias = true}));
  x = GlobalAveragePooling2D()(x);
  if (!options.classifier_activation.empty()) x = activate(x, options.classifier_activation);
  return net.finish(x);
}

}  // namespace andiron::nn::models
