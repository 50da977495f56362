// Tables trained row by row against tables that are swept as a whole in every step.
#include <gtest/gtest.h>

#include <cstring>

#include "andiron/base/philox.hpp"
#include "andiron/exec/plan.hpp"
#include "andiron/nn/optimizers/rule_optimizer.hpp"
#include "andiron/ops/catalog.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {
namespace {

constexpr int64_t kRows = 90, kWidth = 19, kBatch = 8, kSteps = 300;

float noise(uint64_t stream, int64_t i) {
  return uniform_float(Philox{stream}(static_cast<uint64_t>(i))[0]);
}

Tensor random(Sizes sizes, uint64_t stream) {
  Tensor t(DType::f32, std::move(sizes));
  for (int64_t i = 0; i < t.count(); ++i) t.data<float>()[i] = 2 * noise(stream, i) - 1;
  return t;
}

// Some rows often, some seldom, some never.
Tensor random_ids(int64_t step) {
  Tensor t(DType::i32, {kBatch});
  for (int64_t i = 0; i < kBatch; ++i) {
    const float u = noise(99, step * kBatch + i);
    t.data<int32_t>()[i] = static_cast<int32_t>(u * u * u * u * 80);
  }
  return t;
}

// The loss is sum(embedding(table, ids) * g): values' gradients are g.
struct Training {
  VariablePtr table = std::make_shared<Variable>("table", random({kRows, kWidth}, 1));
  Value ids = input("ids", DType::i32, {Dim::symbol("batch")});
  Value g = input("g", DType::f32, {Dim::symbol("batch"), kWidth});
  std::unique_ptr<exec::Plan> step, catch_up;

  explicit Training(Optimizer& optimizer, int threads = 2) {
    const Value loss = ops::sum(ops::embedding(read(table), ids) * g);
    const Graph graph = optimizer.minimize(Graph({ids, g}, {loss}), 0, {table});
    step = exec::Plan::compile(graph, {{"batch", kBatch}}, {.threads = threads});
    catch_up = exec::Plan::compile(optimizer.catch_up(), {}, {.threads = threads});
  }
};

struct Setting {
  const char* name;
  OptimizerPtr (*make)(LearningRate);
};

template <class Options, class Change>
Options with(LearningRate lr, Change change) {
  Options o;
  o.learning_rate = lr;
  change(o);
  return o;
}

const Setting kSettings[] = {
    {"sgd", [](LearningRate lr) { return SGD(with<SGDOptions>(lr, [](auto&) {})); }},
    {"momentum",
     [](LearningRate lr) {
       return SGD(with<SGDOptions>(lr, [](auto& o) { o.momentum = 0.9, o.nesterov = true; }));
     }},
    {"adagrad", [](LearningRate lr) { return Adagrad(with<AdagradOptions>(lr, [](auto&) {})); }},
    {"rmsprop",
     [](LearningRate lr) {
       return RMSprop(
           with<RMSpropOptions>(lr, [](auto& o) { o.centered = true, o.momentum = 0.5; }));
     }},
    {"adam", [](LearningRate lr) { return Adam(with<AdamOptions>(lr, [](auto&) {})); }},
    {"amsgrad",
     [](LearningRate lr) {
       return Adam(with<AdamOptions>(lr, [](auto& o) { o.amsgrad = true; }));
     }},
    {"adamw", [](LearningRate lr) { return AdamW(with<AdamOptions>(lr, [](auto&) {})); }},
    {"adadelta", [](LearningRate lr) { return Adadelta(with<AdadeltaOptions>(lr, [](auto&) {})); }},
    {"adamax", [](LearningRate lr) { return Adamax(with<AdamaxOptions>(lr, [](auto&) {})); }},
    {"nadam", [](LearningRate lr) { return Nadam(with<AdamaxOptions>(lr, [](auto&) {})); }},
    {"nadam_decay",
     [](LearningRate lr) {
       return Nadam(with<AdamaxOptions>(lr, [](auto& o) { o.weight_decay = 0.01; }));
     }},
    {"lion", [](LearningRate lr) { return Lion(with<LionOptions>(lr, [](auto&) {})); }},
    {"rprop", [](LearningRate lr) { return Rprop(with<RpropOptions>(lr, [](auto&) {})); }},
    {"ftrl", [](LearningRate lr) { return Ftrl(with<FtrlOptions>(lr, [](auto&) {})); }},
    {"ftrl_shrinkage",
     [](LearningRate lr) {
       return Ftrl(with<FtrlOptions>(
           lr, [](auto& o) { o.l2_shrinkage_regularization_strength = 0.01, o.beta = 0.1; }));
     }},
};

class ExactRows : public testing::TestWithParam<Setting> {};

// One reference kernel.
std::vector<Tensor> compute(const Value& v, const std::vector<Tensor>& src) {
  const Node& node = v.node();
  std::vector<Tensor> dst;
  for (const TensorType& t : node.outputs) dst.emplace_back(t.dtype, t.shape.sizes());
  node.op->reference(ReferenceContext{src, dst, node.attributes});
  return dst;
}

Value like(const Tensor& t) { return input("x", t.dtype(), Shape(t.sizes())); }

// The dense sweep of the same step, by reference kernels.
class Sweep {
 public:
  Sweep(const RuleOptimizer& optimizer, const Tensor& table, const std::vector<Tensor>& slots)
      : optimizer_(optimizer) {
    state_.push_back(table.clone());
    for (const Tensor& s : slots) state_.push_back(s.clone());
  }
  void step(const Tensor& ids, const Tensor& g, double learning_rate, int64_t step) {
    const Tensor grad = compute(ops::embedding_grad_dense(like(ids), like(g), kRows), {ids, g})[0];
    ops::OptimizerState s{like(state_[0]), {}, {}};
    std::vector<Tensor> src = {Tensor::scalar(learning_rate),
                               Tensor::scalar(static_cast<double>(step), DType::i64), state_[0],
                               grad};
    for (size_t i = 1; i < state_.size(); ++i) {
      s.slots.push_back(like(state_[i]));
      src.push_back(state_[i]);
    }
    state_ = compute(ops::optimizer_update(optimizer_.op(), optimizer_.settings(), {s},
                                           {like(grad)}, like(src[0]), like(src[1]))[0]
                         .parameter,
                     src);
  }
  const std::vector<Tensor>& state() const { return state_; }

