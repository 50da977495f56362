#include "andiron/exec/native/pointwise.hpp"

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
};

// Panels of one to three vectors that are whole and that are not; one and three axes.
const Case kCases[] = {{{2, 19, 23, 24}, 24},  {{1, 40, 31, 17}, 5}, {{1, 32, 32, 64}, 256},
                       {{1, 23, 23, 300}, 41}, {{3, 400, 8}, 16},    {{1, 8, 9, 10, 12}, 19},
                       {{1, 24, 24, 1}, 1}};

class Pointwise : public testing::TestWithParam<Case> {
 protected:
  // x, weights, bias and a residual; what is constant is one in the node too.
  const Node& node_of(const char* activation, bool with_residual) {
    const Case& c = GetParam();
    const int64_t channels = c.x.back();
    const double most = std::sqrt(3.0 / static_cast<double>(channels));
    Shape weights{c.filters, channels};
    weights.insert(weights.end(), c.x.size() - 2, Dim(1));
    src = {random_tensor({DType::f32, Shape(c.x)}, 1, -1, 1),
           random_tensor({DType::f32, weights}, 2, -most, most),
           random_tensor({DType::f32, {c.filters}}, 3, -1, 1)};
    std::vector<Value> in{input("x", DType::f32, Shape(c.x)), constant(src[1]), constant(src[2])};
    Attributes a;
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

TEST_P(Pointwise, equals_the_reference) {
  for (const char* activation : {"linear", "relu", "clip"})
    for (const bool residual : {false, true}) {
      const Node& node = node_of(activation, residual);
      const RunResult one = run_kernel(node, src);
      EXPECT_EQ(one.kernel, "pointwise conv");
      expect_close(one.dst[0], run_reference(node, src)[0], 1e-5, 1e-5);
      for (const RunOptions& options : {RunOptions{.threads = 2}, RunOptions{.threads = 3},
                                        RunOptions{.threads = 2, .dst_gap = 5}})
        expect_same_bits(run_kernel(node, src, options).dst[0], one.dst[0]);
    }
}

INSTANTIATE_TEST_SUITE_P(Images, Pointwise, testing::ValuesIn(kCases));

}  // namespace
}  // namespace andiron::exec
