#include "andiron/nn/layers.hpp"
#include "andiron/nn/models/trunk.hpp"

namespace andiron::nn::models {

namespace {

// He et al. 2016, "Deep Residual Learning for Image Recognition": two 3x3 convolutions, or 1x1,
// 3x3, 1x1 with four times as many channels at the end; 1x1 on the shortcut where shapes differ.
SymbolicTensor residual(const SymbolicTensor& x, const std::string& name, int64_t width,
                        int64_t stride, bool bottleneck) {
  const int64_t out = bottleneck ? 4 * width : width;
  SymbolicTensor y = x, shortcut = x;
  if (bottleneck) {
    y = activate(norm(conv(y, name + ".conv1", width, 1), name + ".bn1"));
    y = conv(y, name + ".conv2", width, 3, {.stride = stride, .pad = 1});
    y = conv(activate(norm(y, name + ".bn2")), name + ".conv3", out, 1);
    y = norm(y, name + ".bn3");
  } else {
    y = conv(y, name + ".conv1", width, 3, {.stride = stride, .pad = 1});
    y = conv(activate(norm(y, name + ".bn1")), name + ".conv2", width, 3, {.pad = 1});
    y = norm(y, name + ".bn2");
  }
  if (stride != 1 || channels(x) != out)
    shortcut =
        norm(conv(x, name + ".downsample.0", out, 1, {.stride = stride}), name + ".downsample.1");
  return activate(Add()({y, shortcut}));
}

SymbolicTensor stages(SymbolicTensor x, const std::vector<int>& blocks, int64_t width,
                      bool bottleneck) {
  for (size_t s = 0; s < blocks.size(); ++s, width *= 2)
    for (int i = 0; i < blocks[s]; ++i)
      x = residual(x, "layer" + std::to_string(s + 1) + "." + std::to_string(i), width,
                   s > 0 && i == 0 ? 2 : 1, bottleneck);
  return x;
}

ModelPtr resnet(const char* name, const ImageModelOptions& options, const std::vector<int>& blocks,
                bool bottleneck) {
  Trunk net(options, {name, {3, 224, 224}, 1000, imagenet_pixels(), {"fc."}});
  auto x = conv(net.x, "conv1", 64, 7, {.stride = 2, .pad = 3});
  x = max_pool(activate(norm(x, "bn1")), 3, 2, 1);
  x = stages(x, blocks, 64, bottleneck);
  if (!options.include_top) return net.features(x);
  return net.finish(net.classify(x, "fc", 0.0));
}

}  // namespace

ModelPtr ResNet18(const ImageModelOptions& options) {
  return resnet("ResNet18", options, {2, 2, 2, 2}, false);
}
ModelPtr ResNet50(const ImageModelOptions& options) {
  return resnet("ResNet50", options, {3, 4, 6, 3}, true);
}

ModelPtr ResNet20(const ImageModelOptions& options) {
  Trunk net(options, {"ResNet20", {3, 32, 32}, 10, {}, {"fc."}});
  auto x = activate(norm(conv(net.x, "conv1", 16, 3, {.pad = 1}), "bn1"));
  x = stages(x, {3, 3, 3}, 16, false);
  if (!options.include_top) return net.features(x);
  return net.finish(net.classify(x, "fc", 0.0));
}

}  // namespace andiron::nn::models
