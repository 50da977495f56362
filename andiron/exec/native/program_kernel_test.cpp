#include "andiron/exec/native/program_kernel.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "andiron/exec/native/kernel_testing.hpp"
#include "andiron/ops/catalog.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::exec {
namespace {

using namespace testing_support;

Value in(const std::string& name, Shape shape, DType dtype = DType::f32) {
  return input(name, dtype, std::move(shape));
}

std::shared_ptr<const Node> fused(std::vector<Value> inputs, std::vector<Value> outputs) {
  auto body = std::make_shared<const Graph>(inputs, outputs);
  std::vector<Value> arguments;
  for (const Value& v : inputs) arguments.push_back(input("x", v.dtype(), v.shape()));
  return make_node(ops::find("fused"), arguments, {{"body", body}})[0].node_ptr();
}

// Against the reference kernels: dense, strided, and with threads or the crew's help, whose bits
// must be the same.
void check(const Node& node, double relative = 2e-6, double absolute = 2e-6, double low = -2,
           double high = 2) {
  const std::vector<Tensor> src = random_inputs(node, 7, low, high);
  const std::vector<Tensor> want = run_reference(node, src);
  const RunResult plain = run_kernel(node, src);
  EXPECT_NE(plain.kernel, "reference") << node.op->name;
  const RunResult threaded = run_kernel(node, src, {.threads = 3});
  const RunResult helped = run_kernel(node, src, {.helpers = 2});
  const RunResult strided = run_kernel(node, src, {.src_gap = 5, .dst_gap = 3});
  for (size_t i = 0; i < want.size(); ++i) {
    expect_close(plain.dst[i], want[i], relative, absolute);
    expect_same_bits(threaded.dst[i], plain.dst[i]);
    expect_same_bits(helped.dst[i], plain.dst[i]);
    expect_close(strided.dst[i], want[i], relative, absolute);
  }
}

TEST(ProgramKernel, one_op_at_every_awkward_size) {
  for (int64_t n : {0, 1, 7, 15, 16, 17, 1023, 1024, 1025, 40000, 150001}) {
    const Value x = in("x", {n}), y = in("y", {n});
    check(ops::add(x, y).node());
    check(ops::exp(x).node());
    check(ops::sum(x).node(), 2e-5, 1e-4);  // the reference kernel adds in float
    if (n > 0) check(ops::max(x).node(), 0, 0);
  }
}

TEST(ProgramKernel, every_kind_of_broadcast) {
  const std::vector<std::pair<Shape, Shape>> shapes = {
      {{33, 100}, {100}},        {{33, 100}, {33, 1}},   {{33, 100}, {}},
      {{33, 1}, {100}},          {{4, 1, 3}, {2, 1}},    {{4, 5, 6}, {5, 6}},
      {{4, 5, 6}, {4, 1, 6}},    {{4, 5, 6}, {4, 1, 1}}, {{3, 2000}, {2000}},
      {{3, 2000}, {3, 1}},       {{70, 1}, {70, 1}},     {{0, 8}, {8}},
      {{2, 3, 1, 5}, {1, 4, 1}}, {{1, 9}, {7, 1}},       {{513, 128}, {128}},
      {{40000, 1}, {1}},         {{700, 200}, {200}}};
  for (const auto& [a, b] : shapes) {
    check(ops::subtract(in("a", a), in("b", b)).node());
    check(ops::divide(in("b", b), in("a", a)).node(), 2e-6, 1e-6, 0.5, 3);
  }
}

TEST(ProgramKernel, every_elementwise_op_of_the_catalog) {
  int n_fast = 0;
  for (const Op* op : ops::catalog()) {
    if (!op->traits.elementwise) continue;
    for (const Case& c : op->cases) {
      // Shapes are taken from the case, dtypes too; values are ours.
      std::vector<Value> inputs;
      for (const std::string& text : c.inputs) {
        const size_t open = text.find('['), close = text.find(']');
        Shape shape;
        for (size_t i = open + 1; i < close;) {
          size_t used = 0;
          shape.push_back(std::stoll(text.substr(i), &used));
          i += used + 1;
        }
        const std::string name = text.substr(0, open);
        const DType dtype = name == "f32"    ? DType::f32
                            : name == "bf16" ? DType::bf16
                            : name == "bool" ? DType::boolean
                            : name == "i32"  ? DType::i32
                            : name == "i64"  ? DType::i64
                            : name == "u8"   ? DType::u8
                            : name == "i8"   ? DType::i8
                                             : DType::f64;
        inputs.push_back(input("x", dtype, shape));
      }
      const Value v = make_value(*op, inputs, c.attributes);
      const bool narrow = v.dtype() == DType::bf16;
      const std::vector<Tensor> src = random_inputs(v.node(), 3, 0.25, 3);
      const std::vector<Tensor> want = run_reference(v.node(), src);
      for (int64_t gap : {0, 5}) {
        const RunResult got = run_kernel(v.node(), src, {.src_gap = gap, .dst_gap = gap});
        SCOPED_TRACE(op->name + " " + str(v.type()) + " by " + got.kernel);
        n_fast += got.kernel != "reference";
        expect_close(got.dst[0], want[0], narrow ? 0.01 : 3e-6, 1e-6);
      }
    }
  }
  EXPECT_GT(n_fast, 100);
}

TEST(ProgramKernel, nan_and_infinities_pass_as_in_the_reference) {
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = Tensor::from<float>({nan, inf, -inf, 0.0F, -0.0F, 1e-40F, -3, 3, 90, -90}, {10});
  for (const Op* op : ops::catalog()) {
    if (!op->traits.elementwise || op->inputs.size() != 1 || op->name == "clip" ||
        op->name == "cast" || op->name == "broadcast_to" || op->name == "logical_not" ||
        op->name == "quantize" || op->name == "dequantize")
      continue;
    const Value v = make_value(*op, {in("x", {10})});
    SCOPED_TRACE(op->name);
    const Tensor got = run_kernel(v.node(), {x}).dst[0], want = run_reference(v.node(), {x})[0];
    for (int64_t i = 0; i < 10; ++i) {
      EXPECT_EQ(std::isnan(got.item(i)), std::isnan(want.item(i))) << x.item(i);
      EXPECT_EQ(std::isinf(got.item(i)), std::isinf(want.item(i))) << x.item(i);
    }
  }
  const Value top = ops::max(in("x", {10}));
  EXPECT_TRUE(std::isnan(run_kernel(top.node(), {x}).dst[0].item()));
}

TEST(ProgramKernel, reductions_over_leading_and_trailing_axes) {
  for (Shape shape : {Shape{37, 100}, Shape{512, 128}, Shape{5, 3000}, Shape{2000, 3}, Shape{64, 1},
                      Shape{1, 64}, Shape{6, 7, 8}, Shape{0, 4}, Shape{4, 0}, Shape{70000, 4}}) {
    const Value x = in("x", shape);
    for (int64_t axis : {int64_t{0}, shape.rank() - 1})
      for (bool keep : {false, true}) {
        SCOPED_TRACE(shape.str() + " axis " + std::to_string(axis));
        check(ops::sum(x, {axis}, keep).node(), 1e-5, 1e-3);
        if (shape.count() != Dim(0)) check(ops::min(x, {axis}, keep).node(), 0, 0);
      }
  }
}

TEST(ProgramKernel, a_long_sum_keeps_its_digits) {
  const int64_t n = 10'000'000;
  Tensor x(DType::f32, {n / 10, 10});
  for (int64_t i = 0; i < n; ++i) x.data<float>()[i] = 0.1F;
  const Value all = ops::sum(in("x", {n / 10, 10})), columns = ops::sum(in("x", {n / 10, 10}), {0});
  const double want = static_cast<double>(0.1F) * n;
  EXPECT_NEAR(run_kernel(all.node(), {x}).dst[0].item(), want, want * 5e-7);
  EXPECT_NEAR(run_kernel(columns.node(), {x}).dst[0].item(3), want / 10, want * 5e-8);
}

TEST(ProgramKernel, fused_chains_with_several_results) {
  for (int64_t rows : {1, 3, 100, 1000}) {
    for (int64_t cols : {1, 5, 128, 1500}) {
      const Value x = in("x", {rows, cols}), bias = in("b", {cols}), scale = in("s", {rows, 1});
      const Value y = ops::relu(x + bias);
      const Value g = in("g", {rows, cols});
      const Value gx = g * ops::step(y) * scale;
      const auto node = fused({x, bias, scale, g}, {y, gx, ops::sum(gx, {0}), ops::sum(gx, {1}),
                                                    ops::max(y, {1}, true), ops::greater(x, g)});
      SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(cols));
      if (rows > 1 && cols > 1) check(*node, 1e-5, 1e-4);
    }
  }
}

