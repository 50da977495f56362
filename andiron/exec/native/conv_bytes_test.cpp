// The convolution of bytes against the reference kernel: the same bytes, over windows, borders,
// odd numbers of channels and filters, residuals, results of every type, and gaps between pixels.
#include "andiron/exec/native/conv_bytes.hpp"

#include <gtest/gtest.h>

#include "andiron/exec/native/conv_bytes_weights.hpp"
#include "andiron/exec/native/kernel_testing.hpp"
#include "andiron/graph/graph.hpp"
#include "andiron/ops/catalog.hpp"

namespace andiron::exec {
namespace {

using testing_support::random_tensor;
using testing_support::run_kernel;
using testing_support::RunOptions;
using Ints = std::vector<int64_t>;

struct Case {
  Ints x, kernel;
  int64_t filters;
  Attributes window = {};
  DType to = DType::u8;
  bool residual = false;
  int greatest = 100;  ///< of a weight
};

// A node with the kernel's constants, and its inputs. Scales are powers of two and shifts few
// bits, so that a product and a sum have no rounding that could be done once or twice.
struct Made {
  explicit Made(const Case& c) {
    const int64_t channels = c.x.back();
    Ints weights{c.filters, channels};
    weights.insert(weights.end(), c.kernel.begin(), c.kernel.end());
    src = {random_tensor({DType::u8, Shape(c.x)}, 1, 0, 256),
           random_tensor({DType::i8, Shape(weights)}, 2, -c.greatest, c.greatest + 1),
           Tensor::full(DType::f32, {c.filters}, 0x1p-9), Tensor(DType::f32, {c.filters})};
    for (int64_t f = 0; f < c.filters; ++f) {
      src[2].data<float>()[f] = f % 3 == 0 ? 0x1p-8F : 0x1p-9F;
      src[3].data<float>()[f] = static_cast<float>(f % 7) * 16.5F;
    }
    Attributes attributes = c.window;
    attributes.set("channels_last", true);
    attributes.set("dtype", c.to);
    std::vector<Value> in{input("x", DType::u8, Shape(c.x))};
    for (size_t i = 1; i < src.size(); ++i) in.push_back(constant(src[i]));
    if (c.residual) {
      attributes.set("residual_scale", 0.5);
      const Value plain = make_value(ops::find("quantized_conv"), in, attributes);
      src.push_back(random_tensor(plain.type(), 3, c.to == DType::u8 ? 0 : -99, 100));
      in.push_back(input("r", plain.dtype(), plain.shape()));
    }
    y = make_value(ops::find("quantized_conv"), in, attributes);
    if (y.shape().count() != Dim(0)) wanted = testing_support::run_reference(y.node(), src)[0];
  }
  std::vector<Tensor> src;
  Value y;
  Tensor wanted;
};

bool runs_here() {
  const Made made({{1, 4, 4, 8}, {1, 1}, 8});
  return run_kernel(made.y.node(), made.src).kernel == "conv of bytes";
}

const std::vector<Case>& cases() {
  const Attributes same = {{"padding", std::string("same")}, {"pad_value", int64_t{77}}};
  static const std::vector<Case> list = {
      {{2, 5, 7, 64}, {1, 1}, 32},
      {{1, 9, 9, 20}, {1, 1}, 40, {{"strides", Ints{2}}}},
      {{3, 6, 5, 16}, {1, 1}, 7},
      {{2, 7, 7, 12}, {3, 3}, 33, same},
      {{1, 11, 6, 3}, {7, 7}, 16, {{"padding", std::string("same")}, {"strides", Ints{2}}}},
      {{2, 8, 9, 5}, {3, 2}, 17, same},
      {{1, 12, 13, 8}, {3, 3}, 24, {{"dilations", Ints{2, 3}}}},
      {{1, 12, 13, 6}, {3, 3}, 24, {{"dilations", Ints{2}}, {"padding", std::string("same")}}},
      {{2, 8, 8, 16},
       {5, 5},
       16,
       {{"padding", std::string("explicit")},
        {"pads_begin", Ints{0, 4}},
        {"pads_end", Ints{3, 1}},
        {"strides", Ints{3, 2}},
        {"pad_value", int64_t{255}}}},
      {{3, 19, 10}, {4}, 9, {{"padding", std::string("same")}}},
      {{2, 6, 6, 32}, {1, 1}, 48, {}, DType::u8, true},
      {{2, 6, 6, 32}, {3, 3}, 41, same, DType::u8, true},
      {{2, 6, 6, 32}, {3, 3}, 13, same, DType::f32, true},
      {{2, 6, 6, 32}, {3, 3}, 13, same, DType::i8, true},
      {{2, 6, 6, 32}, {1, 1}, 16, {{"low", -9.0}, {"high", 7.5}}, DType::f32},
      {{2, 6, 6, 32}, {1, 1}, 16, {{"low", 9.0}, {"high", 70.0}}},
      {{1, 7, 7, 256}, {3, 3}, 96, same, DType::u8, false, 12},   // groups of four
      {{1, 7, 7, 256}, {3, 3}, 96, same, DType::f32, false, 64},  // of one to three
      {{1, 7, 7, 36}, {1, 1}, 48, {}, DType::f32, false, 127},    // pairs that do not fit
      {{0, 6, 6, 32}, {3, 3}, 16},
  };
  return list;
}

TEST(ConvBytes, gives_the_reference_bytes) {
  if (!runs_here()) GTEST_SKIP() << "oneDNN multiplies bytes with VNNI";
  for (size_t i = 0; i < cases().size(); ++i) {
    SCOPED_TRACE("case " + std::to_string(i));
    const Made made(cases()[i]);
    for (const int threads : {1, 2, 3})
      for (const int64_t gap : {0, 5}) {
        const auto result = run_kernel(made.y.node(), made.src, {threads, {}, gap, gap});
        if (cases()[i].x[0] == 0) continue;
        EXPECT_EQ(result.kernel, "conv of bytes");
        testing_support::expect_same_bits(result.dst[0], made.wanted);
      }
  }
}

// Many units of work, by pixels and by filters.
TEST(ConvBytes, work_is_shared_by_threads) {
  if (!runs_here()) GTEST_SKIP() << "oneDNN multiplies bytes with VNNI";
  for (const Case& c : {Case{{2, 40, 40, 32}, {3, 3}, 64, {{"padding", std::string("same")}}},
                        Case{{1, 7, 7, 256}, {1, 1}, 512},
                        Case{{1, 6, 6, 192}, {3, 3}, 160, {{"padding", std::string("same")}}}}) {
    const Made made(c);
    for (const int threads : {1, 2, 4})
      testing_support::expect_same_bits(run_kernel(made.y.node(), made.src, {threads}).dst[0],
                                        made.wanted);
  }
}

TEST(ConvBytes, a_residual_may_be_where_the_result_goes) {
  if (!runs_here()) GTEST_SKIP() << "oneDNN multiplies bytes with VNNI";
  const Made made({{2, 6, 6, 32}, {1, 1}, 24, {}, DType::u8, true});
  KernelRequest request{made.y.node(), {}, {}, 2};
  for (const Tensor& t : made.src) request.src.push_back({t.dtype(), t.sizes(), t.sizes().back()});
  request.dst.push_back(request.src[4]);
  const auto kernel = make_kernel(request);
  const auto scratch = Buffer::allocate(kernel->scratch_bytes() + 1);
  std::vector<const void*> src;
  for (const Tensor& t : made.src) src.push_back(t.raw());
  void* dst[] = {made.src[4].raw()};
  kernel->run({src.data(), dst, scratch->data()});
  testing_support::expect_same_bits(made.src[4], made.wanted);
}

// Whatever the weights: no group's products overflow 16 bits with inputs of 255, all quads are in
// one group, and those of one layer are packed once.
TEST(ConvBytes, groups_of_weights_fit_in_16_bits) {
  for (const int greatest : {3, 30, 100, 127}) {
    const Tensor w = random_tensor({DType::i8, {40, 10, 3, 3}}, 4, -greatest, greatest + 1);
    const ConvBytesWindow window{3, 3, 10, 300, 10};
    const auto packed = conv_bytes_weights(w, window);
    EXPECT_EQ(packed, conv_bytes_weights(w, window));
    EXPECT_NE(packed, conv_bytes_weights(w, {3, 3, 10, 400, 10}));
    int64_t sum = 0, wanted = 0;
    for (int64_t i = 0; i < w.count(); ++i) wanted += w.data<int8_t>()[i];
    for (const ConvBytesBlock& block : packed->blocks) {
      const int8_t* at = block.weights;
      const int64_t lanes = block.vectors * kConvBytesLanes;
      for (int64_t n = kConvBytesMost; n > 0; --n)
        for (int64_t g = 0; g < block.groups[n - 1]; ++g, at += n * lanes * kConvBytesQuad)
          for (int64_t pair = 0; pair < lanes * 2; ++pair) {
            int64_t most = 0, least = 0;
            for (int64_t i = 0; i < 2 * n; ++i) {
              const int8_t weight = at[(i / 2 * lanes * 2 + pair) * 2 + i % 2];
              (weight > 0 ? most : least) += 255 * weight;
              sum += weight;
            }
            EXPECT_LE(most, 32767);
            EXPECT_GE(least, -32768);
          }
    }
    EXPECT_EQ(sum, wanted);
  }
}

}  // namespace
}  // namespace andiron::exec
