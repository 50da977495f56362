#include <algorithm>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers.hpp"
#include "andiron/nn/models/state_dict.hpp"
#include "andiron/nn/models/trunk.hpp"

namespace andiron::nn::models {

namespace {

SymbolicTensor twice(SymbolicTensor x, const std::string& name, int64_t filters, bool batch_norm) {
  for (const char* part : {"1", "2"}) {
    x = conv(x, name + ".conv" + part, filters, 3, {.pad = 1, .bias = !batch_norm});
    if (batch_norm) x = norm(x, name + ".bn" + part);
    x = activate(x);
  }
  return x;
}

}  // namespace

// Ronneberger et al. 2015, "U-Net: Convolutional Networks for Biomedical Image Segmentation",
// figure 1: on the way up, the map of the same size from the way down is put beside.
ModelPtr UNet(const UNetOptions& o) {
  if (o.classes < 1 || o.filters < 1) fail("[UNet] classes and filters must be positive");
  if (o.depth < 1 || o.depth > 8) fail("[UNet] depth is 1 to 8; got {}", o.depth);
  Trunk net({.input_shape = o.input_shape, .data_format = o.data_format, .name = o.name},
            {"UNet", {3, 128, 128}});
  const int64_t step = int64_t{1} << o.depth;
  for (size_t axis : {size_t{2}, size_t{3}})
    if (net.x.shape()[axis].size() % step != 0)
      fail("[UNet] height and width must be multiples of {} (depth={}); got {}", step, o.depth,
           str(o.input_shape));
  SymbolicTensor x = net.x;
  std::vector<SymbolicTensor> maps;
  int64_t filters = o.filters;
  for (int64_t level = 0; level < o.depth; ++level, filters *= 2) {
    x = twice(x, "down" + std::to_string(level), filters, o.batch_norm);
    maps.push_back(x);
    x = max_pool(x, 2, 2);
  }
  x = twice(x, "bottom", filters, o.batch_norm);
  for (int64_t level = o.depth; level-- > 0;) {
    filters /= 2;
    const std::string name = "up" + std::to_string(level);
    x = Conv2DTranspose(filters, {2}, {.strides = {2}, .name = name + ".conv0"})(x);
    x = Concatenate(1)({maps[static_cast<size_t>(level)], x});
    x = twice(x, name, filters, o.batch_norm);
  }
  x = conv(x, "output", o.classes, 1, {.bias = true});
  const bool last = o.data_format == "channels_last";
  const bool softmax = o.classifier_activation == "softmax" && o.classes > 1;
  // Softmax is over the last axis.
  if (last || softmax) x = Permute({2, 3, 1})(x);
  if (softmax) {
    x = activate(x, "softmax");
  } else if (!o.classifier_activation.empty()) {
    x = activate(x, o.classifier_activation == "softmax" ? "sigmoid" : o.classifier_activation);
  }
  if (softmax && !last) x = Permute({3, 1, 2})(x);
  ModelPtr model = Model(net.input(), x, {.name = o.name.empty() ? "unet" : o.name});
  if (!o.weights.empty()) load_weights(*model, o.weights);
  return model;
}

}  // namespace andiron::nn::models
