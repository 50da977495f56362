#include <gtest/gtest.h>

#include "andiron/base/error.hpp"
#include "andiron/nn/layer_testing.hpp"
#include "andiron/nn/layers.hpp"

namespace andiron::nn {
namespace {

using testing::error_of;
using testing::f32;
using testing::LayerCase;
using testing::run_layer_test;

LayerCase trained(std::vector<int64_t> in, std::vector<int64_t> out, size_t n_weights,
                  int64_t n_params) {
  return {.inputs = {f32(std::move(in))},
          .outputs = {f32(std::move(out))},
          .n_weights = n_weights,
          .n_trainable = n_weights,
          .n_params = n_params};
}

LayerCase plain(std::vector<int64_t> in, std::vector<int64_t> out) {
  return trained(std::move(in), std::move(out), 0, 0);
}

TEST(VisionLayers, convolutions) {
  run_layer_test(Conv1D(4, {3}), trained({3, 8}, {4, 6}, 2, 40));
  run_layer_test(Conv1D(4, {3}, {.padding = "causal"}), trained({3, 8}, {4, 8}, 2, 40));
  run_layer_test(Conv2D(4, {3, 2}, {.strides = {2}, .padding = "same", .activation = "relu"}),
                 trained({3, 7, 6}, {4, 4, 3}, 2, 76));
  run_layer_test(Conv2D(4, {3},
                        {.padding = "explicit",
                         .pads_begin = {1},
                         .pads_end = {2},
                         .groups = 2,
                         .use_bias = false}),
                 trained({2, 5, 5}, {4, 6, 6}, 1, 36));
  run_layer_test(Conv2D(4, {3}, {.data_format = "channels_last"}),
                 trained({7, 6, 3}, {5, 4, 4}, 2, 112));
  run_layer_test(Conv3D(2, {2}), trained({1, 3, 4, 5}, {2, 2, 3, 4}, 2, 18));
}

TEST(VisionLayers, transposed_convolutions) {
  run_layer_test(Conv1DTranspose(4, {3}, {.strides = {2}}), trained({3, 5}, {4, 11}, 2, 40));
  run_layer_test(Conv2DTranspose(4, {3}, {.strides = {2}, .padding = "same"}),
                 trained({3, 5, 4}, {4, 10, 8}, 2, 112));
  run_layer_test(Conv3DTranspose(1, {2}, {.output_padding = {0}}),
                 trained({2, 2, 2, 2}, {1, 3, 3, 3}, 2, 17));
}

TEST(VisionLayers, separable_convolutions) {
  run_layer_test(DepthwiseConv1D({3}), trained({3, 5}, {3, 3}, 2, 12));
  run_layer_test(DepthwiseConv2D({3}, {.depth_multiplier = 2}),
                 trained({3, 5, 4}, {6, 3, 2}, 2, 60));
  run_layer_test(SeparableConv1D(4, {3}), trained({3, 5}, {4, 3}, 3, 25));
  run_layer_test(SeparableConv2D(4, {3}, {.strides = {2}, .padding = "same"}),
                 trained({3, 5, 5}, {4, 3, 3}, 3, 43));
}

TEST(VisionLayers, pooling) {
  run_layer_test(MaxPooling1D(), plain({3, 7}, {3, 3}));
  run_layer_test(MaxPooling2D({3}, {.strides = {2}, .ceil = true}), plain({3, 8, 8}, {3, 4, 4}));
  run_layer_test(MaxPooling3D(), plain({1, 4, 4, 4}, {1, 2, 2, 2}));
  run_layer_test(AveragePooling1D(), plain({3, 7}, {3, 3}));
  run_layer_test(AveragePooling2D({2}, {.padding = "same", .data_format = "channels_last"}),
                 plain({5, 5, 3}, {3, 3, 3}));
  run_layer_test(AveragePooling3D(), plain({1, 4, 4, 4}, {1, 2, 2, 2}));
  run_layer_test(GlobalMaxPooling1D(), plain({3, 7}, {3}));
  run_layer_test(GlobalMaxPooling2D({.keepdims = true}), plain({3, 7, 2}, {3, 1, 1}));
  run_layer_test(GlobalAveragePooling2D({.data_format = "channels_last"}), plain({4, 5, 3}, {3}));
  run_layer_test(GlobalAveragePooling3D(), plain({3, 2, 2, 2}, {3}));
  run_layer_test(AdaptiveAveragePooling2D({2, 3}), plain({3, 5, 7}, {3, 2, 3}));
  run_layer_test(AdaptiveMaxPooling1D({3}), plain({3, 5}, {3, 3}));
}

TEST(VisionLayers, batch_normalization) {
  const LayerCase image = {.inputs = {f32({3, 4, 4})},
                           .outputs = {f32({3, 4, 4})},
                           .n_weights = 4,
                           .n_trainable = 2,
                           .n_params = 12,
                           .differentiable = false};
  run_layer_test(BatchNormalization(), image);
  run_layer_test(BatchNormalization({.axis = -1, .momentum = 0.5, .center = false, .scale = false}),
                 {.inputs = {f32({5})},
                  .outputs = {f32({5})},
                  .n_weights = 2,
                  .n_params = 10,
                  .differentiable = false});
  EXPECT_EQ(error_of([] { BatchNormalization({.epsilon = -1.0}); }),
            "[BatchNormalization] epsilon must not be negative; got -1");
}

TEST(VisionLayers, images) {
  run_layer_test(UpSampling1D(3), plain({2, 4}, {2, 12}));
  run_layer_test(UpSampling2D({2, 3}, {.interpolation = "bilinear"}), plain({2, 4, 3}, {2, 8, 9}));
  run_layer_test(UpSampling3D({2}), plain({1, 2, 2, 2}, {1, 4, 4, 4}));
  run_layer_test(ZeroPadding1D(), plain({2, 4}, {2, 6}));
  run_layer_test(ZeroPadding2D({{1, 2}, {0, 3}}), plain({2, 4, 3}, {2, 7, 6}));
  run_layer_test(ZeroPadding3D({{1}}, {.data_format = "channels_last"}),
                 plain({2, 2, 2, 3}, {4, 4, 4, 3}));
  run_layer_test(SpatialDropout1D(0.5), plain({2, 4}, {2, 4}));
  run_layer_test(SpatialDropout2D(0.5), plain({2, 4, 4}, {2, 4, 4}));
  run_layer_test(SpatialDropout3D(0.5), plain({2, 2, 2, 2}, {2, 2, 2, 2}));
  run_layer_test(LocalResponseNormalization(), plain({6, 4, 4}, {6, 4, 4}));
}

}  // namespace
}  // namespace andiron::nn
