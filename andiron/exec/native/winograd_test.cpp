#include "andiron/exec/native/winograd.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "andiron/exec/native/kernel_testing.hpp"
#include "andiron/ops/catalog.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::exec {
namespace {

using namespace testing_support;

struct Case {
  int64_t samples, height, width, channels, filters, kernel;
  std::vector<int64_t> begin, end;
};

// Tiles that hang over every edge, tails of vectors; few tiles, of which threads share the filters,
// and many.
const Case kCases[] = {
    {1, 24, 24, 16, 32, 3, {1, 1}, {1, 1}}, {3, 13, 14, 13, 21, 3, {1, 1}, {1, 1}},
    {2, 17, 15, 8, 40, 3, {0, 2}, {2, 0}},  {1, 30, 9, 33, 17, 3, {0, 0}, {0, 0}},
    {1, 15, 18, 20, 12, 5, {2, 2}, {2, 2}}, {2, 11, 12, 16, 24, 5, {2, 1}, {0, 2}},
    {7, 16, 16, 16, 16, 3, {1, 1}, {1, 1}},
};

Value in(Shape shape) { return input("x", DType::f32, std::move(shape)); }

Attributes attributes_of(const Case& c, bool of_forward = true) {
  Attributes attributes;
  if (of_forward) attributes.set("padding", std::string("explicit"));
  attributes.set("pads_begin", c.begin);
  attributes.set("pads_end", c.end);
  attributes.set("channels_last", true);
  return attributes;
}

std::vector<Value> images_and_weights(const Case& c) {
  return {in({c.samples, c.height, c.width, c.channels}),
          in({c.filters, c.channels, c.kernel, c.kernel})};
}

// Against the reference, sums of so many terms; the bits are the same with any number of threads.
void check(const Node& node, std::string_view kernel, double terms, const RunOptions& strided) {
  const std::vector<Tensor> src = random_inputs(node, 7, -1, 1);
  const std::vector<Tensor> want = run_reference(node, src);
  const RunResult one = run_kernel(node, src);
  EXPECT_EQ(one.kernel, kernel) << str(node.outputs[0]);
  for (size_t i = 0; i < want.size(); ++i)
    expect_close(one.dst[i], want[i], 1e-5, 4e-6 * std::sqrt(terms));
  for (const RunOptions& options : {RunOptions{.threads = 2}, RunOptions{.threads = 3}, strided}) {
    const RunResult other = run_kernel(node, src, options);
    for (size_t i = 0; i < want.size(); ++i) expect_same_bits(other.dst[i], one.dst[i]);
  }
}

void check(const Node& node) {
  const auto terms = static_cast<double>(node.inputs[1].shape().count().size()) /
                     static_cast<double>(node.inputs[1].shape()[0].size());
  check(node, "winograd conv", terms, {.dst_gap = 5});
}

TEST(Winograd, equals_the_reference) {
  for (const Case& c : kCases)
    check(make_value(ops::find("conv"), images_and_weights(c), attributes_of(c)).node());
}

TEST(Winograd, adds_bias_and_residual_and_clamps) {
  for (const Case& c : {kCases[1], kCases[4]}) {
    std::vector<Value> inputs = images_and_weights(c);
    const Value y = make_value(ops::find("conv"), inputs, attributes_of(c));
    inputs.push_back(in({c.filters}));
    for (const char* activation : {"linear", "relu", "clip"}) {
      Attributes attributes = attributes_of(c);
      attributes.set("activation", std::string(activation));
      attributes.set("low", -0.5);
      attributes.set("high", 1.5);
      check(make_value(ops::find("fused_conv"), inputs, attributes).node());
      std::vector<Value> with_residual = inputs;
      with_residual.push_back(in(y.shape()));
      check(make_value(ops::find("fused_conv"), with_residual, attributes).node());
    }
  }
}

TEST(Winograd, gradient_of_src_equals_the_reference) {
  for (const Case& c : kCases) {
    const auto inputs = images_and_weights(c);
    const Value y = make_value(ops::find("conv"), inputs, attributes_of(c));
    Attributes attributes = attributes_of(c, false);
    attributes.set("strides", std::vector<int64_t>{1, 1});
    attributes.set("dilations", std::vector<int64_t>{1, 1});
    attributes.set("shape", inputs[0].shape());
    check(make_value(ops::find("conv_grad_src"), {in(y.shape()), inputs[1]}, attributes).node());
  }
}

TEST(Winograd, gradients_of_weights_and_bias_equal_the_reference) {
  std::vector<Case> cases(std::begin(kCases), std::end(kCases));
  cases.push_back({8, 32, 32, 24, 40, 3, {1, 1}, {1, 1}});  // several blocks of tiles
  for (const Case& c : cases)
    for (const bool bias : {false, true}) {
      const auto inputs = images_and_weights(c);
      const Value y = make_value(ops::find("conv"), inputs, attributes_of(c));
      Attributes attributes = attributes_of(c, false);
      attributes.set("strides", std::vector<int64_t>{1, 1});
      attributes.set("dilations", std::vector<int64_t>{1, 1});
      attributes.set("kernel", std::vector<int64_t>{c.kernel, c.kernel});
      attributes.set("bias", bias);
      const Value gradient =
          make_value(ops::find("conv_grad_weights"), {inputs[0], in(y.shape())}, attributes);
      const auto pixels = static_cast<double>(y.shape().count().size() / c.filters);
      check(gradient.node(), "winograd conv grad weights", pixels, {.src_gap = 5});
    }
}

TEST(Winograd, weights_that_are_constant_are_transformed_before) {
  const Case& c = kCases[0];
  const std::vector<Value> inputs = images_and_weights(c);
  const Tensor w = random_tensor(inputs[1].type(), 3, -1, 1);
  const Tensor x = random_tensor(inputs[0].type(), 4, -1, 1);
  const Value plain = make_value(ops::find("conv"), inputs, attributes_of(c));
  const Value fixed = make_value(ops::find("conv"), {inputs[0], constant(w)}, attributes_of(c));
  const RunResult got = run_kernel(fixed.node(), {x, w});
  EXPECT_EQ(got.kernel, "winograd conv");
  expect_same_bits(got.dst[0], run_kernel(plain.node(), {x, w}).dst[0]);
}

// Many tiles and weights that a core's cache does not hold go through in several blocks.
TEST(Winograd, an_image_is_the_same_alone_and_in_a_batch) {
  const Case many{24, 14, 14, 176, 176, 3, {1, 1}, {1, 1}};
  Case alone = many;
  alone.samples = 1;
  const Value y = make_value(ops::find("conv"), images_and_weights(many), attributes_of(many));
  const Value y1 = make_value(ops::find("conv"), images_and_weights(alone), attributes_of(alone));
  const std::vector<Tensor> src = random_inputs(y.node(), 5, -1, 1);
  const Tensor whole = run_kernel(y.node(), src, {.threads = 2}).dst[0];
  for (const int64_t i : {0, 15, 16, 23}) {
    const Tensor image = src[0].rows(i, i + 1).clone();
    expect_same_bits(run_kernel(y1.node(), {image, src[1]}).dst[0], whole.rows(i, i + 1).clone());
  }
}

// One tile would read more weights than it saves operations.
TEST(Winograd, leaves_small_images_to_direct_convolution) {
  const Case c{1, 7, 7, 160, 320, 3, {1, 1}, {1, 1}};
  const Value y = make_value(ops::find("conv"), images_and_weights(c), attributes_of(c));
  EXPECT_NE(run_kernel(y.node(), random_inputs(y.node(), 1)).kernel, "winograd conv");
}

}  // namespace
}  // namespace andiron::exec