TEST(ProgramKernel, fused_with_constants_conversions_and_everything_summed) {
  const Value z = in("z", {70, 9}), y = in("y", {70, 9}, DType::i32),
              w = in("w", {70, 9}, DType::bf16);
  const Value label = ops::cast(y, DType::f32);
  const Value weight = ops::cast(w, DType::f32);
  const Value loss = ops::sigmoid_cross_entropy(z, label) * weight;
  const Value total = ops::sum(loss);
  const Value g = (ops::sigmoid(z) - label) * weight * 0.25;
  check(*fused({z, y, w}, {total, g, ops::cast(g, DType::bf16), ops::greater(z, constant(0.0))}),
        1e-2, 1e-4);
}

TEST(ProgramKernel, adds_to_its_destinations_when_asked) {
  const Value x = in("x", {300, 20}), y = in("y", {300, 20});
  const Value p = x * y;
  const auto node = fused({x, y}, {p, ops::sum(p, {0}), ops::sum(p, {1}), ops::sum(p)});
  const auto src = random_inputs(*node, 5);
  const auto want = run_reference(*node, src);
  const RunResult got = run_kernel(*node, src, {.accumulate = {true, true, true, true}});
  EXPECT_NE(got.kernel, "reference");
  for (size_t i = 0; i < want.size(); ++i) {
    Tensor sum = want[i].clone();
    for (int64_t j = 0; j < sum.count(); ++j) sum.data<float>()[j] += 1.0F;
    expect_close(got.dst[i], sum, 1e-5, 1e-4);
  }
}

}  // namespace
}  // namespace andiron::exec
