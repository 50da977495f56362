// The kernels of quantized_conv and quantized_matmul, which take constant weights, against the
// reference kernels: the sums are exact on every CPU, so what comes out is, too.
#include "andiron/exec/onednn/quantized.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "andiron/exec/kernel.hpp"
#include "andiron/exec/plan.hpp"
#include "andiron/ops/case_testing.hpp"
#include "andiron/ops/catalog.hpp"
#include "andiron/ops/quantized/quantized.hpp"
#include "andiron/ops/reference.hpp"
#include "andiron/passes/quantize_weights.hpp"

namespace andiron::exec {
namespace {

using Ints = std::vector<int64_t>;

// The parameters as constants, the images as placeholders.
struct WithConstants {
  WithConstants(const std::string& op, const std::vector<Tensor>& tensors,
                const Attributes& attributes) {
    std::vector<Value> in;
    for (size_t i = 0; i < tensors.size(); ++i) {
      const bool image = i == 0 || i == 4;
      in.push_back(image ? input("x", tensors[i].dtype(), Shape(tensors[i].sizes()))
                         : constant(tensors[i]));
      if (!image) continue;
      inputs.push_back(in.back());
      images.push_back(tensors[i]);
    }
    y = make_value(ops::find(op), in, attributes);
    expected = ops::run_reference(y.node(), tensors)[0];
  }

  // What a plan gives, whose passes bring channels last.
  Tensor planned(int threads) const {
    const auto plan = Plan::compile(Graph(inputs, {y}), {}, {.threads = threads});
    return plan->run(images)[0];
  }
  std::string kernel() const {
    KernelRequest request{y.node(), {}, {}, 1};
    for (const Value& v : y.node().inputs) {
      Operand o{v.dtype(), v.shape().sizes(), 0};
      o.row_stride = o.cols();
      request.src.push_back(o);
    }
    Operand o{y.dtype(), y.shape().sizes(), 0};
    o.row_stride = o.cols();
    request.dst.push_back(o);
    return std::string(make_kernel(request)->name());
  }

  std::vector<Value> inputs;
  std::vector<Tensor> images;
  Value y;
  Tensor expected;
};

// float multiply-add may round once or twice: a result on the edge of two steps may go either way.
void expect_same_steps(const Tensor& actual, const Tensor& expected, const std::string& what) {
  if (expected.dtype() == DType::f32) return ops::expect_close(actual, expected, 1e-6, 1e-5, what);
  int64_t different = 0;
  for (int64_t i = 0; i < expected.count(); ++i) {
    const double d = std::abs(actual.item(i) - expected.item(i));
    ASSERT_LE(d, 1) << what << ", element " << i;
    different += d > 0 ? 1 : 0;
  }
  EXPECT_LE(different, expected.count() / 1000 + 1) << what;
}

TEST(QuantizedKernels, agree_with_the_reference_on_every_case) {
  for (const ops::CatalogCase& c : ops::all_cases()) {
    if (c.op->name != "quantized_conv" && c.op->name != "quantized_matmul") continue;
    const auto tensors = ops::case_inputs(c, DType::f32);
    const WithConstants w(c.op->name, tensors, c.data().attributes);
    for (const int threads : {1, 2}) expect_same_steps(w.planned(threads), w.expected, c.name());
  }
}

// Bytes of 255 and the greatest weights that quantize_weights makes: sums in 16 bits would break.
TEST(QuantizedKernels, sums_are_exact_at_the_extremes) {
  Tensor real(DType::f32, {16, 32, 3, 3});
  for (int64_t i = 0; i < real.count(); ++i)
    real.data<float>()[i] = (i / 9 % 4 == 3 ? -1.0F : 1.0F) * (i % 5 == 0 ? 0.3F : 0.9F);
  const Tensor weights = quantize_weights(real, 0).bytes;
  EXPECT_TRUE(ops::pairs_fit_16_bits(weights, 1));
  const Tensor x = Tensor::full(DType::u8, {2, 6, 6, 32}, 255);
  const WithConstants w(
      "quantized_conv",
      {x, weights, Tensor::full(DType::f32, {16}, 1), Tensor::zeros(DType::f32, {16})},
      {{"channels_last", true}, {"padding", std::string("same")}, {"dtype", DType::f32}});
  EXPECT_NE(w.kernel(), "reference");
  ops::expect_equal(w.planned(2), w.expected, "sums");
}

TEST(QuantizedKernels, weights_that_overflow_16_bits_are_still_right) {
  const Tensor x = Tensor::full(DType::u8, {1, 4, 4, 16}, 255);
  const Tensor weights = Tensor::full(DType::i8, {8, 16, 3, 3}, 127);
  EXPECT_FALSE(ops::pairs_fit_16_bits(weights, 1));
  const WithConstants w(
      "quantized_conv",
      {x, weights, Tensor::full(DType::f32, {8}, 1), Tensor::zeros(DType::f32, {8})},
      {{"channels_last", true}, {"dtype", DType::f32}});
  ops::expect_equal(w.planned(1), w.expected, "sums");
  EXPECT_EQ(w.expected.item(), 255.0 * 127 * 16 * 9);
}

TEST(QuantizedKernels, a_residual_that_is_read_later_stays_as_it_is) {
  const Tensor x = ops::random_tensor(DType::u8, {2, 5, 5, 16}, 0, 256, 1);
  const Tensor residual = ops::random_tensor(DType::u8, {2, 5, 5, 16}, 0, 256, 2);
  const Tensor weights = ops::random_tensor(DType::i8, {16, 16, 1, 1}, -60, 60, 3);
  const Value r = input("r", DType::u8, {2, 5, 5, 16}), in = input("x", DType::u8, {2, 5, 5, 16});
  const Value moved = ops::max_pool(ops::transpose(r, {0, 3, 1, 2}), {1});
  const Value back = ops::transpose(moved, {0, 2, 3, 1});
  const Value y = make_value(ops::find("quantized_conv"),
                             {in, constant(weights), constant(Tensor::full(DType::f32, {16}, 0.01)),
                              constant(Tensor::zeros(DType::f32, {16})), back},
                             {{"channels_last", true}, {"residual_scale", 0.5}});
  const Graph graph({in, r}, {y, back});
  const std::vector<Tensor> inputs{x, residual};
  const auto plan = Plan::compile(graph);
  const auto actual = plan->run(inputs);
  const auto expected = ops::evaluate_reference(graph, inputs);
  expect_same_steps(actual[0], expected[0], "sum");
  ops::expect_equal(actual[1], expected[1], "residual");
}

}  // namespace
}  // namespace andiron::exec
