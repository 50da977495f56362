#include "andiron/exec/native/depthwise.hpp"

#include <gtest/gtest.h>

#include "andiron/exec/native/kernel_testing.hpp"
#include "andiron/ops/catalog.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::exec {
namespace {

using namespace testing_support;

struct Case {
  Sizes x;  // channels last
  std::vector<int64_t> kernel, strides, dilations, begin, end;
};

// Blocks of 16 channels that are whole and that are not, lines of all lengths, padding on one side
// or of more than the window, pixels without any input; 1, 2 and 3 axes.
const Case kCases[] = {
    {{2, 9, 13, 32}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
    {{1, 14, 15, 40}, {3, 3}, {2, 2}, {1, 1}, {0, 0}, {1, 1}},
    {{1, 12, 31, 24}, {5, 5}, {1, 1}, {1, 1}, {2, 2}, {2, 2}},
    {{2, 17, 18, 7}, {5, 3}, {2, 3}, {1, 1}, {1, 2}, {2, 0}},
    {{1, 20, 25, 17}, {3, 3}, {1, 1}, {2, 3}, {2, 3}, {2, 3}},
    {{1, 6, 5, 16}, {3, 3}, {1, 1}, {1, 1}, {5, 4}, {4, 6}},
    {{1, 2, 2, 48}, {5, 5}, {1, 1}, {1, 1}, {2, 2}, {2, 2}},
    {{3, 8, 9, 16}, {1, 7}, {3, 4}, {1, 2}, {0, 6}, {0, 6}},
    {{2, 40, 33}, {9}, {2}, {1}, {4}, {4}},
    {{1, 5, 6, 7, 20}, {3, 3, 3}, {1, 2, 1}, {1, 1, 1}, {1, 1, 1}, {1, 0, 1}},
};

class Depthwise : public testing::TestWithParam<Case> {
 protected:
  std::vector<Value> inputs(bool bias) const {
    const int64_t channels = GetParam().x.back();
    Sizes weights{channels, 1};
    weights.insert(weights.end(), GetParam().kernel.begin(), GetParam().kernel.end());
    std::vector<Value> in{input("x", DType::f32, Shape(GetParam().x)),
                          input("w", DType::f32, Shape(weights))};
    if (bias) in.push_back(input("b", DType::f32, {channels}));
    return in;
  }
  Attributes attributes() const {
    Attributes a;
    a.set("strides", GetParam().strides);
    a.set("dilations", GetParam().dilations);
    a.set("padding", std::string("explicit"));
    a.set("pads_begin", GetParam().begin);
    a.set("pads_end", GetParam().end);
    a.set("groups", GetParam().x.back());
    a.set("channels_last", true);
    return a;
  }
  static void check(const Node& node) {
    const std::vector<Tensor> src = random_inputs(node, 7, -1, 1);
    const RunResult one = run_kernel(node, src);
    EXPECT_EQ(one.kernel, "depthwise conv");
    expect_close(one.dst[0], run_reference(node, src)[0], 1e-5, 1e-5);
    for (const RunOptions& options :
         {RunOptions{.threads = 2}, RunOptions{.threads = 3}, RunOptions{.dst_gap = 5}})
      expect_same_bits(run_kernel(node, src, options).dst[0], one.dst[0]);
  }
};

TEST_P(Depthwise, equals_the_reference) {
  for (const bool bias : {false, true})
    check(make_value(ops::find("conv"), inputs(bias), attributes()).node());
}

TEST_P(Depthwise, clamps) {
  for (const char* activation : {"linear", "relu", "clip"}) {
    Attributes a = attributes();
    a.set("activation", std::string(activation));
    a.set("low", -0.5);
    a.set("high", 0.75);
    check(make_value(ops::find("fused_conv"), inputs(true), a).node());
  }
}

TEST_P(Depthwise, weights_that_are_constant_are_packed_before) {
  std::vector<Value> in = inputs(true);
  const Value plain = make_value(ops::find("conv"), in, attributes());
  const std::vector<Tensor> src = random_inputs(plain.node(), 3, -1, 1);
  in[1] = constant(src[1]);
  const Value fixed = make_value(ops::find("conv"), in, attributes());
  expect_same_bits(run_kernel(fixed.node(), src).dst[0], run_kernel(plain.node(), src).dst[0]);
}

INSTANTIATE_TEST_SUITE_P(Windows, Depthwise, testing::ValuesIn(kCases));

}  // namespace
}  // namespace andiron::exec
