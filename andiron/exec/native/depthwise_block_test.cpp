#include "andiron/exec/native/depthwise_block.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "andiron/base/error.hpp"
#include "andiron/exec/native/kernel_testing.hpp"
#include "andiron/ops/catalog.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::exec {
namespace {

using namespace testing_support;

struct Case {
  int64_t samples, height, width, channels, middle, filters, kernel;
  std::vector<int64_t> strides, dilations, begin, end;
  bool expands, residual;
};

// Large images go through by rows, in rings that wrap around; of small ones with many channels
// threads share these. Blocks of channels that are not whole, padding on one side or of more than
// the window, windows that leave lines out.
const Case kCases[] = {
    {1, 40, 37, 8, 48, 8, 3, {1, 1}, {1, 1}, {1, 1}, {1, 1}, true, true},
    {2, 41, 30, 5, 20, 7, 3, {2, 2}, {1, 1}, {0, 0}, {1, 1}, true, false},
    {3, 33, 31, 16, 32, 24, 5, {1, 1}, {1, 1}, {2, 2}, {2, 2}, true, false},
    {1, 50, 29, 6, 40, 9, 5, {2, 2}, {1, 1}, {1, 2}, {2, 1}, true, false},
    {1, 23, 64, 24, 144, 24, 3, {1, 1}, {2, 3}, {2, 3}, {2, 3}, true, true},
    {2, 20, 22, 4, 16, 3, 3, {3, 4}, {1, 1}, {3, 0}, {1, 5}, true, false},
    {2, 28, 28, 40, 40, 16, 3, {1, 1}, {1, 1}, {1, 1}, {1, 1}, false, false},
    {1, 30, 17, 23, 23, 23, 5, {2, 1}, {1, 1}, {2, 1}, {1, 2}, false, false},
    {3, 14, 14, 64, 384, 96, 3, {1, 1}, {1, 1}, {1, 1}, {1, 1}, true, false},
    {1, 7, 7, 96, 580, 96, 5, {1, 1}, {1, 1}, {2, 2}, {2, 2}, true, true},
    {5, 15, 13, 72, 432, 40, 5, {2, 2}, {1, 1}, {1, 2}, {2, 2}, true, false},
    {2, 9, 8, 260, 260, 250, 3, {1, 1}, {1, 1}, {1, 1}, {1, 1}, false, true},
};

struct Block {
  Value value;
  std::vector<Tensor> src;
  double terms;
};

Value weights(const Shape& shape, double terms, uint64_t seed, std::vector<Tensor>* src) {
  const double most = std::sqrt(3.0 / terms);  // sums of about 1
  src->push_back(random_tensor({DType::f32, shape}, seed, -most, most));
  return constant(src->back());
}

Block block_of(const Case& c, const char* activation) {
  Block b;
  const int64_t m = c.middle, k = c.kernel;
  const auto taps = static_cast<double>(k * k);
  b.src.push_back(
      random_tensor({DType::f32, {c.samples, c.height, c.width, c.channels}}, 1, -1, 1));
  std::vector<Value> in{input("x", DType::f32, Shape(b.src[0].sizes()))};
  in.push_back(weights({m, 1, k, k}, taps, 2, &b.src));
  in.push_back(weights({m}, 3, 3, &b.src));
  in.push_back(weights({c.filters, m, 1, 1}, static_cast<double>(m), 4, &b.src));
  in.push_back(weights({c.filters}, 3, 5, &b.src));
  Attributes attributes;
  attributes.set("strides", c.strides);
  attributes.set("dilations", c.dilations);
  attributes.set("padding", std::string("explicit"));
  attributes.set("pads_begin", c.begin);
  attributes.set("pads_end", c.end);
  attributes.set("channels_last", true);
  for (const std::string name : {"expand_", "depthwise_", ""}) {
    attributes.set(name + "activation", std::string(activation));
    attributes.set(name + "low", -0.25);
    attributes.set(name + "high", 0.75);
  }
  auto make = [&](std::vector<Value> inputs) {
    if (c.expands) {
      inputs.resize(6);
      inputs.push_back(weights({m, c.channels, 1, 1}, static_cast<double>(c.channels), 6, &b.src));
      inputs.push_back(weights({m}, 3, 7, &b.src));
    }
    return make_value(ops::find("depthwise_block"), inputs, attributes);
  };
  std::vector<Tensor> src = b.src;
  b.value = make(in);
  if (c.residual || c.expands) src.emplace_back();
  if (c.residual) {
    in.push_back(input("residual", DType::f32, b.value.shape()));
    src[5] = random_tensor(b.value.type(), 8, -1, 1);
    b.src.resize(5);
    b.value = make(in);
  }
  if (c.expands) src.insert(src.end(), b.src.begin() + 5, b.src.end());
  b.src = src;
  return b;
}

class DepthwiseBlock : public testing::TestWithParam<Case> {};

TEST_P(DepthwiseBlock, equals_the_reference) {
  for (const char* activation : {"linear", "relu", "clip"}) {
    const Block b = block_of(GetParam(), activation);
    const Node& node = b.value.node();
    const RunResult one = run_kernel(node, b.src);
    EXPECT_EQ(one.kernel, "depthwise block");
    expect_close(one.dst[0], run_reference(node, b.src)[0], 1e-5, 2e-5);
    for (const int threads : {2, 3})
      expect_same_bits(run_kernel(node, b.src, {.threads = threads}).dst[0], one.dst[0]);
  }
}

INSTANTIATE_TEST_SUITE_P(Blocks, DepthwiseBlock, testing::ValuesIn(kCases));

TEST(DepthwiseBlock, an_image_is_the_same_alone_and_in_a_batch) {
  for (const size_t i : {2, 8}) {
    Case c = kCases[i];
    const Block many = block_of(c, "relu");
    c.samples = 1;
    const Block one = block_of(c, "relu");
    const Tensor whole = run_kernel(many.value.node(), many.src, {.threads = 2}).dst[0];
    for (int64_t s = 0; s < kCases[i].samples; ++s) {
      std::vector<Tensor> src = many.src;
      src[0] = src[0].rows(s, s + 1).clone();
      expect_same_bits(run_kernel(one.value.node(), src).dst[0], whole.rows(s, s + 1).clone());
    }
  }
}

TEST(DepthwiseBlock, refuses_products_of_more_than_a_pixel) {
  auto block = [](const Shape& depthwise, const Shape& project) {
    const Value x = input("x", DType::f32, {1, 8, 8, 16}), bias = input("b", DType::f32, {16});
    return make_value(
        ops::find("depthwise_block"),
        {x, input("d", DType::f32, depthwise), bias, input("p", DType::f32, project), bias},
        {{"channels_last", true}});
  };
  EXPECT_NO_THROW(block({16, 1, 3, 3}, {16, 16, 1, 1}));
  EXPECT_THROW(block({16, 1, 3, 3}, {16, 16, 3, 3}), Error);
  EXPECT_THROW(block({16, 2, 3, 3}, {16, 16, 1, 1}), Error);
  EXPECT_THROW(block({16}, {16, 16, 1, 1}), Error);
}

}  // namespace
}  // namespace andiron::exec
