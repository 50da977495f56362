#include "andiron/train/class_counts.hpp"

#include <gtest/gtest.h>

#include "andiron/nn/class_weight.hpp"
#include "andiron/nn/layer_testing.hpp"
#include "andiron/train/data/array_dataset.hpp"
#include "andiron/train/dataset_source.hpp"

namespace andiron::train {
namespace {

TEST(ClassWeight, samples_weigh_what_their_class_does) {
  const Tensor labels = Tensor::from<int32_t>({0, 1, 2, 1}, {4});
  nn::testing::expect_near(nn::sample_weight_of_classes(labels, {{1, 3.0}, {2, 0.5}}),
                           Tensor::from<float>({1, 3, 0.5F, 3}, {4}), 0.0);
  const Tensor one_hot = Tensor::from<float>({1, 0, 0, 1}, {2, 2});
  nn::testing::expect_near(nn::sample_weight_of_classes(one_hot, {{1, 3.0}}),
                           Tensor::from<float>({1, 3}, {2}), 0.0);
}

TEST(ClassCounts, are_those_of_an_epoch) {
  const Tensor x = Tensor::zeros(DType::f32, {5, 1});
  const Tensor y = Tensor::from<int32_t>({2, 0, 2, 2, 7}, {5, 1});
  DatasetSource source(std::make_shared<ArrayDataset>(
      ArrayData{.inputs = {{"x", x}}, .labels = {{"y", y}}}, DataOptions{.batch_size = 2}));
  const std::map<int64_t, int64_t> expected = {{0, 1}, {2, 3}, {7, 1}};
  EXPECT_EQ(class_counts(source), expected);
  EXPECT_EQ(class_counts(source), expected);  // again
}

}  // namespace
}  // namespace andiron::train
