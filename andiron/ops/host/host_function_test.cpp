#include "andiron/ops/host/host_function.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "andiron/autodiff/gradient.hpp"
#include "andiron/base/error.hpp"
#include "andiron/eager/eager.hpp"
#include "andiron/exec/plan.hpp"
#include "andiron/io/graph_json.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::ops {
namespace {

// x^2, counting the elements of each call.
HostFunction squares(const Value& x, std::vector<int64_t>* calls = nullptr, bool rows = false) {
  HostFunction f{.name = "squares", .outputs = {x.type()}, .call = {}, .rows = rows};
  f.call = [calls](std::span<const Tensor> src, std::span<Tensor> dst) {
    if (calls != nullptr) calls->push_back(src[0].count());
    for (int64_t i = 0; i < src[0].count(); ++i)
      dst[0].data<float>()[i] = src[0].data<float>()[i] * src[0].data<float>()[i];
  };
  f.gradient = [](std::span<const Tensor> src, std::span<Tensor> dst) {
    for (int64_t i = 0; i < src[0].count(); ++i)
      dst[0].data<float>()[i] = 2 * src[0].data<float>()[i] * src[1].data<float>()[i];
  };
  return f;
}

TEST(HostFunction, computes_and_differentiates_as_it_says) {
  const Value x = input("x", DType::f32, {3});
  const Value y = sum(exp(host_function({x}, squares(x))[0]));
  const Value same = sum(exp(square(x)));
  const Graph graph({x}, {y, same, grad(y, {x})[0], grad(same, {x})[0]});
  const auto out = eager::call(graph, {Tensor::from<float>({0.5F, -1, 1.5F}, {3})});
  EXPECT_FLOAT_EQ(out[0].item(), out[1].item());
  for (int64_t i = 0; i < 3; ++i) EXPECT_FLOAT_EQ(out[2].item(i), out[3].item(i));
}

TEST(HostFunction, without_a_gradient_it_refuses_by_name) {
  const Value x = input("x", DType::f32, {3});
  HostFunction f = squares(x);
  f.gradient = nullptr;
  const Value y = sum(host_function({x}, f)[0]);
  try {
    grad(y, {x});
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("'squares' has no gradient"), std::string::npos);
  }
}

TEST(HostFunction, is_bound_to_the_batch_and_called_by_tiles_only_if_its_rows_are_apart) {
  constexpr int64_t kRows = 4096, kColumns = 256;
  const Value x = input("x", DType::f32, {Dim::symbol("batch"), kColumns});
  const Value w = constant(Tensor::full(DType::f32, {kColumns, kColumns}, 0.01));
  for (const bool rows : {false, true}) {
    std::vector<int64_t> calls;
    const Value h = matmul(x, w);
    const Value y = matmul(host_function({h}, squares(h, &calls, rows))[0], w);
    const auto plan = exec::Plan::compile(Graph({x}, {y}), {{"batch", kRows}}, {.threads = 2});
    const Tensor data = Tensor::full(DType::f32, {kRows, kColumns}, 0.5);
    const Tensor out = plan->run(std::vector<Tensor>{data})[0];
    const double inner = 0.5 * 0.01 * kColumns;
    EXPECT_NEAR(out.item(kRows * kColumns - 1), inner * inner * 0.01 * kColumns, 1e-4);
    EXPECT_EQ(calls.size() == 1, !rows);
    int64_t total = 0;
    for (const int64_t n : calls) total += n;
    EXPECT_EQ(total, kRows * kColumns);
  }
}

TEST(HostFunction, what_it_throws_reaches_the_caller_and_the_plan_stays_usable) {
  const Value x = input("x", DType::f32, {64, 512});
  HostFunction f = squares(x);
  bool armed = true;
  f.call = [&armed](std::span<const Tensor> src, std::span<Tensor> dst) {
    if (armed) throw std::out_of_range("mine");
    dst[0].copy_from(src[0]);
  };
  const Value w = constant(Tensor::full(DType::f32, {512, 512}, 1.0));
  const auto plan = exec::Plan::compile(Graph({x}, {matmul(host_function({x}, f)[0], w)}));
  const std::vector<Tensor> data = {Tensor::full(DType::f32, {64, 512}, 1.0)};
  EXPECT_THROW(plan->run(data), std::out_of_range);
  armed = false;
  EXPECT_EQ(plan->run(data)[0].item(), 512);
}

TEST(HostFunction, may_run_plans) {
  const Value x = input("x", DType::f32, {64, 512});
  const Value w = constant(Tensor::full(DType::f32, {512, 512}, 1.0));
  const Graph inner({x}, {matmul(x, w)});
  HostFunction f = squares(x);
  f.call = [&inner](std::span<const Tensor> src, std::span<Tensor> dst) {
    dst[0].copy_from(eager::call(inner, {src[0]})[0]);
  };
  const auto plan = exec::Plan::compile(Graph({x}, {matmul(host_function({x}, f)[0], w)}));
  const std::vector<Tensor> data = {Tensor::full(DType::f32, {64, 512}, 1.0)};
  EXPECT_EQ(plan->run(data)[0].item(), 512.0 * 512.0);
}

TEST(HostFunction, is_not_saved) {
  const Value x = input("x", DType::f32, {3});
  std::vector<Tensor> constants;
  EXPECT_THROW(io::graph_to_json(Graph({x}, host_function({x}, squares(x))), constants), Error);
}

}  // namespace
}  // namespace andiron::ops
