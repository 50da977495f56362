#include <cmath>

#include "andiron/nn/layers.hpp"
#include "andiron/nn/models/trunk.hpp"

namespace andiron::nn::models {

namespace {

// A row of table 1 of Tan and Le 2019, "EfficientNet: Rethinking Model Scaling".
struct Row {
  int repeats;
  int64_t kernel, stride, expansion, filters;
};
constexpr Row kRows[] = {{1, 3, 1, 1, 16},  {2, 3, 2, 6, 24},  {2, 5, 2, 6, 40}, {3, 3, 2, 6, 80},
                         {3, 5, 1, 6, 112}, {4, 5, 2, 6, 192}, {1, 3, 1, 6, 320}};

constexpr BatchNorm kNorm{.epsilon = 1e-3, .momentum = 0.99};
constexpr double kDropConnect = 0.2;  // the last block's; the first has 0

/// The Lite form of the reference implementation (efficientnet/lite): stem, head and the numbers
/// of the first and the last row's blocks are not scaled.
struct Scale {
  const char* name;
  double width, depth;
  int64_t size;
  double dropout;
};

// To the nearest multiple of 8, but not below 90 % of it.
int64_t round_filters(int64_t filters, double width) {
  const double wanted = static_cast<double>(filters) * width;
  auto rounded = std::max<int64_t>(8, static_cast<int64_t>(wanted + 4) / 8 * 8);
  if (static_cast<double>(rounded) < 0.9 * wanted) rounded += 8;
  return rounded;
}

SymbolicTensor block(const SymbolicTensor& x, const std::string& name, const Row& row,
                     int64_t filters, int64_t stride, double drop) {
  SymbolicTensor y = x;
  if (row.expansion != 1) {
    y = conv(y, name + ".expand_conv", channels(x) * row.expansion, 1);
    y = activate(norm(y, name + ".bn0", kNorm), "relu6");
  }
  y = depthwise(y, name + ".depthwise_conv", row.kernel, {.stride = stride, .same = true});
  y = activate(norm(y, name + ".bn1", kNorm), "relu6");
  y = norm(conv(y, name + ".project_conv", filters, 1), name + ".bn2", kNorm);
  if (stride != 1 || channels(x) != filters) return y;
  // Stochastic depth (Huang et al. 2016): a sample passes the block by.
  if (drop > 0.0) y = Dropout(drop, {.noise_shape = {-1, 1, 1, 1}})(y);
  return Add()({y, x});
}

ModelPtr efficientnet_lite(const Scale& scale, const ImageModelOptions& options) {
  Trunk net(options,
            {scale.name, {3, scale.size, scale.size}, 1000, symmetric_pixels(), {"fc.", "_fc."}});
  auto x = conv(net.x, "conv_stem", 32, 3, {.stride = 2, .same = true});
  x = activate(norm(x, "bn0", kNorm), "relu6");
  auto repeats = [&](const Row& row) {
    return &row == std::begin(kRows) || &row == std::end(kRows) - 1
               ? row.repeats
               : static_cast<int>(std::ceil(row.repeats * scale.depth));
  };
  int n_blocks = 0, number = 0;
  for (const Row& row : kRows) n_blocks += repeats(row);
  for (const Row& row : kRows)
    for (int i = 0; i < repeats(row); ++i, ++number)
      x = block(x, "blocks." + std::to_string(number), row, round_filters(row.filters, scale.width),
                i == 0 ? row.stride : 1, kDropConnect * number / n_blocks);
  x = activate(norm(conv(x, "conv_head", 1280, 1), "bn1", kNorm), "relu6");
  if (!options.include_top) return net.features(x);
  return net.finish(net.classify(x, "fc", scale.dropout));
}

}  // namespace

ModelPtr EfficientNetLite0(const ImageModelOptions& options) {
  return efficientnet_lite({"EfficientNetLite0", 1.0, 1.0, 224, 0.2}, options);
}
ModelPtr EfficientNetLite1(const ImageModelOptions& options) {
  return efficientnet_lite({"EfficientNetLite1", 1.0, 1.1, 240, 0.2}, options);
}
ModelPtr EfficientNetLite2(const ImageModelOptions& options) {
  return efficientnet_lite({"EfficientNetLite2", 1.1, 1.2, 260, 0.3}, options);
}

}  // namespace andiron::nn::models
