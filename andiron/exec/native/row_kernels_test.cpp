#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "andiron/base/error.hpp"
#include "andiron/exec/native/kernel_testing.hpp"
#include "andiron/ops/catalog.hpp"
#include "andiron/ops/elementary.hpp"
#include "andiron/ops/matmul/counted_matmul.hpp"
#include "andiron/ops/normalize.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::exec {
namespace {

using namespace testing_support;

Value in(Shape shape, DType dtype = DType::f32) { return input("x", dtype, std::move(shape)); }

// Fast kernel against reference kernel; gaps only where the kernel understands them.
void check(const Node& node, const std::vector<Tensor>& src, double relative, double absolute) {
  const std::vector<Tensor> want = run_reference(node, src);
  for (const RunOptions& options :
       {RunOptions{}, RunOptions{.threads = 3}, RunOptions{.helpers = 2},
        RunOptions{.src_gap = 3, .dst_gap = 5}}) {
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

// Shares begin at any row, and short rows go together.
TEST(RowKernels, a_row_of_a_softmax_has_the_same_bits_wherever_it_stands) {
  for (int64_t n : {7, 300, 700}) {
    const int64_t rows = 103;
    const Tensor x = random_tensor({DType::f32, Shape{rows, n}}, 3, -30, 30);
    const Tensor labels = random_tensor({DType::i32, Shape{rows}}, 4, 0, static_cast<double>(n));
    const auto outputs = [&](int64_t count, const RunOptions& options, const Tensor& some,
                             const Tensor& ids) {
      const Value v = in({count, n}), at = in({count}, DType::i32);
      return std::vector<Tensor>{
          run_kernel(ops::softmax(v).node(), {some}, options).dst[0],
          run_kernel(ops::log_softmax(v).node(), {some}, options).dst[0],
          run_kernel(ops::logsumexp(v, {-1}).node(), {some}, options).dst[0],
          run_kernel(ops::sparse_softmax_cross_entropy(v, at).node(), {some, ids}, options).dst[0]};
    };
    const std::vector<Tensor> whole = outputs(rows, {}, x, labels);
    for (const RunOptions& options : {RunOptions{.threads = 3}, RunOptions{.helpers = 2}}) {
      const std::vector<Tensor> shared = outputs(rows, options, x, labels);
      for (size_t i = 0; i < whole.size(); ++i) expect_same_bits(shared[i], whole[i]);
    }
    for (int64_t r : {int64_t{0}, int64_t{5}, rows - 1}) {
      const auto row_of = [&](const Tensor& t) {
        Sizes sizes = t.sizes();
        sizes[0] = 1;
        Tensor row(t.dtype(), sizes);
        std::memcpy(row.raw(),
                    static_cast<std::byte*>(t.raw()) + r * static_cast<int64_t>(row.n_bytes()),
                    row.n_bytes());
        return row;
      };
      const std::vector<Tensor> one = outputs(1, {}, row_of(x), row_of(labels));
      for (size_t i = 0; i < whole.size(); ++i) expect_same_bits(one[i], row_of(whole[i]));
    }
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

TEST(RowKernels, a_count_beyond_the_rows_is_an_error) {
  for (const bool over_rows : {false, true}) {
    const Value a = in({3, 5}), b = in(over_rows ? Shape{3, 4} : Shape{5, 4});
    const Value n = input("n", DType::i32, {1});
    const Value y = ops::counted_matmul(a, b, n, {.transpose_a = over_rows});
    for (const int32_t count : {-1, 4}) {
      const std::vector<Tensor> src = {random_tensor(a.type(), 1), random_tensor(b.type(), 2),
                                       Tensor::from<int32_t>({count}, {1})};
      EXPECT_THROW(run_kernel(y.node(), src), Error);
      EXPECT_THROW(run_reference(y.node(), src), Error);
    }
  }
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

TEST(RowKernels, group_norms_of_every_layout) {
  struct Layout {
    Shape shape;
    int64_t groups, axis;
  };
  for (const Layout& l :
       {Layout{{300, 500}, 1, 1}, Layout{{3, 5000}, 1, 1}, Layout{{200, 96}, 8, 1},
        Layout{{6, 32, 15, 14}, 4, 1}, Layout{{6, 15, 14, 32}, 4, -1},
        Layout{{3, 7, 200, 40}, 40, -1}, Layout{{1, 24, 70, 60}, 24, 1}}) {
    const int64_t channels = l.shape[l.axis == 1 ? 1 : l.shape.size() - 1].size();
    const Value x = in(l.shape), c = in({channels}), statistic = in({l.shape[0], l.groups});
    const ops::GroupNormOptions options{.groups = l.groups, .axis = l.axis, .epsilon = 1e-5};
    const std::vector<Value> normal = ops::group_norm(x, c, c, options);
    const Node& forward = normal[0].node();
    // A mean that is large beside the deviation.
    std::vector<Tensor> src = {random_tensor(x.type(), 1, 99, 101), random_tensor(c.type(), 2),
                               random_tensor(c.type(), 3)};
    check(forward, src, 1e-4, 1e-4);
    const std::vector<Tensor> out = run_reference(forward, src);
    std::vector<Tensor> back = {src[0], out[1], out[2], random_tensor(x.type(), 4)};
    const Value sums = make_node(ops::find("group_norm_grad_scale"), {x, statistic, statistic, x},
                                 forward.attributes)[0];
    check(sums.node(), back, 1e-4, 1e-2);
    back.push_back(src[1]);
    check(make_value(ops::find("group_norm_grad"), {x, statistic, statistic, x, c},
                     forward.attributes)
              .node(),
          back, 1e-4, 1e-4);
  }
}

// What a mean misses by rounding, a deviation of almost 0 makes large.
TEST(RowKernels, groups_of_one_number_become_zeros) {
  for (const int64_t axis : {1, -1}) {
    const Value x = in(axis == 1 ? Shape{2, 6, 3, 50} : Shape{2, 3, 50, 6}), c = in({6});
    const Value normal = ops::group_norm(x, c, c, {.groups = 2, .axis = axis})[0];
    const Tensor ones = Tensor::full(DType::f32, {6}, 1), zeros = Tensor::zeros(DType::f32, {6});
    const Tensor same = Tensor::full(DType::f32, x.shape().sizes(), 1.785109519958496);
    const Tensor got = run_kernel(normal.node(), {same, ones, zeros}).dst[0];
    for (int64_t i = 0; i < got.count(); ++i) ASSERT_EQ(got.item(i), 0.0) << axis;
  }
}

TEST(RowKernels, sorting_and_running_sums) {
  for (Shape shape : {Shape{3, 5000}, Shape{40, 300}, Shape{600, 70}, Shape{2, 800, 3},
                      Shape{2, 9000}, Shape{17, 29}, Shape{30, 1}, Shape{9, 128}}) {
    const Value x = in(shape);
    Tensor t = random_tensor(x.type(), 5, -300, 300);
    for (int64_t i = 0; i < t.count(); ++i) t.data<float>()[i] = std::round(t.data<float>()[i]);
    t.data<float>()[3] = t.data<float>()[17] = std::nanf("");
    t.data<float>()[9] = std::numeric_limits<float>::infinity();
    t.data<float>()[4] = -std::numeric_limits<float>::infinity();
    t.data<float>()[5] = -0.0F;
    for (int64_t axis = 0; axis < x.rank(); ++axis)
      for (bool flag : {false, true}) {
        check(ops::sort(x, axis, flag)[0].node(), {t}, 0, 0);
        check(ops::cumsum(x, axis, flag, !flag).node(), {random_tensor(x.type(), 6)}, 1e-5, 1e-3);
        check(ops::cumprod(x, axis, !flag, flag).node(), {random_tensor(x.type(), 6, 0.9, 1.1)},
              1e-4, 1e-6);
      }
    const Value whole = in(shape, DType::i32);
    check(ops::sort(whole, 1).at(0).node(), {random_tensor(whole.type(), 7, -9e8, 9e8)}, 0, 0);
  }
}

TEST(RowKernels, softmax_and_argmax_along_other_axes) {
  for (Shape shape : {Shape{300, 70}, Shape{2, 9, 200}, Shape{5, 1, 3}, Shape{7, 100, 1}}) {
    const Value x = in(shape);
    Tensor t = random_tensor(x.type(), 5, -30, 30);
    for (int64_t axis : {0, 1}) {
      check(ops::softmax(x, axis).node(), {t}, 1e-5, 1e-9);
      check(ops::log_softmax(x, axis).node(), {t}, 1e-5, 1e-5);
      check(ops::logsumexp(x, {axis}).node(), {t}, 1e-5, 1e-5);
      for (int64_t i = 0; i < t.count(); ++i) t.data<float>()[i] = std::round(t.data<float>()[i]);
      t.data<float>()[1] = std::nanf("");
      check(ops::argmax(x, axis).node(), {t}, 0, 0);
      t.data<float>()[1] = 0.0F;
    }
  }
}

TEST(RowKernels, elements_by_index) {
  const Value x = in({60, 50, 4}), ids = in({60, 70, 4}, DType::i64);
  const std::vector<Tensor> src = {random_tensor(x.type(), 1), random_tensor(ids.type(), 2, 0, 50)};
  check(ops::gather_elements(x, ids, 1).node(), src, 0, 0);
  const Value updates = in({60, 70, 4});
  for (const char* reduction : {"none", "add"})
    check(ops::scatter_elements(x, ids, updates, 1, reduction).node(),
          {src[0], src[1], random_tensor(updates.type(), 3)}, 1e-5, 1e-5);
  const Value g = in({300, 40}), at = in({300}, DType::i32);
  const Attributes shape = {{"shape", Shape{50, 40}}};
  check(make_value(ops::find("gather_grad"), {g, at}, shape).node(),
        {random_tensor(g.type(), 4), random_tensor(at.type(), 5, 0, 50)}, 1e-5, 1e-5);
}

TEST(RowKernels, elements_by_index_along_the_last_axis_and_of_one_matrix) {
  for (const auto& [shape, axis] : {std::pair{Shape{30, 900}, 1}, std::pair{Shape{900, 50}, 0},
                                    std::pair{Shape{20000}, 0}, std::pair{Shape{7, 300, 20}, 1}})
    for (DType type : {DType::i32, DType::i64}) {
      const Value x = in(shape), ids = in(shape, type);
      const auto n = static_cast<double>(shape[static_cast<size_t>(axis)].size());
      const std::vector<Tensor> src = {random_tensor(x.type(), 1),
                                       random_tensor(ids.type(), 2, 0, n)};
      check(ops::gather_elements(x, ids, axis).node(), src, 0, 0);
      for (const char* reduction : {"none", "add"})
        check(ops::scatter_elements(x, ids, x, axis, reduction).node(),
              {src[0], src[1], random_tensor(x.type(), 3)}, 1e-5, 1e-5);
    }
}

TEST(RowKernels, an_index_out_of_range_is_named_whoever_meets_it) {
  const Value x = in({60, 50, 4}), ids = in({60, 70, 4}, DType::i64);
  const Value added = in({60, 70, 4});
  const Tensor values = random_tensor(x.type(), 1), updates = random_tensor(added.type(), 2);
  for (const int64_t wrong : {int64_t{57}, int64_t{-1}, int64_t{1} << 40})
    for (const int64_t at : {0, 9000, 60 * 70 * 4 - 1})
      for (const RunOptions& options :
           {RunOptions{}, RunOptions{.threads = 3}, RunOptions{.helpers = 2}}) {
        Tensor indices = Tensor::zeros(DType::i64, {60, 70, 4});
        indices.data<int64_t>()[at] = wrong;
        const auto expect_named = [&](const Value& v, const std::vector<Tensor>& src) {
          try {
            run_kernel(v.node(), src, options);
            ADD_FAILURE() << wrong << " at " << at;
          } catch (const Error& e) {
            EXPECT_NE(std::string(e.what()).find(std::to_string(wrong)), std::string::npos)
                << e.what();
          }
        };
        expect_named(ops::gather_elements(x, ids, 1), {values, indices});
        expect_named(ops::scatter_elements(x, ids, added, 1, "add"), {values, indices, updates});
      }
}

TEST(RowKernels, whole_numbers) {
  const double most = 2147483647.0;
  for (DType dtype : {DType::i32, DType::i64})
    for (const auto& [left, right] :
         {std::pair{Shape{300, 500}, Shape{300, 500}}, std::pair{Shape{300, 500}, Shape{500}},
          std::pair{Shape{}, Shape{7, 9}}}) {
      const Value a = in(left, dtype), b = in(right, dtype);
      std::vector<Tensor> src = {random_tensor(a.type(), 1, -most, most),
                                 random_tensor(b.type(), 2, -20, 20)};
      if (dtype == DType::i32 && a.rank() > 0) {
        src[0].data<int32_t>()[0] = std::numeric_limits<int32_t>::min();
        src[1].data<int32_t>()[0] = -1;
      }
      for (const char* op : {"add", "subtract", "multiply", "maximum", "minimum", "integer_divide",
                             "remainder", "bitwise_and", "bitwise_or", "bitwise_xor", "shift_left",
                             "shift_right", "equal", "less_equal", "greater"})
        check(make_value(ops::find(op), {a, b}).node(), src, 0, 0);
    }
}

TEST(RowKernels, copies_of_every_kind) {
  const Value a = in({40, 7, 3}), b = in({40, 2, 3}), c = in({9, 7, 3});
  for (const Value& v : {ops::concat({a, b}, 1),
                         ops::concat({a, c}, 0),
                         ops::split(a, {3, 0, 4}, 1)[0],
                         ops::slice(a, {1, 2, 0}, {30, 4, -1}),
                         ops::pad(a, {1, 0, 2}, {0, 3, 1}, -1.5),
                         ops::transpose(a),
                         ops::transpose(a, {0, 2, 1}),
                         ops::transpose(a, {1, 0, 2}),
                         ops::transpose(in({130, 70})),
                         ops::transpose(in({512, 264})),
                         ops::transpose(in({2, 160, 250}), {0, 2, 1}),
                         ops::transpose(in({40, 3, 90}), {2, 1, 0}),
                         ops::transpose(in({90, 70}, DType::i64)),
                         ops::pad(in({3, 200, 300}), {0, 1, 2}, {1, 0, 0}),
                         ops::pad(in({300, 0}), {0, 2}, {0, 1}, 3),
                         ops::pad(in({7}, DType::i64), {3}, {0}, -2),
                         ops::transpose(in({3, 1, 5, 4}), {3, 1, 0, 2}),
                         ops::concat({in({300, 200}), in({300, 100})}),
                         ops::transpose(in({0, 5})),
                         ops::slice(in({5}), {2}, {3}),
                         ops::transpose(in({17, 33}, DType::bf16)),
                         ops::concat({in({4, 5}, DType::i64), in({4, 1}, DType::i64)})})
    check(v.node(), random_inputs(v.node(), 8, -99, 99), 0, 0);
}

// Every fold over leading, middle, trailing and all axes, cut into segments or not.
TEST(RowKernels, reductions_of_neighbouring_axes) {
  for (Shape shape : {Shape{5, 20, 64}, Shape{3, 200, 7}, Shape{2, 3, 1000}, Shape{40, 70, 33},
                      Shape{2, 0, 5}, Shape{0, 3, 5}, Shape{300, 5, 200}, Shape{1, 90000, 1}}) {
    const Value x = in(shape);
    const auto src = random_inputs(ops::sum(x).node(), 2);
    const auto near_one = random_inputs(ops::sum(x).node(), 2, 0.99, 1.01);
    for (const std::vector<int64_t>& axes :
         {std::vector<int64_t>{0}, {1}, {2}, {0, 1}, {1, 2}, {0, 1, 2}}) {
      for (bool keep : {false, true}) {
        check(ops::sum(x, axes, keep).node(), src, 1e-5, 1e-3);
        check(ops::prod(x, axes, keep).node(), near_one, 1e-4, 1e-6);
      }
      if (src[0].count() == 0) continue;
      check(ops::max(x, axes).node(), src, 0, 0);
      check(ops::min(x, axes, true).node(), src, 0, 0);
      Tensor with_nan = src[0].clone();
      with_nan.data<float>()[with_nan.count() / 2] = std::nanf("");
      check(ops::max(x, axes).node(), {with_nan}, 0, 0);
      check(ops::min(x, axes).node(), {with_nan}, 0, 0);
    }
  }
  const Value y = in({3, 4, 5, 6});
  check(ops::sum(y, {1, 2}).node(), random_inputs(ops::sum(y).node(), 3), 1e-5, 1e-4);
}

TEST(RowKernels, reductions_have_the_same_bits_with_any_number_of_threads_and_can_add) {
  for (Shape shape : {Shape{3000, 60}, Shape{4, 50000}, Shape{40, 70, 33}})
    for (int64_t axis = 0; axis < static_cast<int64_t>(shape.size()); ++axis) {
      const Value v = ops::sum(in(shape), {axis});
      const auto src = random_inputs(v.node(), 5);
      const Tensor one = run_kernel(v.node(), src).dst[0];
      expect_same_bits(run_kernel(v.node(), src, {.threads = 3}).dst[0], one);
      expect_same_bits(run_kernel(v.node(), src, {.helpers = 2}).dst[0], one);
      const RunResult more = run_kernel(v.node(), src, {.threads = 2, .accumulate = {true}});
      Tensor want = one.clone();
      for (int64_t i = 0; i < want.count(); ++i) want.data<float>()[i] += 1.0F;
      expect_same_bits(more.dst[0], want);
    }
}

TEST(RowKernels, resampling_along_every_axis) {
  // Rows of one, two, three and no taps; a weight of zero beside an infinity.
  const std::vector<int64_t> first = {0, 1, 2, 2, 6, 7, 5, 0, 3, 3, 4};
  std::vector<double> weights;
  for (size_t o = 0; o < first.size(); ++o)
    for (size_t t = 0; t < 3; ++t)
      weights.push_back(t <= o % 3 && o != 7 ? 0.25 + 0.1 * static_cast<double>(o + t) : 0.0);
  for (Shape shape :
       {Shape{10, 30, 3}, Shape{60, 10, 40}, Shape{3, 50, 10}, Shape{1, 1, 10}, Shape{9, 400, 10}})
    for (int64_t axis = 0; axis < 3; ++axis) {
      if (shape[static_cast<size_t>(axis)] != Dim(10)) continue;
      Attributes attributes = {
          {"axis", axis}, {"first", first}, {"weights", weights}, {"size", int64_t{10}}};
      const Value y = make_value(ops::find("resample"), {in(shape)}, attributes);
      std::vector<Tensor> src = random_inputs(y.node(), 3);
      src[0].data<float>()[1] = std::numeric_limits<float>::infinity();
      check(y.node(), src, 1e-5, 1e-6);
      attributes.set("transpose", true);
      const Value back = make_value(ops::find("resample"), {in(y.shape())}, attributes);
      check(back.node(), random_inputs(back.node(), 4), 1e-5, 1e-6);
    }
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
