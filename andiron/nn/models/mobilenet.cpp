#include "andiron/nn/layers.hpp"
#include "andiron/nn/models/trunk.hpp"

namespace andiron::nn::models {

namespace {

// A row of table 2 of Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear
// Bottlenecks".
struct Row {
  int64_t expansion, filters;
  int repeats;
  int64_t stride;
};
constexpr Row kRows[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                         {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};

// Expand by 1x1, filter each channel, project by 1x1 without an activation.
SymbolicTensor inverted(const SymbolicTensor& x, const std::string& name, const Row& row,
                        int64_t stride) {
  SymbolicTensor y = x;
  int part = 0;
  auto place = [&] { return name + ".conv." + std::to_string(part++); };
  if (row.expansion != 1) {
    const std::string at = place();
    y = conv(y, at + ".0", channels(x) * row.expansion, 1);
    y = activate(norm(y, at + ".1"), "relu6");
  }
  const std::string at = place();
  y = depthwise(y, at + ".0", 3, {.stride = stride, .pad = 1});
  y = activate(norm(y, at + ".1"), "relu6");
  y = conv(y, place(), row.filters, 1);
  y = norm(y, place());
  return stride == 1 && channels(x) == row.filters ? Add()({x, y}) : y;
}

}  // namespace

ModelPtr MobileNetV2(const ImageModelOptions& options) {
  Trunk net(options, {"MobileNetV2", {3, 224, 224}, 1000, imagenet_pixels(), {"classifier."}});
  auto x = conv(net.x, "features.0.0", 32, 3, {.stride = 2, .pad = 1});
  x = activate(norm(x, "features.0.1"), "relu6");
  int number = 1;
  for (const Row& row : kRows)
    for (int i = 0; i < row.repeats; ++i)
      x = inverted(x, "features." + std::to_string(number++), row, i == 0 ? row.stride : 1);
  x = activate(norm(conv(x, "features.18.0", 1280, 1), "features.18.1"), "relu6");
  if (!options.include_top) return net.features(x);
  return net.finish(net.classify(x, "classifier.1", 0.2));
}

}  // namespace andiron::nn::models
