#include "andiron/nn/class_name.hpp"

#include <gtest/gtest.h>

namespace andiron::nn {
namespace {

// What keras.src.utils.naming.to_snake_case of Keras 3 gives.
TEST(ClassName, snake_case_is_that_of_keras) {
  const std::pair<const char*, const char*> kNames[] = {
      {"Dense", "dense"},
      {"Conv1D", "conv1d"},
      {"Conv2D", "conv2d"},
      {"Conv2DTranspose", "conv2d_transpose"},
      {"DepthwiseConv2D", "depthwise_conv2d"},
      {"GlobalAveragePooling2D", "global_average_pooling2d"},
      {"BatchNormalization", "batch_normalization"},
      {"RMSNormalization", "rms_normalization"},
      {"ZeroPadding3D", "zero_padding3d"},
      {"UpSampling1D", "up_sampling1d"},
      {"ReLU", "re_lu"},
      {"PReLU", "p_re_lu"},
      {"LSTM", "lstm"},
      {"EmbeddingBag", "embedding_bag"},
      {"IoU", "io_u"},
      {"AUC", "auc"},
      {"MyHTTPServer2Go", "my_http_server2_go"},
      {"_Own<T>", "__own_t"},
      {"a", "a"},
      {"", ""},
  };
  for (const auto& [name, expected] : kNames) EXPECT_EQ(snake_case(name), expected) << name;
}

}  // namespace
}  // namespace andiron::nn
