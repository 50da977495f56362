#include "andiron/exec/native/optimizer_kernels.hpp"

#include <gtest/gtest.h>

#include "andiron/exec/native/kernel_testing.hpp"
#include "andiron/exec/native/rule_loops.hpp"
#include "andiron/ops/catalog.hpp"
#include "andiron/ops/optimizer/optimizer_ops.hpp"

namespace andiron::exec {
namespace {

using testing_support::expect_same_bits;
using testing_support::random_tensor;
using testing_support::run_kernel;
using testing_support::run_reference;

struct Setting {
  const char* optimizer;
  Attributes attributes;
};

const Setting kSettings[] = {
    {"sgd", {}},
    {"sgd", {{"momentum", 0.9}}},
    {"sgd", {{"momentum", 0.9}, {"nesterov", true}, {"weight_decay", 0.01}}},
    {"adagrad", {}},
    {"adagrad", {{"weight_decay", 0.01}}},
    {"rmsprop", {}},
    {"rmsprop", {{"momentum", 0.5}}},
    {"rmsprop", {{"momentum", 0.5}, {"centered", true}, {"epsilon", 1.0}}},
    {"adam", {}},
    {"adam", {{"amsgrad", true}, {"weight_decay", 0.01}}},
    {"adadelta", {}},
    {"adamax", {}},
    {"nadam", {}},
    {"nadam", {{"weight_decay", 0.01}}},
    {"lion", {}},
    {"rprop", {}},
    {"ftrl", {}},
    {"ftrl", {{"l1_regularization_strength", 0.1}, {"beta", 0.5}}},
    {"ftrl", {{"l2_shrinkage_regularization_strength", 0.05}}},
};

Attributes complete(const Setting& s) {
  Attributes all;
  for (const AttributeSpec& spec : ops::find(std::string(s.optimizer) + "_update").attributes)
    all.set(spec.name,
            s.attributes.has(spec.name) ? *s.attributes.find(spec.name) : spec.default_value);
  return all;
}

// A node with inputs of the given tensors' types.
ops::OptimizerState state_of(const Setting& s, std::vector<Tensor>& tensors, Sizes sizes,
                             bool exact, int64_t step) {
  auto add = [&](Tensor t) {
    tensors.push_back(t);
    return input("x", t.dtype(), Shape(t.sizes()));
  };
  const TensorType type{DType::f32, Shape(sizes)};
  ops::OptimizerState state{add(random_tensor(type, 1)), {}, {}};
  for (int i = 0; i < ops::n_slots_of(s.optimizer, complete(s)); ++i)
    state.slots.push_back(add(random_tensor(type, 10 + static_cast<uint64_t>(i), 0.1, 1)));
  if (exact) {
    Tensor last(DType::i32, {sizes[0]});
    for (int64_t i = 0; i < sizes[0]; ++i)
      last.data<int32_t>()[i] = static_cast<int32_t>(i % 3 == 0 ? 0 : step - 1 - i % 40);
    state.last_step = add(last);
  }
  return state;
}

// The tensors in the order of the node's inputs, which are placeholders made in order of `made`.
std::vector<Tensor> in_order(const Node& node, const std::vector<std::pair<Value, Tensor>>& made) {
  std::vector<Tensor> src;
  for (const Value& v : node.inputs)
    for (const auto& [value, tensor] : made)
      if (v == value) src.push_back(tensor);
  return src;
}

struct Inputs {
  std::vector<std::pair<Value, Tensor>> made;
  Value operator()(Tensor t) {
    made.emplace_back(input("x", t.dtype(), Shape(t.sizes())), t);
    return made.back().first;
  }
};

void expect_like_reference(const Node& node, const Inputs& in) {
  const std::vector<Tensor> src = in_order(node, in.made);
  ASSERT_EQ(src.size(), node.inputs.size());
  const std::vector<Tensor> want = run_reference(node, src);
  for (int threads : {1, 2}) {
    const auto got = run_kernel(node, src, {.threads = threads});
    EXPECT_NE(got.kernel, "reference");
    for (size_t i = 0; i < want.size(); ++i) expect_same_bits(got.dst[i], want[i]);
  }
}

class OptimizerKernels : public testing::TestWithParam<Setting> {
 protected:
  static constexpr int64_t kRows = 700, kWidth = 37, kStep = 45;

