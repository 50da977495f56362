#include "andiron/nn/metrics/traced.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/symbolic.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::metrics {
namespace {

/// start + the sum of weight * |y_true - y_pred|, and the number of rows.
MetricGraphs graphs(double start, bool weighted) {
  MetricGraphs g;
  const auto sum = std::make_shared<Variable>("sum", Tensor::scalar(start), false);
  const auto rows = std::make_shared<Variable>("rows", Tensor::scalar(0.0), false);
  g.state = {sum, rows};
  g.initial = {Tensor::scalar(start), Tensor::scalar(0.0)};
  const auto update = [&](bool with_weight) {
    const Value y_true = input("y_true", DType::f32, {nn::batch_dim(), 2});
    const Value y_pred = input("y_pred", DType::f32, {nn::batch_dim(), 2});
    const Value weight = input("weight", DType::f32, {nn::batch_dim()});
    Value each = ops::sum(ops::absolute(y_true - y_pred), {1});
    if (with_weight) each = each * weight;
    std::vector<Value> inputs = {y_true, y_pred};
    if (with_weight) inputs.push_back(weight);
    const Value one = each * 0.0 + 1.0;
    return Graph(inputs, {},
                 {{sum, read(sum) + ops::sum(each)}, {rows, read(rows) + ops::sum(one)}});
  };
  g.update = update(false);
  if (weighted) g.weighted = update(true);
  g.result = Graph({}, {read(sum) + read(rows) * 1000.0});
  return g;
}

Tensor floats(const std::vector<float>& v, Sizes sizes) {
  return Tensor::from(v, std::move(sizes));
}

const Tensor kTrue = floats({1, 2, 3, 4, 5, 6}, {3, 2});
const Tensor kPred = floats({1, 1, 5, 4, 5, 2}, {3, 2});  // off by 1, 2 and 4
const Tensor kWeight = floats({1, 10, 100}, {3});

TEST(TracedMetric, adds_batches_up_and_starts_again) {
  TracedMetric metric("off", graphs(0.5, true));
  metric.update(kTrue, kPred);
  EXPECT_EQ(metric.result(), 3007.5);
  metric.update(kTrue, kPred, kWeight);
  EXPECT_EQ(metric.result(), 6007.5 + 421.0);
  metric.update(kTrue.rows(0, 1), kPred.rows(0, 1));  // another size
  EXPECT_EQ(metric.result(), 7008.5 + 421.0);
  metric.update(kTrue.rows(0, 0), kPred.rows(0, 0));  // nothing
  EXPECT_EQ(metric.result(), 7008.5 + 421.0);
  metric.reset();
  EXPECT_EQ(metric.result(), 0.5);
  // Other types are brought to those that were traced.
  metric.update(kTrue.cast(DType::i64), kPred.cast(DType::f64));
  EXPECT_EQ(metric.result(), 3007.5);
}

TEST(TracedMetric, without_a_graph_for_weights_does_not_look_at_them) {
  TracedMetric metric("off", graphs(0.0, false));
  metric.update(kTrue, kPred, kWeight);
  EXPECT_EQ(metric.result(), 3007.0);
}

TEST(TracedMetric, merges_what_each_has_seen) {
  TracedMetric one("off", graphs(0.5, false)), other("off", graphs(0.5, false));
  one.update(kTrue, kPred);
  other.update(kTrue.rows(2, 3), kPred.rows(2, 3));
  one.merge(other);
  EXPECT_EQ(one.result(), 4011.5);  // the start counts once
  other.deserialize(one.serialize());
  EXPECT_EQ(other.result(), 4011.5);
  EXPECT_THROW(one.restore({{"sum", Tensor::scalar(1.0)}}), Error);
  EXPECT_EQ(one.result(), 4011.5);
  EXPECT_THROW(one.merge(TracedMetric("another", graphs(0.5, false))), Error);
}

TEST(TracedMetric, comes_back_from_its_config) {
  TracedMetric metric("off", graphs(0.5, true));
  metric.update(kTrue, kPred);
  const auto again = TracedMetric::from_config(metric.config());
  EXPECT_EQ(again->signature(), metric.signature());
  EXPECT_EQ(again->result(), 0.5);
  again->update(kTrue, kPred, kWeight);
  EXPECT_EQ(again->result(), 3421.5);
  EXPECT_EQ(metric.result(), 3007.5);  // its variables are its own
}

TEST(TracedMetric, refuses_other_graphs_and_data) {
  TracedMetric metric("off", graphs(0.0, false));
  EXPECT_THROW(metric.update(kTrue, kPred.rows(0, 2)), Error);
  EXPECT_THROW(metric.update(kTrue, floats({1, 2, 3}, {1, 3})), Error);
  EXPECT_EQ(metric.result(), 0.0);
  MetricGraphs no_result = graphs(0.0, false);
  no_result.result = Graph({}, {});
  EXPECT_THROW(TracedMetric("off", std::move(no_result)), Error);
  MetricGraphs foreign = graphs(0.0, false);
  foreign.state.pop_back();  // the graphs write a variable that is not in the state
  foreign.initial.pop_back();
  EXPECT_THROW(TracedMetric("off", std::move(foreign)), Error);
  MetricGraphs shape = graphs(0.0, false);
  shape.initial[0] = floats({0, 0}, {2});
  EXPECT_THROW(TracedMetric("off", std::move(shape)), Error);
}

}  // namespace
}  // namespace andiron::metrics
