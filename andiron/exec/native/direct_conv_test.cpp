#include "andiron/exec/native/direct_conv.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "andiron/exec/native/kernel_testing.hpp"
#include "andiron/ops/catalog.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::exec {
namespace {

using namespace testing_support;

struct Case {
  Sizes x;  // channels last
  int64_t filters;
  std::vector<int64_t> kernel, strides, dilations, begin, end;
};

// Pixels alone, of which threads share the pixels or the filters; windows with and without padding,
// more of it than the window; panels of one to three vectors that are not whole.
const Case kCases[] = {
    {{2, 9, 13, 24}, 24, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}},
    {{1, 7, 7, 320}, 1280, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}},
    {{1, 40, 31, 17}, 5, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}},
    {{3, 9, 8, 20}, 41, {1, 1}, {2, 3}, {1, 1}, {0, 0}, {0, 0}},
    {{2, 41, 38, 3}, 32, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}},
    {{1, 33, 30, 3}, 70, {7, 7}, {2, 2}, {1, 1}, {3, 2}, {3, 4}},
    {{1, 12, 15, 12}, 19, {3, 5}, {2, 1}, {2, 1}, {3, 1}, {0, 6}},
    {{2, 10, 9, 8}, 33, {3, 3}, {2, 2}, {1, 1}, {0, 0}, {0, 0}},
    {{1, 3, 4, 40}, 48, {3, 3}, {1, 1}, {1, 1}, {4, 5}, {4, 5}},
};

class DirectConv : public testing::TestWithParam<Case> {
 protected:
  // x, weights, bias and a residual; what is constant is one in the node too.
  Node const& node_of(const char* activation, bool with_residual) {
    const Case& c = GetParam();
    const int64_t channels = c.x.back();
    const auto terms = static_cast<double>(channels * c.kernel[0] * c.kernel[1]);
    const double most = std::sqrt(3 / terms);
    const Shape weights{c.filters, channels, c.kernel[0], c.kernel[1]};
    src = {random_tensor({DType::f32, Shape(c.x)}, 1, -1, 1),
           random_tensor({DType::f32, weights}, 2, -most, most),
           random_tensor({DType::f32, {c.filters}}, 3, -1, 1)};
    std::vector<Value> in{input("x", DType::f32, Shape(c.x)), constant(src[1]), constant(src[2])};
    Attributes a;
    a.set("strides", c.strides);
    a.set("dilations", c.dilations);
    a.set("padding", std::string("explicit"));
    a.set("pads_begin", c.begin);
    a.set("pads_end", c.end);
    a.set("channels_last", true);
    a.set("activation", std::string(activation));
    a.set("low", -0.5);
    a.set("high", 0.75);
    value = make_value(ops::find("fused_conv"), in, a);
    if (with_residual) {
      src.push_back(random_tensor(value.type(), 4, -1, 1));
      in.push_back(input("residual", DType::f32, value.shape()));
      value = make_value(ops::find("fused_conv"), in, a);
    }
    return value.node();
  }

  std::vector<Tensor> src;
  Value value;
};

TEST_P(DirectConv, equals_the_reference) {
  for (const char* activation : {"linear", "relu", "clip"})
    for (const bool residual : {false, true}) {
      const Node& node = node_of(activation, residual);
      const RunResult one = run_kernel(node, src);
      EXPECT_EQ(one.kernel, "direct conv");
      expect_close(one.dst[0], run_reference(node, src)[0], 1e-5, 1e-5);
      for (const RunOptions& options : {RunOptions{.threads = 2}, RunOptions{.threads = 3},
                                        RunOptions{.threads = 2, .dst_gap = 5}})
        expect_same_bits(run_kernel(node, src, options).dst[0], one.dst[0]);
    }
}

INSTANTIATE_TEST_SUITE_P(Windows, DirectConv, testing::ValuesIn(kCases));

}  // namespace
}  // namespace andiron::exec
