// The exact words for typical mistakes, and shapes while the batch is a symbol.
#include <gtest/gtest.h>

#include <functional>

#include "andiron/base/error.hpp"
#include "andiron/ops/catalog.hpp"
#include "andiron/ops/ops.hpp"
#include "andiron/ops/reference.hpp"

namespace andiron::ops {
namespace {

Value f32(Shape shape) { return input("x", DType::f32, std::move(shape)); }
Value i32(Shape shape) { return input("i", DType::i32, std::move(shape)); }
const Dim batch = Dim::symbol("batch");

std::string message(const std::function<void()>& mistake) {
  try {
    mistake();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

#define EXPECT_MESSAGE(mistake, words) EXPECT_EQ(message([&] { mistake; }), words)

TEST(OpErrors, of_windows) {
  const Value x = f32({8, 16, 32, 32}), w = f32({32, 16, 3, 3});
  EXPECT_MESSAGE(conv(f32({8, 16}), w),
                 "[conv] takes [N, C, spatial...] with 1 to 3 spatial axes; got [8,16]");
  EXPECT_MESSAGE(conv(x, f32({32, 5, 3, 3}), {}, {.groups = 3}),
                 "[conv] groups=3 does not divide C=16; src is [8,16,32,32]");
  EXPECT_MESSAGE(conv(x, f32({31, 8, 3, 3}), {}, {.groups = 2}),
                 "[conv] groups=2 does not divide O=31; weights are [31,8,3,3]");
  EXPECT_MESSAGE(conv(x, w, {}, {.groups = 0}), "[conv] groups must be positive; got 0");
  EXPECT_MESSAGE(conv(x, f32({32, 8, 3, 3})),
                 "[conv] weights [32,8,3,3] take 8 channels in 1 groups; src is [8,16,32,32]");
  EXPECT_MESSAGE(conv(x, w, f32({16})), "[conv] bias must be [32]; got [16]");
  EXPECT_MESSAGE(conv(x, w, {}, {.strides = {0}}),
                 "[conv] strides must be between 1 and 2147483647; got [0,0]");
  EXPECT_MESSAGE(conv(x, w, {}, {.strides = {1, 2, 3}}),
                 "[conv] strides needs one entry, or one for each of 2 spatial axes; got [1,2,3]");
  EXPECT_MESSAGE(conv(x, w, {}, {.padding = "explicit", .pads_begin = {-1}}),
                 "[conv] pads_begin must be between 0 and 2147483647; got [-1,-1]");
  EXPECT_MESSAGE(conv(x, w, {}, {.pads_begin = {1}}),
                 "[conv] pads_begin and pads_end are for padding 'explicit'; got 'valid'");
  EXPECT_MESSAGE(conv(x, w, {}, {.padding = "full"}),
                 "[conv] padding is 'valid', 'same' or 'explicit'; got 'full'");
  EXPECT_MESSAGE(conv(x, w, {}, {.dilations = {16}}),
                 "[conv] a window of 33 (kernel 3, dilation 16) does not fit into axis 2 of "
                 "[8,16,32,32] with pads 0 and 0");
  EXPECT_MESSAGE(
      conv(f32({int64_t{1} << 40, 16, 1, 1}), w, {},
           {.padding = "explicit", .pads_begin = {2147483647}, .pads_end = {0}}),
      "[conv] the result [1099511627776,32,2147483646,2147483646] has too many elements");
  EXPECT_MESSAGE(conv(x, f32({0, 16, 3, 3})), "[conv] weights are empty: [0,16,3,3]");
  // Gradients get the window as attributes. Found by tests/fuzz/ops_fuzz.cpp.
  const auto grad = [&](int64_t stride, int64_t pad) {
    return make_value(find("conv_grad_src"), {x, w},
                      {{"shape", x.shape()},
                       {"strides", std::vector<int64_t>{stride, 1}},
                       {"dilations", std::vector<int64_t>{1, 1}},
                       {"pads_begin", std::vector<int64_t>{0, 0}},
                       {"pads_end", std::vector<int64_t>{0, pad}}});
  };
  EXPECT_MESSAGE(grad(1, INT64_MAX - 1),
                 "[conv_grad_src] pads_end must be between 0 and 2147483647; got "
                 "[0,9223372036854775806]");
  EXPECT_MESSAGE(grad(0, 0), "[conv_grad_src] strides must be between 1 and 2147483647; got [0,1]");
  EXPECT_MESSAGE(max_pool(x, {}), "[max_pool] kernel needs the sizes of the window");
  EXPECT_MESSAGE(max_pool(f32({8, 28, 28, 1}), {2}),
                 "[max_pool] a window of 2 (kernel 2, dilation 1) does not fit into axis 3 of "
                 "[8,28,28,1] with pads 0 and 0; where channels are the last axis, layers need "
                 "data_format=\"channels_last\"");
  EXPECT_MESSAGE(max_pool(f32({8, 64, 3, 3}), {4}),
                 "[max_pool] a window of 4 (kernel 4, dilation 1) does not fit into axis 2 of "
                 "[8,64,3,3] with pads 0 and 0");
  EXPECT_MESSAGE(max_pool(x, {2}, {.padding = "explicit", .pads_begin = {2}, .pads_end = {0}}),
                 "[max_pool] pads must be smaller than the window of 2, or windows would see "
                 "nothing; got 2 and 0");
  EXPECT_MESSAGE(
      max_pool(x, {65536}, {.padding = "explicit", .pads_begin = {65535}, .pads_end = {65535}}),
      "[max_pool] a window of [65536,65536] has too many taps");
  EXPECT_MESSAGE(max_pool(f32({1, 1, 3}), {3},
                          {.strides = {1},
                           .dilations = {4},
                           .padding = "explicit",
                           .pads_begin = {4},
                           .pads_end = {6}}),
                 "[max_pool] window 3 along axis 2 of [1,1,3] would see nothing: its taps are 4 "
                 "apart");
  EXPECT_MESSAGE(avg_pool(x, {2}, {.dilations = {2}}), "[avg_pool] has no dilation; got [2,2]");
  EXPECT_MESSAGE(adaptive_avg_pool(x, {0}),
                 "[adaptive_avg_pool] output_size and the sizes of [8,16,32,32] must be positive; "
                 "got [0,0]");
  EXPECT_MESSAGE(make_value(find("sum_segments"), {i32({}), i32({3}), i32({1}), f32({2, 4})}),
                 "[sum_segments] order must be int32[2]; got int32[]");
  EXPECT_MESSAGE(lrn(x, 0), "[lrn] size must be positive; got 0");
  EXPECT_MESSAGE(batch_norm(x, f32({3}), {}),
                 "[batch_norm] scale must be [16] like axis 1 of float32[8,16,32,32]; got "
                 "float32[3]");
  EXPECT_MESSAGE(resize(x, {0, 4}), "[resize] sizes must be positive; got [0,4] for [8,16,32,32]");
  EXPECT_MESSAGE(pixel_shuffle(x, 3),
                 "[pixel_shuffle] the channels of [8,16,32,32] must be a multiple of 9");
  EXPECT_MESSAGE(channel_shuffle(x, 3),
                 "[channel_shuffle] groups=3 does not divide the channels of [8,16,32,32]");
  EXPECT_MESSAGE(pad_edges(x, {0, 0, 1, 1}, {0, 0, 1, 1}, "mirror"),
                 "[pad_edges] mode is reflect, symmetric, edge or wrap; got 'mirror'");
}

TEST(OpErrors, name_the_op_the_rule_and_what_came) {
  EXPECT_MESSAGE(add(f32({2, 3}), f32({2, 4})),
                 "[add] shapes [2,3] and [2,4] do not broadcast: axis 1 has 3 and 4");
  EXPECT_MESSAGE(add(f32({2}), i32({2})),
                 "[add] operands must have one dtype; got float32[2] and int32[2]");
  EXPECT_MESSAGE(exp(i32({2})), "[exp] takes floating point values; got int32[2]");
  EXPECT_MESSAGE(subtract(equal(f32({2}), f32({2})), equal(f32({2}), f32({2}))),
                 "[subtract] takes numbers; got bool[2]");
  EXPECT_MESSAGE(clip(f32({2}), 2, 1), "[clip] low must not exceed high; got 2 and 1");
  EXPECT_MESSAGE(where(f32({2}), f32({2}), f32({2})),
                 "[where] the condition must be bool; got float32[2]");
  EXPECT_MESSAGE(logical_not(f32({2})), "[logical_not] takes bool; got float32[2]");
  EXPECT_MESSAGE(matmul(f32({batch, 3}), f32({4, 5})),
                 "[matmul] inner sizes differ: 3 and 4; a is [batch,3], b is [4,5]");
  EXPECT_MESSAGE(sum(f32({2, 3}), {2}), "[sum] axis=2 is out of range for a value of rank 2");
  EXPECT_MESSAGE(max(f32({2, 0}), {1}), "[max] axis 1 of [2,0] is empty");
  EXPECT_MESSAGE(mean(i32({2})), "[mean] takes floating point values; got int32[2]");
  EXPECT_MESSAGE(topk(f32({2, 3}), 4), "[topk] k must lie in [1, 3]; got 4");
  EXPECT_MESSAGE(reshape(f32({batch, 6}), {4, 4}),
                 "[reshape] [batch,6] has 6*batch elements and cannot become [4,4]");
  EXPECT_MESSAGE(transpose(f32({2, 3}), {0, 0}),
                 "[transpose] permutation [0,0] must name each of the 2 axes once");
  EXPECT_MESSAGE(concat({f32({2, 3}), f32({3, 3})}, 1),
                 "[concat] shapes must agree except along axis 1; got [2,3] and [3,3]");
  EXPECT_MESSAGE(broadcast_to(f32({1}), {-5}),
                 "[broadcast_to] sizes must not be negative; got [-5]");
  EXPECT_MESSAGE(split(f32({2, 6}), {INT64_MAX, 1}),
                 "[shape] the size 9223372036854775807 + 1 is too large");
  EXPECT_MESSAGE(split(f32({2, 6}), {2, 3}),
                 "[split] sizes [2,3] do not add up to 6, axis 1 of [2,6]");
  EXPECT_MESSAGE(slice(f32({4}), {2}, {3}),
                 "[slice] begin=[2] size=[3] does not lie within [4]: axis 0");
  EXPECT_MESSAGE(pad(f32({4}), {-1}, {0}),
                 "[pad] low and high must not be negative; got [-1] and [0]");
  EXPECT_MESSAGE(gather(f32({4}), f32({2})),
                 "[gather] indices must be int32 or int64; got float32[2]");
  EXPECT_MESSAGE(one_hot(i32({2}), 0), "[one_hot] depth must be positive; got 0");
  EXPECT_MESSAGE(dropout(f32({2}), 1.0, constant(0, DType::i64), 1),
                 "[dropout] rate must lie in [0, 1); got 1");
  EXPECT_MESSAGE(random_normal({2}, constant(0, DType::i64), 1, 0, -1),
                 "[random_normal] stddev must not be negative; got -1");
  EXPECT_MESSAGE(random_uniform({2}, constant(0, DType::f32), 1),
                 "[random_uniform] the counter must be an int64 scalar; got float32[]");
  EXPECT_MESSAGE(sparse_softmax_cross_entropy(f32({batch, 5}), i32({batch, 1})),
                 "[sparse_softmax_cross_entropy] labels must have the logits' shape without its "
                 "last axis; logits are [batch,5], labels [batch,1]");
  EXPECT_MESSAGE(sigmoid_cross_entropy(f32({batch, 1}), f32({batch})),
                 "[sigmoid_cross_entropy] logits and labels must have one shape; got [batch,1] "
                 "and [batch]");
  EXPECT_MESSAGE(
      activation("rellu", f32({2})),
      "there is no activation named 'rellu'; known: celu, elu, exponential, gelu, glu, "
      "hard_shrink, hard_sigmoid, hard_silu, hard_swish, hard_tanh, leaky_relu, linear, "
      "log_sigmoid, log_softmax, mish, relu, relu6, selu, sigmoid, silu, soft_shrink, "
      "softmax, softplus, softsign, sparse_plus, sparse_sigmoid, sparsemax, squareplus, step, "
      "swish, tanh, tanh_shrink");
}

TEST(OpErrors, bad_data_is_found_when_it_runs) {
  const Value x = constant(Tensor::zeros(DType::f32, {4, 5}));
  const Value at = constant(Tensor::from<int32_t>({0, 3, 5, 1}, {4}));
  EXPECT_MESSAGE(evaluate_reference({gather(x, at)}),
                 "[gather] index 5 is out of range for axis 0 of size 4");
  EXPECT_MESSAGE(evaluate_reference({sparse_softmax_cross_entropy(x, at)}),
                 "[sparse_softmax_cross_entropy] label 5 of sample 2 is out of range for 5 "
                 "classes");
}

TEST(OpShapes, stay_symbolic_in_the_batch) {
  const Value x = f32({batch, 6});
  auto shape = [](const Value& v) { return v.shape().str(); };
  EXPECT_EQ(shape(x + f32({6})), "[batch,6]");
  EXPECT_EQ(shape(matmul(x, f32({6, 2}))), "[batch,2]");
  EXPECT_EQ(shape(sum(x, {1})), "[batch]");
  EXPECT_EQ(shape(mean(x)), "[]");
  EXPECT_EQ(shape(concat({x, f32({batch, 2})})), "[batch,8]");
  EXPECT_EQ(shape(concat({x, f32({3, 6})}, 0)), "[3+batch,6]");
  EXPECT_EQ(shape(split(x, {2, 4})[1]), "[batch,4]");
  EXPECT_EQ(shape(slice(x, {0, 2}, {-1, 3})), "[batch,3]");
  EXPECT_EQ(shape(slice(x, {1, 0}, {-1, -1})), "[-1+batch,6]");
  EXPECT_EQ(shape(pad(x, {1, 0}, {0, 1})), "[1+batch,7]");
  EXPECT_EQ(shape(transpose(x)), "[6,batch]");
  EXPECT_EQ(shape(reshape(x, {-1, 3})), "[2*batch,3]");
  EXPECT_EQ(shape(flatten(f32({batch, 2, 3}))), "[batch,6]");
  EXPECT_EQ(shape(gather(f32({9, 4}), i32({batch}))), "[batch,4]");
  EXPECT_EQ(shape(one_hot(i32({batch}), 3)), "[batch,3]");
  EXPECT_EQ(shape(argmax(x)), "[batch]");
  EXPECT_EQ(shape(topk(x, 2)[1]), "[batch,2]");
  EXPECT_EQ(shape(random_normal({batch, 2}, constant(0, DType::i64), 1)), "[batch,2]");
  EXPECT_EQ(shape(dropout(x, 0.5, constant(0, DType::i64), 1)), "[batch,6]");
}

}  // namespace
}  // namespace andiron::ops
