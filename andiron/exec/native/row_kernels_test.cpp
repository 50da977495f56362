#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "andiron/base/error.hpp"
#include "andiron/exec/native/kernel_testing.hpp"
#include "andiron/ops/catalog.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::exec {
namespace {

using namespace testing_support;

Value in(Shape shape, DType dtype = DType::f32) { return input("x", dtype, std::move(shape)); }

// Fast kernel against reference kernel; gaps only where the kernel understands them.
void check(const Node& node, const std::vector<Tensor>& src, double relative, double absolute) {
  const std::vector<Tensor> want = run_reference(node, src);
  for (const RunOptions& options :
       {RunOptions{}, RunOptions{.threads = 3}, RunOptions{.src_gap = 3, .dst_gap = 5}}) {
    const RunResult got = run_kernel(node, src, options);
    SCOPED_TRACE(node.op->name + " by " + got.kernel);
    if (options.src_gap == 0) {
      EXPECT_NE(got.kernel, "reference");
    }
    for (size_t i = 0; i < want.size(); ++i) expect_close(got.dst[i], want[i], relative, absolute);
  }
}

TEST(RowKernels, softmax_and_relatives) {
  for (Shape shape : {Shape{1}, Shape{3, 7}, Shape{5, 32}, Shape{200, 1000}, Shape{2, 3, 33},
                      Shape{0, 4}, Shape{3, 5000}}) {
    const Value x = in(shape);
    const auto src = random_inputs(ops::softmax(x).node(), 3, -30, 30);
    check(ops::softmax(x).node(), src, 1e-5, 1e-9);
    check(ops::log_softmax(x).node(), src, 1e-5, 1e-5);
    check(ops::logsumexp(x, {-1}).node(), src, 1e-5, 1e-5);
    const Value labels = in(Shape(shape.begin(), shape.end() - 1), DType::i64);
    Tensor ids = random_tensor(labels.type(), 5, 0, static_cast<double>(shape.back().size()));
    check(ops::sparse_softmax_cross_entropy(x, labels).node(), {src[0], ids}, 1e-5, 1e-5);
    const Value g = in(labels.shape());
    check(make_value(ops::find("sparse_softmax_cross_entropy_grad"), {x, labels, g}).node(),
          {src[0], ids, random_tensor(g.type(), 9)}, 1e-5, 1e-6);
  }
}

TEST(RowKernels, infinite_and_nan_logits_give_what_the_reference_gives) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  const Tensor x =
      Tensor::from<float>({1, 2, nan, 0, -inf, -inf, -inf, -inf, inf, 1, 2, 3}, {3, 4});
  for (const Value& v :
       {ops::softmax(in({3, 4})), ops::log_softmax(in({3, 4})), ops::logsumexp(in({3, 4}), {-1})})
    check(v.node(), {x}, 1e-6, 1e-6);
}

TEST(RowKernels, a_label_out_of_range_is_named) {
  const Value v = ops::sparse_softmax_cross_entropy(in({2, 3}), in({2}, DType::i32));
  const Tensor x = Tensor::zeros(DType::f32, {2, 3}), ids = Tensor::from<int32_t>({0, 3}, {2});
  EXPECT_THROW(run_kernel(v.node(), {x, ids}), Error);
}

TEST(RowKernels, argmax_and_topk_prefer_the_first_and_nan) {
  for (int64_t n : {1, 2, 31, 32, 33, 1000}) {
    Tensor x = random_tensor({DType::f32, Shape{50, n}}, 4, -4, 4);
    for (int64_t i = 0; i < x.count(); ++i) x.data<float>()[i] = std::round(x.data<float>()[i]);
    if (n > 3) x.data<float>()[n + 2] = x.data<float>()[n + 3] = std::nanf("");
    check(ops::argmax(in({50, n})).node(), {x}, 0, 0);
    for (int64_t k : {int64_t{1}, std::min<int64_t>(n, 10), n})
      check(ops::topk(in({50, n}), k)[0].node(), {x}, 0, 0);
  }
}

TEST(RowKernels, copies_of_every_kind) {
  const Value a = in({40, 7, 3}), b = in({40, 2, 3}), c = in({9, 7, 3});
  for (const Value& v :
       {ops::concat({a, b}, 1), ops::concat({a, c}, 0), ops::split(a, {3, 0, 4}, 1)[0],
        ops::slice(a, {1, 2, 0}, {30, 4, -1}), ops::pad(a, {1, 0, 2}, {0, 3, 1}, -1.5),
        ops::transpose(a), ops::transpose(a, {0, 2, 1}), ops::transpose(a, {1, 0, 2}),
        ops::transpose(in({130, 70})), ops::transpose(in({3, 1, 5, 4}), {3, 1, 0, 2}),
        ops::concat({in({300, 200}), in({300, 100})}), ops::transpose(in({0, 5})),
        ops::slice(in({5}), {2}, {3}), ops::transpose(in({17, 33}, DType::bf16)),
        ops::concat({in({4, 5}, DType::i64), in({4, 1}, DType::i64)})})
    check(v.node(), random_inputs(v.node(), 8, -99, 99), 0, 0);
}

TEST(RowKernels, reductions_of_middle_axes) {
  for (Shape shape : {Shape{5, 20, 64}, Shape{3, 200, 7}, Shape{2, 3, 1000}, Shape{40, 70, 33},
                      Shape{2, 0, 5}, Shape{0, 3, 5}}) {
    const Value x = in(shape);
    const auto src = random_inputs(ops::sum(x, {1}).node(), 2);
    check(ops::sum(x, {1}).node(), src, 1e-5, 1e-4);
    if (shape[1] != Dim(0)) check(ops::max(x, {1}, true).node(), src, 0, 0);
  }
  const Value y = in({3, 4, 5, 6});
  check(ops::sum(y, {1, 2}).node(), random_inputs(ops::sum(y).node(), 3), 1e-5, 1e-4);
}

TEST(RowKernels, gather_and_one_hot) {
  const Value x = in({6, 50, 4}), ids = in({70, 2}, DType::i32);
  for (int64_t axis : {1, 0}) {
    const Value v = ops::gather(x, ids, axis);
    check(v.node(),
          {random_tensor(x.type(), 1), random_tensor(ids.type(), 2, 0, axis == 1 ? 50 : 6)}, 0, 0);
  }
  const Value bad = ops::gather(x, ids, 0);
  EXPECT_THROW(
      run_kernel(bad.node(), {random_tensor(x.type(), 1), Tensor::full(DType::i32, {70, 2}, 6)}),
      Error);
  for (DType dtype : {DType::f32, DType::bf16, DType::boolean, DType::i64})
    check(ops::one_hot(ids, 5, dtype).node(), {random_tensor(ids.type(), 3, -2, 8)}, 0, 0);
}

TEST(RowKernels, random_numbers_have_the_bits_of_the_reference) {
  for (int64_t n : {0, 1, 3, 4, 5, 63, 64, 65, 1000, 100003}) {
    const Value v = ops::random_uniform({n}, in({}, DType::i64), 42, -1.0, 2.5);
    const Tensor counter = Tensor::scalar(17, DType::i64);
    expect_same_bits(run_kernel(v.node(), {counter}).dst[0], run_reference(v.node(), {counter})[0]);
    expect_same_bits(run_kernel(v.node(), {counter}, {.threads = 3}).dst[0],
                     run_reference(v.node(), {counter})[0]);
  }
}

}  // namespace
}  // namespace andiron::exec
