#include "andiron/train/checkpoint_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "andiron/base/error.hpp"

namespace andiron::train {
namespace {

VariablePtr variable(const std::string& name) {
  return std::make_shared<Variable>(name, Tensor::zeros(DType::f32, {2}));
}

// A checkpoint of variables of these names.
Checkpoint written(const std::vector<std::string>& names) {
  Checkpoint out{.path = "here"};
  for (size_t i = 0; i < names.size(); ++i)
    out.tensors[variable_key(i, *variable(names[i]))] =
        Tensor::full(DType::f32, {2}, static_cast<double>(i));
  return out;
}

TEST(CheckpointModel, automatic_names_of_the_first_release_are_those_of_today) {
  const std::vector<VariablePtr> ours = {variable("conv2d/kernel"), variable("conv2d_1/kernel"),
                                         variable("max_pooling2d_transpose/x")};
  const Checkpoint theirs =
      written({"conv2_d/kernel", "conv2_d_1/kernel", "max_pooling2_d_transpose/x"});
  const std::vector<Tensor> values = values_of_same_model(theirs, "Adam", "Adam", ours);
  ASSERT_EQ(values.size(), 3U);
  EXPECT_EQ(values[2].data<float>()[0], 2.0F);
}

TEST(CheckpointModel, other_names_are_another_model) {
  for (const char* other : {"conv2_d_1/kernel", "conv3_d/kernel", "conv2_d/bias"}) try {
      values_of_same_model(written({other}), "", "Adam", {variable("conv2d/kernel")});
      FAIL() << other;
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), testing::HasSubstr("where it has '" + std::string(other)));
    }
}

}  // namespace
}  // namespace andiron::train