  ops::OptimizerState state(Inputs& in, bool exact) {
    std::vector<Tensor> tensors;
    const ops::OptimizerState made = state_of(GetParam(), tensors, {kRows, kWidth}, exact, kStep);
    ops::OptimizerState state{in(tensors[0]), {}, {}};
    for (size_t i = 0; i < made.slots.size(); ++i) state.slots.push_back(in(tensors[i + 1]));
    if (exact) state.last_step = in(tensors.back());
    return state;
  }
  Value learning_rate(Inputs& in) { return in(Tensor::scalar(0.03)); }
  Value step(Inputs& in) { return in(Tensor::scalar(kStep, DType::i64)); }
  Tensor ids(int64_t n) {
    Tensor t(DType::i64, {n});
    const Tensor noise = random_tensor({DType::f32, {n}}, 5, 0, 1);
    for (int64_t i = 0; i < n; ++i) {
      const float u = noise.data<float>()[i];
      t.data<int64_t>()[i] = static_cast<int64_t>(u * u * u * kRows);
    }
    return t;
  }
};

TEST_P(OptimizerKernels, sweep_has_the_bits_of_the_reference) {
  Inputs in;
  const auto large = state(in, false);
  // Neighbours in the group that end within a thread's share.
  ops::OptimizerState small{in(random_tensor({DType::f32, {11}}, 4)), {}, {}};
  for (size_t i = 0; i < large.slots.size(); ++i)
    small.slots.push_back(in(random_tensor({DType::f32, {11}}, 20 + i, 0.1, 1)));
  const Value grad = in(random_tensor({DType::f32, {kRows, kWidth}}, 3));
  const Value small_grad = in(random_tensor({DType::f32, {11}}, 5));
  const auto after =
      ops::optimizer_update(GetParam().optimizer, complete(GetParam()), {small, large},
                            {small_grad, grad}, learning_rate(in), step(in));
  expect_like_reference(after[0].parameter.node(), in);
}

TEST_P(OptimizerKernels, rows_have_the_bits_of_the_reference) {
  constexpr int64_t kN = 2000;
  const Value id_input = input("ids", DType::i64, {kN});
  const ops::Dedup symbolic = ops::dedup(id_input, kRows);
  const std::vector<Tensor> sorted = run_reference(symbolic.order.node(), {ids(kN)});
  for (const bool exact : {false, true}) {
    for (const char* kind : {"positions", "unique", "table"}) {
      Inputs in;
      const auto s = state(in, exact);
      const ops::Dedup rows{in(sorted[0]), in(sorted[1]), in(sorted[2]), in(sorted[3])};
      const int64_t n = kind == std::string("table") ? kRows : kN;
      const Value values = in(random_tensor({DType::f32, {n, kWidth}}, 4));
      const auto after =
          ops::optimizer_update_rows(GetParam().optimizer, complete(GetParam()), s, rows, values,
                                     learning_rate(in), step(in), kind);
      expect_like_reference(after.parameter.node(), in);
    }
  }
}

TEST_P(OptimizerKernels, replay_has_the_bits_of_the_reference) {
  Inputs in;
  const auto s = state(in, true);
  const Value history = in(random_tensor({DType::f32, {64, 4}}, 6, 0.001, 0.1));
  const auto after = ops::optimizer_catch_up(GetParam().optimizer, complete(GetParam()), s, nullptr,
                                             history, step(in));
  const Node& node = after.parameter.node();
  std::vector<Tensor> src;
  for (const Value& v : node.inputs) {
    src.emplace_back();
    for (const auto& [value, tensor] : in.made)
      if (v.defined() && v == value) src.back() = tensor;
  }
  // Optional inputs are left out: the plan's way of calling, by hand.
  KernelRequest request{node, {}, {}, 2};
  KernelCall call{};
  std::vector<const void*> src_memory;
  for (const Tensor& t : src) {
    request.src.push_back(
        t.defined() ? Operand{t.dtype(), t.sizes(), t.rank() ? t.sizes().back() : 1} : Operand{});
    src_memory.push_back(t.defined() ? t.raw() : nullptr);
  }
  std::vector<Tensor> got, want;
  std::vector<void*> dst_memory;
  for (const TensorType& t : node.outputs) {
    got.emplace_back(t.dtype, t.shape.sizes());
    want.emplace_back(t.dtype, t.shape.sizes());
    dst_memory.push_back(got.back().raw());
    request.dst.push_back({t.dtype, t.shape.sizes(), t.shape.sizes().back()});
  }
  call.src = src_memory.data();
  call.dst = dst_memory.data();
  const auto kernel = make_kernel(request);
  EXPECT_EQ(kernel->name(), "optimizer replay");
  kernel->run(call);
  node.op->reference(ReferenceContext{src, want, node.attributes});
  for (size_t i = 0; i < want.size(); ++i) expect_same_bits(got[i], want[i]);
}

INSTANTIATE_TEST_SUITE_P(all, OptimizerKernels, testing::ValuesIn(kSettings), [](const auto& info) {
  return std::string(info.param.optimizer) + std::to_string(info.index);
});

TEST(OptimizerKernels, instruction_sets_agree) {
  if (!has_isa(Isa::avx512)) GTEST_SKIP();
  const Setting setting{"adam", {{"amsgrad", true}}};
  const ops::Adam::Step<float> rule(complete(setting));
  const TensorType type{DType::f32, {53}};
  const float k[4] = {0.01F, 0.0F, 0.0F, 0.0F};
  std::vector<Tensor> results;
  for (Isa isa : {Isa::avx2, Isa::avx512}) {
    Tensor p = random_tensor(type, 1), m = random_tensor(type, 2, 0.1, 1),
           v = random_tensor(type, 3, 0.1, 1), w = random_tensor(type, 4, 0.1, 1);
    const Tensor g = random_tensor(type, 5);
    const RuleRun run{p.data<float>(), {m.data<float>(), v.data<float>(), w.data<float>()}, 53};
    RuleLoopsOf<ops::Adam>::get(isa).step(rule, 3, run, g.data<float>(), k);
    RuleLoopsOf<ops::Adam>::get(isa).replay(rule, 3, run, {k, 1, 1, 1});
    results.push_back(p);
  }
  expect_same_bits(results[0], results[1]);
}

}  // namespace
}  // namespace andiron::exec