 private:
  const RuleOptimizer& optimizer_;
  std::vector<Tensor> state_;
};

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.sizes() == b.sizes() && std::memcmp(a.raw(), b.raw(), a.n_bytes()) == 0;
}

TEST_P(ExactRows, have_the_bits_of_the_dense_sweep) {
  const OptimizerPtr optimizer = GetParam().make(Warmup(20, ExponentialDecay(0.05, 100, 0.5)));
  Training training(*optimizer);
  std::vector<Tensor> slots;
  for (const VariablePtr& v : optimizer->variables())
    if (v->value().sizes() == Sizes{kRows, kWidth}) slots.push_back(v->value());
  const auto& rule = dynamic_cast<const RuleOptimizer&>(*optimizer);
  Sweep sweep(rule, training.table->value(), slots);
  for (int64_t step = 1; step <= kSteps; ++step) {
    const Tensor ids = random_ids(step),
                 g = random({kBatch, kWidth}, 1000 + static_cast<uint64_t>(step));
    const double lr = optimizer->learning_rate_at(step);
    const Tensor now = Tensor::scalar(static_cast<double>(step), DType::i64);
    training.step->run(std::vector<Tensor>{ids, g, Tensor::scalar(lr), now});
    sweep.step(ids, g, lr, step);
    if (step % 100 != 0) continue;
    training.catch_up->run(
        std::vector<Tensor>{Tensor::scalar(static_cast<double>(step + 1), DType::i64)});
    ASSERT_TRUE(same_bits(training.table->value(), sweep.state()[0])) << "after step " << step;
    for (size_t i = 0; i < slots.size(); ++i)
      ASSERT_TRUE(same_bits(slots[i], sweep.state()[i + 1])) << "slot " << i << ", step " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(all, ExactRows, testing::ValuesIn(kSettings),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(ExactRows, do_not_outrun_the_history) {
  // More steps than the history holds: every row's turn comes in time.
  const OptimizerPtr optimizer = Adam(with<AdamOptions>(0.01, [](auto&) {}));
  Training training(*optimizer, 1);
  std::vector<Tensor> slots = {optimizer->variables()[0]->value(),
                               optimizer->variables()[1]->value()};
  Sweep sweep(dynamic_cast<const RuleOptimizer&>(*optimizer), training.table->value(), slots);
  const int64_t n_steps = 2 * RuleOptimizer::kHistory + 100;
  for (int64_t step = 1; step <= n_steps; ++step) {
    Tensor ids = random_ids(1);
    if (step == 1) ids.data<int32_t>()[0] = 85;  // touched once, then left alone
    if (step > 1)
      for (int64_t i = 0; i < kBatch; ++i) ids.data<int32_t>()[i] %= 40;
    const Tensor g = random({kBatch, kWidth}, 1000 + static_cast<uint64_t>(step));
    const Tensor now = Tensor::scalar(static_cast<double>(step), DType::i64);
    training.step->run(std::vector<Tensor>{ids, g, Tensor::scalar(0.01), now});
    sweep.step(ids, g, 0.01, step);
  }
  training.catch_up->run(
      std::vector<Tensor>{Tensor::scalar(static_cast<double>(n_steps + 1), DType::i64)});
  EXPECT_TRUE(same_bits(training.table->value(), sweep.state()[0]));
}

TEST(LazyRows, stay_where_they_are_when_not_used) {
  const OptimizerPtr optimizer = Adam(with<AdamOptions>(0.01, [](auto& o) { o.lazy = true; }));
  Training training(*optimizer);
  ASSERT_EQ(optimizer->variables().size(), 2U);
  EXPECT_TRUE(optimizer->catch_up().updates().empty());
  Tensor want = training.table->value().clone();
  Tensor m = Tensor::zeros(DType::f32, {kRows, kWidth}), v = m.clone();
  for (int64_t step = 1; step <= 50; ++step) {
    const Tensor ids = random_ids(step),
                 g = random({kBatch, kWidth}, 1000 + static_cast<uint64_t>(step));
    const Tensor now = Tensor::scalar(static_cast<double>(step), DType::i64);
    training.step->run(std::vector<Tensor>{ids, g, Tensor::scalar(0.01), now});
    // The documented formula: Adam for the rows of the batch, the global step in the correction.
    const double alpha = 0.01 * std::sqrt(1 - std::pow(0.999, step)) / (1 - std::pow(0.9, step));
    const Tensor grad = compute(ops::embedding_grad_dense(like(ids), like(g), kRows), {ids, g})[0];
    std::vector<bool> used(kRows);
    for (int64_t i = 0; i < kBatch; ++i) used[static_cast<size_t>(ids.data<int32_t>()[i])] = true;
    for (int64_t i = 0; i < kRows * kWidth; ++i) {
      if (!used[static_cast<size_t>(i / kWidth)]) continue;
      float &mi = m.data<float>()[i], &vi = v.data<float>()[i];
      const float gi = grad.data<float>()[i];
      mi += (gi - mi) * 0.1F;
      vi += (gi * gi - vi) * 0.001F;
      want.data<float>()[i] -= static_cast<float>(alpha) * mi / (std::sqrt(vi) + 1e-7F);
    }
  }
  for (int64_t i = 0; i < want.count(); ++i)
    ASSERT_NEAR(training.table->value().item(i), want.item(i), 1e-5);
}

TEST(ExactRows, large_batches_give_nearly_the_same_as_small_ones) {
  // A batch of 2,000 on 90 rows takes the matrix form of the gradient.
  constexpr int64_t kLarge = 2000;
  std::vector<Tensor> results;
  for (const bool large : {false, true}) {
    const OptimizerPtr optimizer =
        Adam(with<AdamOptions>(0.01, [](auto& o) { o.global_clipnorm = 3.0; }));
    const auto table = std::make_shared<Variable>("table", random({kRows, kWidth}, 1));
    const Value ids = input("ids", DType::i32, {Dim::symbol("batch")});
    const Value g = input("g", DType::f32, {Dim::symbol("batch"), kWidth});
    const Value loss = ops::sum(ops::embedding(read(table), ids) * g);
    const Graph graph = optimizer->minimize(Graph({ids, g}, {loss}), 0, {table});
    const auto plan = exec::Plan::compile(large ? graph : bind_sizes(graph, {{"batch", kLarge}}),
                                          large ? std::map<std::string, int64_t>{{"batch", kLarge}}
                                                : std::map<std::string, int64_t>{});
    for (int64_t step = 1; step <= 5; ++step) {
      Tensor id_values(DType::i32, {kLarge});
      for (int64_t i = 0; i < kLarge; ++i)
        id_values.data<int32_t>()[i] = static_cast<int32_t>(noise(3, step * kLarge + i) * 80);
      plan->run(std::vector<Tensor>{
          id_values, random({kLarge, kWidth}, static_cast<uint64_t>(step)), Tensor::scalar(0.01),
          Tensor::scalar(static_cast<double>(step), DType::i64)});
    }
    results.push_back(table->value());
  }
  for (int64_t i = 0; i < results[0].count(); ++i)
    ASSERT_NEAR(results[0].item(i), results[1].item(i), 1e-4);
}

}  // namespace
}  // namespace andiron::nn
