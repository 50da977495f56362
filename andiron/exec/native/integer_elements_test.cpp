#include "andiron/exec/native/integer_elements.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "andiron/exec/native/kernel_testing.hpp"
#include "andiron/ops/catalog.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::exec {
namespace {

using namespace testing_support;

void check(const Value& v, const std::vector<Tensor>& src) {
  const Tensor want = run_reference(v.node(), src)[0];
  for (const RunOptions& options :
       {RunOptions{}, RunOptions{.threads = 3}, RunOptions{.helpers = 2}}) {
    const RunResult got = run_kernel(v.node(), src, options);
    EXPECT_EQ(got.kernel, "integer elements") << v.node().op->name;
    expect_same_bits(got.dst[0], want);
  }
}

TEST(IntegerElements, conditions_are_combined_byte_by_byte) {
  const std::vector<std::pair<Shape, Shape>> shapes = {
      {{300001}, {300001}}, {{70, 33}, {33}}, {{70, 33}, {}}, {{1}, {40}}, {{3, 5, 7}, {5, 7}}};
  for (const auto& [a, b] : shapes) {
    const std::vector<Tensor> src = {random_tensor({DType::boolean, a}, 1),
                                     random_tensor({DType::boolean, b}, 2)};
    const Value x = input("x", DType::boolean, a), y = input("y", DType::boolean, b);
    check(ops::logical_and(x, y), src);
    check(ops::logical_or(x, y), src);
    check(ops::logical_or(y, x), {src[1], src[0]});
    check(ops::logical_not(x), {src[0]});
  }
}

TEST(IntegerElements, numbers_are_those_of_the_reference_for_any_number_of_threads) {
  for (const DType dtype : {DType::i32, DType::i64})
    for (const Shape& shape : {Shape{7}, Shape{131075}, Shape{1000, 300}}) {
      const Value a = input("a", dtype, shape), b = input("b", dtype, {shape.back()});
      const std::vector<Tensor> src = {random_tensor(a.type(), 1, -3e9, 3e9),
                                       random_tensor(b.type(), 2, -40, 40)};
      for (const char* op : {"add", "subtract", "multiply", "maximum", "minimum", "integer_divide",
                             "remainder", "bitwise_and", "bitwise_or", "bitwise_xor", "shift_left",
                             "shift_right", "equal", "less", "greater_equal"})
        check(make_value(ops::find(op), {a, b}), src);
    }
}

// The result may lie where an operand lies.
TEST(IntegerElements, work_in_place) {
  const int64_t n = 5000;
  const Value a = input("a", DType::i32, {n});
  const Value v = make_value(ops::find("subtract"), {a, input("b", DType::i32, {n})});
  const Tensor x = random_tensor(a.type(), 1, -100, 100), y = random_tensor(a.type(), 2, -9, 9);
  const Tensor want = run_reference(v.node(), {x, y})[0];
  KernelRequest request{v.node(), {}, {}};
  const Operand operand{DType::i32, {n}, n};
  request.src = {operand, operand};
  request.dst = {operand};
  for (const bool first : {true, false}) {
    const Tensor left = x.clone(), right = y.clone();
    const void* const src[] = {left.raw(), right.raw()};
    void* const dst[] = {first ? left.raw() : right.raw()};
    make_integer_elements(request)->run({src, dst, nullptr});
    EXPECT_EQ(std::memcmp(dst[0], want.raw(), want.n_bytes()), 0);
  }
}

}  // namespace
}  // namespace andiron::exec
