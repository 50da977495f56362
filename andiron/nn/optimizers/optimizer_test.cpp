#include "andiron/nn/optimizers/optimizer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/exec/plan.hpp"
#include "andiron/nn/optimizers/optimizer_goldens.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {
namespace {

using nlohmann::json;

Tensor scalar(double v) { return Tensor::scalar(v); }
Tensor step_number(int64_t t) { return Tensor::scalar(static_cast<double>(t), DType::i64); }

class Goldens : public testing::TestWithParam<OptimizerGolden> {};

// See tools/make_optimizer_goldens.py for the problem.
TEST_P(Goldens, equal_step_by_step) {
  const OptimizerGolden& golden = GetParam();
  const OptimizerPtr optimizer = optimizer_from_config(
      {{"class_name", golden.class_name}, {"config", json::parse(golden.config)}});
  constexpr int64_t kN = 6;
  const Sizes sizes = golden.rows == 1 ? Sizes{kN} : Sizes{golden.rows, kN / golden.rows};
  Tensor start(DType::f32, sizes), stiffness(DType::f32, sizes);
  for (int64_t i = 0; i < kN; ++i) {
    start.data<float>()[i] = static_cast<float>(-1.0 + 0.5 * static_cast<double>(i));
    stiffness.data<float>()[i] = static_cast<float>(1 + i) / 8;
  }
  const auto p = std::make_shared<Variable>("p", start);
  const Value wave = input("wave", DType::f32, Shape(sizes));
  const Value value = read(p);
  const Value loss = ops::sum(ops::square(value) * constant(stiffness) * 0.5 + value * wave);
  const Graph graph = optimizer->minimize(Graph({wave}, {loss}), 0, {p});
  const auto plan = exec::Plan::compile(graph, {}, {.threads = 1});
  for (int64_t t = 1, shown = 0; t <= 100; ++t) {
    Tensor w(DType::f32, sizes);
    for (int64_t i = 0; i < kN; ++i)
      w.data<float>()[i] =
          static_cast<float>(std::sin(0.7 * static_cast<double>(t) + 1.3 * static_cast<double>(i)));
    plan->run(std::vector<Tensor>{w, scalar(optimizer->learning_rate_at(t)), step_number(t)});
    if (t != 1 && t != 10 && t != 100) continue;
    for (int64_t i = 0; i < kN; ++i)
      EXPECT_NEAR(p->value().item(i), golden.after[shown][i], 2e-5)
          << golden.source << "'s " << golden.class_name << golden.config << ", step " << t;
    ++shown;
  }
}

INSTANTIATE_TEST_SUITE_P(keras_and_torch, Goldens, testing::ValuesIn(kOptimizerGoldens),
                         [](const auto& info) {
                           return std::string(info.param.source) + info.param.class_name +
                                  std::to_string(info.index);
                         });

class SearchGoldens : public testing::TestWithParam<OptimizerGolden> {};

// The function stands in tools/make_optimizer_goldens.py.
TEST_P(SearchGoldens, end_where_pytorchs_do) {
  const OptimizerGolden& golden = GetParam();
  const OptimizerPtr optimizer = optimizer_from_config(
      {{"class_name", golden.class_name}, {"config", json::parse(golden.config)}});
  constexpr int64_t kN = 6;
  Tensor start(DType::f32, {kN}), i(DType::f32, {kN});
  for (int64_t j = 0; j < kN; ++j) {
    start.data<float>()[j] = static_cast<float>(-1.0 + 0.5 * static_cast<double>(j));
    i.data<float>()[j] = static_cast<float>(j);
  }
  // Two variables: the gradient is one line over both.
  const auto a = std::make_shared<Variable>("a", start.rows(0, 2).clone());
  const auto b = std::make_shared<Variable>("b", start.rows(2, kN).clone());
  const Value p = ops::concat({read(a), read(b)}, 0), square = ops::square(p);
  const Value loss = ops::sum((1.0 + constant(i)) / 16.0 * square + ops::square(square) / 4.0) +
                     ops::square(ops::sum(p)) * 0.3 + ops::sum(constant(i) * p) * 0.5;
  const Graph graph = optimizer->minimize(Graph({}, {loss}), 0, {a, b});
  const auto plan = exec::Plan::compile(graph, {}, {.threads = 1});
  // Fixed lengths: the same path. Searches differ, and at the minimum the loss in float32 tells no
  // nearer points apart.
  const bool searches = !json::parse(golden.config).contains("line_search");
  const double tolerance = searches ? 5e-4 : 1e-4;
  std::vector<Tensor> results;
  for (int64_t t = 1, shown = 0; t <= 10; ++t) {
    const auto evaluate = [&]() -> BatchSearch::Evaluated {
      results =
          plan->run(std::vector<Tensor>{scalar(optimizer->learning_rate_at(t)), step_number(t)});
      return {results[0].item(), {results[1].data<float>(), kN}};
    };
    optimizer->search()->step(evaluate, optimizer->learning_rate_at(t));
    if (t != 1 && t != 2 && t != 10) continue;
    for (int64_t j = 0; j < kN; ++j)
      EXPECT_NEAR(j < 2 ? a->value().item(j) : b->value().item(j - 2), golden.after[shown][j],
                  tolerance)
          << golden.config << ", step " << t;
    ++shown;
  }
}

INSTANTIATE_TEST_SUITE_P(torch, SearchGoldens, testing::ValuesIn(kSearchGoldens));

// Where the loss cannot be computed at a point that is tried, the weights do not stay there.
TEST(LBFGS, an_evaluation_that_throws_leaves_the_last_point) {
  for (const bool line_search : {true, false}) {
    LBFGSOptions options;
    options.line_search = line_search;
    const auto p = std::make_shared<Variable>("p", Tensor::full(DType::f32, {3}, 2.0));
    const OptimizerPtr optimizer = LBFGS(options);
    const Value square = ops::square(read(p));
    const Graph graph =
        optimizer->minimize(Graph({}, {ops::sum(ops::square(square) + square * 0.5)}), 0, {p});
    const auto plan = exec::Plan::compile(graph, {}, {.threads = 1});
    std::vector<Tensor> results;
    int64_t calls = 0, fails_at = 2;
    const auto evaluate = [&]() -> BatchSearch::Evaluated {
      if (++calls == fails_at) throw Error("no loss here");
      results = plan->run(std::vector<Tensor>{scalar(1.0), step_number(1)});
      return {results[0].item(), {results[1].data<float>(), 3}};
    };
    EXPECT_THROW(optimizer->search()->step(evaluate, 1.0), Error);
    for (int64_t i = 0; i < 3; ++i) EXPECT_EQ(p->value().item(i), 2.0);
    // The next step is as one of an optimizer that never failed.
    fails_at = -1;
    optimizer->search()->step(evaluate, 1.0);
    const double loss = results[0].item();
    const auto q = std::make_shared<Variable>("q", Tensor::full(DType::f32, {3}, 2.0));
    const OptimizerPtr fresh = LBFGS(options);
    const Value other = ops::square(read(q));
    const auto other_plan = exec::Plan::compile(
        fresh->minimize(Graph({}, {ops::sum(ops::square(other) + other * 0.5)}), 0, {q}), {},
        {.threads = 1});
    fresh->search()->step(
        [&]() -> BatchSearch::Evaluated {
          results = other_plan->run(std::vector<Tensor>{scalar(1.0), step_number(1)});
          return {results[0].item(), {results[1].data<float>(), 3}};
        },
        1.0);
    EXPECT_EQ(results[0].item(), loss);
    for (int64_t i = 0; i < 3; ++i) EXPECT_EQ(p->value().item(i), q->value().item(i));
  }
}

TEST(Averages, are_swapped_and_taken) {
  SGDOptions options;
  options.use_ema = true;
  const OptimizerPtr optimizer = SGD(options);
  const auto p = std::make_shared<Variable>("p", Tensor::full(DType::f32, {2}, 1.0));
  const Graph graph = optimizer->minimize(Graph({}, {ops::sum(read(p))}), 0, {p});
  const auto plan = exec::Plan::compile(graph);
  for (int64_t t = 1; t <= 2; ++t) plan->run(std::vector<Tensor>{scalar(0.5), step_number(t)});
  const auto now = [&] { return p->value().item(0); };
  EXPECT_NEAR(now(), 0.0, 1e-6);
  optimizer->swap_averages();
  EXPECT_NEAR(now(), 0.99 * 0.5, 1e-6);  // the first value as it is
  optimizer->swap_averages();
  EXPECT_NEAR(now(), 0.0, 1e-6);
  optimizer->swap_averages();
  optimizer->take_averages();  // they stand there already
  EXPECT_NEAR(now(), 0.99 * 0.5, 1e-6);
  EXPECT_FALSE(optimizer->averages_swapped());
  optimizer->take_averages();
  EXPECT_NEAR(now(), 0.99 * 0.5, 1e-6);
}

// Norms are of whole parameters: a table moves as a matrix does that is read in another way.
TEST(ComposedRules, move_tables_as_a_whole) {
  for (const char* name : {"lamb", "lars", "adafactor", "muon"}) {
    std::vector<Tensor> results;
    for (const bool looked_up : {true, false}) {
      const OptimizerPtr optimizer = get_optimizer(name);
      Tensor start(DType::f32, {5, 3});
      for (int64_t i = 0; i < start.count(); ++i)
        start.data<float>()[i] = static_cast<float>(std::sin(static_cast<double>(i)));
      const auto table = std::make_shared<Variable>("table", start);
      const Value ids = input("ids", DType::i32, {4});
      const Value rows = looked_up ? ops::embedding(read(table), ids)
                                   : ops::matmul(ops::one_hot(ids, 5), read(table));
      const Graph graph =
          optimizer->minimize(Graph({ids}, {ops::sum(ops::square(rows))}), 0, {table});
      const auto plan = exec::Plan::compile(graph);
      for (int64_t t = 1; t <= 3; ++t) {
        Tensor id_values(DType::i32, {4});
        for (int64_t i = 0; i < 4; ++i)
          id_values.data<int32_t>()[i] = static_cast<int32_t>((i * t) % 4);
        plan->run(std::vector<Tensor>{id_values, scalar(0.1), step_number(t)});
      }
      results.push_back(table->value());
    }
    for (int64_t i = 0; i < results[0].count(); ++i)
      EXPECT_NEAR(results[0].item(i), results[1].item(i), 1e-5) << name;
  }
}

// Dense parameters of a group are one node over one block; the bits are those of a node for each.
TEST(Optimizer, a_group_is_one_node_over_one_block) {
  const auto train = [](bool together, std::vector<VariablePtr>& variables) {
    const Value x = input("x", DType::f32, {Dim::symbol("batch"), 7});
    const auto variable = [&](const char* name, Sizes sizes) {
      Tensor t(DType::f32, sizes);
      for (int64_t i = 0; i < t.count(); ++i)
        t.data<float>()[i] = static_cast<float>(std::cos(static_cast<double>(i + sizes[0])));
      variables.push_back(std::make_shared<Variable>(name, t));
      return read(variables.back());
    };
    const Value first = variable("first", {7, 5}), bias = variable("bias", {5});
    const Value last = variable("last", {5, 1});
    const Value h = ops::tanh(ops::matmul(x, first) + bias);
    const Value loss = ops::mean(ops::square(ops::matmul(h, last)));
    std::vector<OptimizerGroup> groups;
    for (const char* name : {"first", "bias", "last"}) {
      AdamOptions options;
      options.name = name;
      groups.push_back({together ? "" : name, Adam(options)});
      if (together) break;
    }
    const OptimizerPtr optimizer = OptimizerGroups(groups);
    const Graph graph = optimizer->minimize(Graph({x}, {loss}), 0, variables);
    int64_t updates = 0;
    for (const Node* node : graph.nodes()) updates += node->is("adam_update") ? 1 : 0;
    EXPECT_EQ(updates, together ? 1 : 3);
    const auto plan = exec::Plan::compile(graph, {{"batch", 600}}, {.threads = 2});
    for (int64_t t = 1; t <= 5; ++t) {
      std::vector<Tensor> in = {Tensor::full(DType::f32, {600, 7}, 0.1 * static_cast<double>(t))};
      for (size_t i = 0; i < groups.size(); ++i) in.push_back(scalar(0.01));
      in.push_back(step_number(t));
      plan->run(in);
    }
    for (const VariablePtr& slot : optimizer->variables()) variables.push_back(slot);
  };
  std::vector<VariablePtr> one, each;
  train(true, one);
  train(false, each);
  // The last used first, each on a line of the cache.
  const auto at = [&](size_t i) { return static_cast<const std::byte*>(one[i]->value().raw()); };
  EXPECT_EQ(at(1) - at(2), 64);  // last: 20 bytes
  EXPECT_EQ(at(0) - at(1), 64);  // bias: 20 bytes
  EXPECT_EQ(one[0]->name(), "first");
  ASSERT_EQ(one.size(), 9);
  for (size_t i = 0; i < 3; ++i) {
    const Tensor &a = one[i]->value(), &b = each[i]->value();
    EXPECT_EQ(std::memcmp(a.raw(), b.raw(), a.n_bytes()), 0) << one[i]->name();
  }
}

// The averages of a dead row and of a dead column are epsilon_1 each: their product underflows.
TEST(ComposedRules, adafactor_leaves_what_never_had_a_gradient) {
  const auto matrix = std::make_shared<Variable>("matrix", Tensor::full(DType::f32, {2, 2}, 1.0));
  const Value given = input("given", DType::f32, {2, 2});
  const OptimizerPtr optimizer = get_optimizer("adafactor");
  const auto plan = exec::Plan::compile(
      optimizer->minimize(Graph({given}, {ops::sum(given * read(matrix))}), 0, {matrix}));
  Tensor gradient = Tensor::zeros(DType::f32, {2, 2});
  gradient.data<float>()[3] = 3.0F;
  plan->run(std::vector<Tensor>{gradient, scalar(0.1), step_number(1)});
  for (int64_t i = 0; i < 3; ++i) EXPECT_EQ(matrix->value().item(i), 1.0) << i;
  // Mean of the rows' averages 2.25, row and column 4.5: 3 * 1.5 / 4.5 = 1, times the rate.
  EXPECT_NEAR(matrix->value().item(3), 0.9, 1e-6);
}

TEST(Optimizer, config_round_trips) {
  for (const char* name :
       {"sgd", "adagrad", "rmsprop", "adam", "AdamW", "ftrl", "adadelta", "adamax", "nadam", "lion",
        "rprop", "adafactor", "lamb", "LARS", "muon", "lbfgs", "random_search"}) {
    const json description = optimizer_description(*get_optimizer(name));
    EXPECT_EQ(optimizer_description(*optimizer_from_config(description)), description);
  }
  AdamOptions options;
  options.learning_rate = Warmup(10, CosineDecay(0.1, 100));
  options.clipnorm = 1.5;
  options.use_ema = true;
  options.ema_overwrite_frequency = 7;
  const auto groups = OptimizerGroups({{"wide", Ftrl()}, {"", Adam(options)}});
  const json description = optimizer_description(*groups);
  EXPECT_EQ(optimizer_description(*optimizer_from_config(description)), description);
  EXPECT_EQ(groups->scalar_names(),
            (std::vector<std::string>{"learning_rate_ftrl", "learning_rate_adam"}));
}

TEST(Optimizer, refuses_nonsense) {
  EXPECT_THROW(LearningRate(0.0), Error);
  EXPECT_THROW(LearningRate(-1.0), Error);
  EXPECT_THROW(LearningRate{std::nan("")}, Error);
  EXPECT_THROW(LearningRate{INFINITY}, Error);
  AdamOptions adam;
  adam.beta_1 = 1.0;
  EXPECT_THROW(Adam(adam), Error);
  AdamOptions clips;
  clips.clipnorm = 1.0;
  clips.clipvalue = 1.0;
  EXPECT_THROW(Adam(clips), Error);
  clips = {};
  clips.lazy = clips.use_ema = true;
  EXPECT_THROW(Adam(clips), Error);  // averages need every row
  AdamaxOptions lamb;
  lamb.lazy = true;
  EXPECT_THROW(Lamb(lamb), Error);  // norms, too
  MuonOptions muon;
  muon.exclude_layers = "(";
  EXPECT_THROW(Muon(muon), Error);
  RpropOptions rprop;
  rprop.eta_plus = 0.9;
  EXPECT_THROW(Rprop(rprop), Error);
  LBFGSOptions lbfgs;
  lbfgs.history_size = 0;
  EXPECT_THROW(LBFGS(lbfgs), Error);
  EXPECT_THROW(LBFGS()->set_gradient_accumulation_steps(2), Error);
  EXPECT_THROW(get_optimizer("adamm"), Error);
  EXPECT_THROW(OptimizerGroups({{"(", Adam()}}), Error);
  EXPECT_THROW(OptimizerGroups({{"a", Adam()}, {"b", Adam()}}), Error);
  const Value x = input("x", DType::f32, {3});
  EXPECT_THROW(Adam()->minimize(Graph({x}, {x}), 0, {}), Error);
  EXPECT_THROW(Adam()->minimize(Graph({x}, {ops::sum(x)}), 1, {}), Error);
}

TEST(Schedule, follows_its_formula) {
  EXPECT_DOUBLE_EQ((*InverseTimeDecay(0.1, 1, 0.5))(4), 0.1 / 3);
  EXPECT_DOUBLE_EQ((*ExponentialDecay(0.1, 10, 0.5, true))(19), 0.05);
  EXPECT_DOUBLE_EQ((*StepDecay(0.1, 10, 0.5))(20), 0.025);
  const auto steps = PiecewiseConstantDecay({10, 20}, {3, 2, 1});
  EXPECT_EQ((*steps)(10), 3);
  EXPECT_EQ((*steps)(11), 2);
  EXPECT_EQ((*steps)(21), 1);
  EXPECT_NEAR((*CosineDecay(0.1, 100))(50), 0.05, 1e-12);
  EXPECT_NEAR((*CosineDecay(0.0, 100, 0.0, 0.1, 10))(5), 0.05, 1e-12);
  const auto warm = Warmup(9, StepDecay(1.0, 5, 0.1));
  EXPECT_DOUBLE_EQ((*warm)(0), 0.1);
  EXPECT_DOUBLE_EQ((*warm)(9), 1.0);
  EXPECT_DOUBLE_EQ((*warm)(14), 0.1);
}

TEST(Schedule, refuses_nonsense) {
  EXPECT_THROW(MultiStepDecay(0.1, {20, 10}), Error);
  EXPECT_THROW(CosineDecayRestarts(0.1, 10, 0.5), Error);
  EXPECT_THROW(OneCycle({.max_learning_rate = 0.1}), Error);
  EXPECT_THROW(PolynomialDecay(0.1, 10, -1.0), Error);
  EXPECT_THROW(SequentialSchedule({StepDecay(0.1, 1)}, {5}), Error);
  EXPECT_THROW(schedule_from_config({{"class_name", "Steps"}}), Error);
  EXPECT_THROW(schedule_from_config({{"class_name", "Warmup"}}), Error);
}

TEST(RandomSearch, keeps_improvements_only) {
  const auto p = std::make_shared<Variable>("p", Tensor::full(DType::f32, {4}, 2.0));
  RandomSearchOptions options;
  options.learning_rate = 0.2;
  const OptimizerPtr optimizer = RandomSearch(options);
  const Graph graph = optimizer->minimize(Graph({}, {ops::sum(ops::square(read(p)))}), 0, {p});
  const auto plan = exec::Plan::compile(graph, {}, {.threads = 1});
  double before = 17.0;
  for (int64_t t = 1; t <= 300; ++t) {
    const double loss =
        plan->run(std::vector<Tensor>{scalar(optimizer->learning_rate_at(t)), step_number(t)})[0]
            .item();
    EXPECT_LE(loss, before);
    before = loss;
  }
  EXPECT_LT(before, 1.0);
}

TEST(OptimizerGroups, train_each_group_by_its_own_rule) {
  const auto a = std::make_shared<Variable>("wide/kernel", Tensor::full(DType::f32, {2}, 1.0));
  const auto b = std::make_shared<Variable>("deep/kernel", Tensor::full(DType::f32, {2}, 1.0));
  SGDOptions slow, fast;
  slow.name = "slow";
  slow.learning_rate = 0.1;
  fast.name = "fast";
  fast.learning_rate = 0.5;
  const auto groups = OptimizerGroups({{"^wide", SGD(slow)}, {"", SGD(fast)}});
  const Graph graph = groups->minimize(Graph({}, {ops::sum(read(a) + read(b))}), 0, {a, b});
  const auto rates = groups->scalars_at(1);
  exec::Plan::compile(graph)->run(
      std::vector<Tensor>{scalar(rates[0]), scalar(rates[1]), step_number(1)});
  EXPECT_FLOAT_EQ(static_cast<float>(a->value().item()), 0.9F);
  EXPECT_FLOAT_EQ(static_cast<float>(b->value().item()), 0.5F);
}

}  // namespace
}  // namespace andiron::nn
