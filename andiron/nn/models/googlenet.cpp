#include "andiron/nn/layers.hpp"
#include "andiron/nn/models/trunk.hpp"

namespace andiron::nn::models {

namespace {

// A column of table 1 of Szegedy et al. 2015, "Going Deeper with Convolutions".
struct Inception {
  const char* name;
  int64_t ones, reduce3, threes, reduce5, fives, pool;
};

class Builder {
 public:
  explicit Builder(bool batch_norm) : batch_norm_(batch_norm) {}

  SymbolicTensor block(const SymbolicTensor& x, const std::string& name, int64_t filters,
                       int64_t kernel, int64_t stride = 1) const {
    auto y = conv(x, name + ".conv", filters, kernel,
                  {.stride = stride, .pad = kernel / 2, .bias = !batch_norm_});
    if (batch_norm_) y = norm(y, name + ".bn", {.epsilon = 1e-3});
    return activate(y);
  }

  SymbolicTensor inception(const SymbolicTensor& x, const Inception& i) const {
    const std::string name = std::string("inception") + i.name + ".";
    const auto ones = block(x, name + "branch1", i.ones, 1);
    const auto threes =
        block(block(x, name + "branch2.0", i.reduce3, 1), name + "branch2.1", i.threes, 3);
    // torchvision has 3x3 here, a mistake that its weights keep.
    const auto fives = block(block(x, name + "branch3.0", i.reduce5, 1), name + "branch3.1",
                             i.fives, batch_norm_ ? 3 : 5);
    const auto pooled = block(max_pool(x, 3, 1, 1, true), name + "branch4.1", i.pool, 1);
    return Concatenate(1)({ones, threes, fives, pooled});
  }

  SymbolicTensor lrn(const SymbolicTensor& x) const {
    return batch_norm_ ? x : LocalResponseNormalization()(x);
  }

  // Section 5: means of 5x5 at stride 3, 4x4 of 14x14 (torchvision: of four windows that cover the
  // map), 128 1x1 convolutions, 1024 units.
  SymbolicTensor auxiliary(const Trunk& net, const SymbolicTensor& x,
                           const std::string& name) const {
    const auto means = batch_norm_ ? adapt(x, 4) : AveragePooling2D({5}, {.strides = {3}})(x);
    auto y = Flatten()(block(means, name + ".conv", 128, 1));
    y = Dense(1024, {.activation = "relu", .name = name + ".fc1"})(y);
    return net.dense_top(Dropout(0.7)(y), name + ".fc2");
  }

 private:
  bool batch_norm_;
};

}  // namespace

ModelPtr GoogLeNet(const ImageModelOptions& options, bool aux_heads, bool batch_norm) {
  // The published weights of torchvision's network want x / 127.5 - 1 ("transform_input").
  Trunk net(options, {"GoogLeNet",
                      {3, 224, 224},
                      1000,
                      batch_norm ? symmetric_pixels() : imagenet_pixels(),
                      {"fc.", "aux"}});
  const Builder b(batch_norm);
  auto x = max_pool(b.block(net.x, "conv1", 64, 7, 2), 3, 2, 0, true);
  x = b.block(b.block(b.lrn(x), "conv2", 64, 1), "conv3", 192, 3);
  x = max_pool(b.lrn(x), 3, 2, 0, true);
  x = b.inception(x, {"3a", 64, 96, 128, 16, 32, 32});
  x = b.inception(x, {"3b", 128, 128, 192, 32, 96, 64});
  x = max_pool(x, 3, 2, 0, true);
  const auto at_4a = x = b.inception(x, {"4a", 192, 96, 208, 16, 48, 64});
  x = b.inception(x, {"4b", 160, 112, 224, 24, 64, 64});
  x = b.inception(x, {"4c", 128, 128, 256, 24, 64, 64});
  const auto at_4d = x = b.inception(x, {"4d", 112, 144, 288, 32, 64, 64});
  x = b.inception(x, {"4e", 256, 160, 320, 32, 128, 128});
  x = batch_norm ? max_pool(x, 2, 2, 0, true) : max_pool(x, 3, 2, 0, true);
  x = b.inception(x, {"5a", 256, 160, 320, 32, 128, 128});
  x = b.inception(x, {"5b", 384, 192, 384, 48, 128, 128});
  if (!options.include_top) return net.features(x);
  const auto y = net.classify(x, "fc", batch_norm ? 0.2 : 0.4);
  if (!aux_heads) return net.finish({y}, {"aux1.", "aux2."});
  return net.finish({y, b.auxiliary(net, at_4a, "aux1"), b.auxiliary(net, at_4d, "aux2")});
}

}  // namespace andiron::nn::models
