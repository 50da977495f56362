#include "andiron/exec/native/cast_elements.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "andiron/exec/native/kernel_testing.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::exec {
namespace {

using namespace testing_support;

// Bounds of every integer type and what lies beside them, halves, denormals, what is no number.
Tensor awkward(DType dtype, int64_t n) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const std::vector<double> values = {0.0,
                                      -0.0,
                                      0.5,
                                      -0.5,
                                      1.5,
                                      -1.5,
                                      127,
                                      127.5,
                                      128,
                                      -128,
                                      -128.5,
                                      -129,
                                      254.9,
                                      255,
                                      255.5,
                                      256,
                                      2147483520.0,
                                      2147483647.0,
                                      2147483648.0,
                                      -2147483648.0,
                                      -2147483904.0,
                                      4294967296.0,
                                      9.2233715e18,
                                      9223372036854775808.0,
                                      -9223372036854775808.0,
                                      -1e19,
                                      1e30,
                                      -1e30,
                                      1e-40,
                                      3.3895314e38,
                                      kInf,
                                      -kInf,
                                      std::numeric_limits<double>::quiet_NaN()};
  Tensor wide(DType::f64, {n});
  for (int64_t i = 0; i < n; ++i)
    wide.data<double>()[i] = values[static_cast<size_t>(i * 7) % values.size()];
  const Value v = ops::cast(input("x", DType::f64, {n}), dtype);
  return dtype == DType::f64 ? wide : run_reference(v.node(), {wide})[0];
}

TEST(CastElements, gives_the_reference_kernels_bits_for_every_pair_of_types) {
  for (const DType from : kAllDTypes)
    for (const DType to : kAllDTypes) {
      if (from == to) continue;
      for (const int64_t n : {1, 33, 70001}) {
        SCOPED_TRACE(std::string(name_of(from)) + " to " + std::string(name_of(to)));
        const Tensor x = awkward(from, n);
        const Value v = ops::cast(input("x", from, {n}), to);
        const Tensor want = run_reference(v.node(), {x})[0];
        for (const RunOptions& options :
             {RunOptions{}, RunOptions{.threads = 2}, RunOptions{.helpers = 1}}) {
          const RunResult got = run_kernel(v.node(), {x}, options);
          if (from != DType::bf16 && to != DType::bf16) {
            EXPECT_EQ(got.kernel, "cast");
          }
          if (is_floating(to))  // whatever the bits of a NaN
            expect_close(got.dst[0], want, 0, 0);
          else
            expect_same_bits(got.dst[0], want);
        }
      }
    }
}

TEST(CastElements, leaves_strided_rows_to_others) {
  const Value v = ops::cast(input("x", DType::i32, {40, 9}), DType::f32);
  const Tensor x = random_tensor({DType::i32, {40, 9}}, 1, -100, 100);
  const RunResult got = run_kernel(v.node(), {x}, {.src_gap = 3, .dst_gap = 2});
  EXPECT_NE(got.kernel, "cast");
  expect_same_bits(got.dst[0], run_reference(v.node(), {x})[0]);
}

}  // namespace
}  // namespace andiron::exec
