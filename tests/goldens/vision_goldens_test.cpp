// Compositions of ops for images against PyTorch's: tests/goldens/vision.json, from
// tools/make_vision_goldens.py.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "andiron/autodiff/gradient.hpp"
#include "andiron/exec/plan.hpp"
#include "andiron/ops/case_testing.hpp"
#include "andiron/ops/ops.hpp"
#include "andiron/ops/reference.hpp"

namespace andiron {
namespace {

using nlohmann::json;
using Ints = std::vector<int64_t>;
using Values = std::vector<Value>;

Ints ints(const json& arguments, const char* name) { return arguments.value(name, Ints()); }

Value third(const Values& x) { return x.size() > 2 ? x[2] : Value(); }

const std::map<std::string, std::function<Value(const Values&, const json&)>> kFunctions = {
    {"conv_transpose",
     [](const Values& x, const json& a) {
       ops::ConvOptions o{.strides = ints(a, "strides"), .dilations = ints(a, "dilations")};
       o.groups = a.value("groups", int64_t{1});
       o.pads_begin = ints(a, "pads_begin");
       o.pads_end = ints(a, "pads_end");
       if (!o.pads_begin.empty()) o.padding = "explicit";
       return ops::conv_transpose(x[0], x[1], third(x), o, ints(a, "output_padding"));
     }},
    {"resize",
     [](const Values& x, const json& a) {
       ops::ResizeOptions o;
       o.mode = a.at("mode");
       o.coordinates = a.value("coordinates", o.coordinates);
       o.rounding = a.value("rounding", o.rounding);
       o.antialias = a.value("antialias", false);
       return ops::resize(x[0], ints(a, "sizes"), o);
     }},
    {"adaptive_avg_pool",
     [](const Values& x, const json& a) {
       return ops::adaptive_avg_pool(x[0], ints(a, "output_size"));
     }},
    {"adaptive_max_pool",
     [](const Values& x, const json& a) {
       return ops::adaptive_max_pool(x[0], ints(a, "output_size"));
     }},
    {"global_avg_pool", [](const Values& x, const json&) { return ops::global_avg_pool(x[0]); }},
    {"global_max_pool", [](const Values& x, const json&) { return ops::global_max_pool(x[0]); }},
    {"batch_norm",
     [](const Values& x, const json& a) {
       return ops::batch_norm(x[0], x[1], x[2], a.at("epsilon").get<double>())[0];
     }},
    {"batch_norm_inference",
     [](const Values& x, const json& a) {
       return ops::batch_norm_inference(x[0], x[1], x[2], x[3], x[4],
                                        a.at("epsilon").get<double>());
     }},
    {"pixel_shuffle",
     [](const Values& x, const json& a) {
       return ops::pixel_shuffle(x[0], a.at("factor").get<int64_t>());
     }},
    {"channel_shuffle",
     [](const Values& x, const json& a) {
       return ops::channel_shuffle(x[0], a.at("groups").get<int64_t>());
     }},
    {"pad_edges",
     [](const Values& x, const json& a) {
       return ops::pad_edges(x[0], ints(a, "low"), ints(a, "high"),
                             a.at("mode").get<std::string>());
     }},
};

const json& goldens() {
  static const json all = [] {
    std::ifstream file(ANDIRON_VISION_GOLDENS);
    return file ? json::parse(file) : json{{"cases", json::array()}};
  }();
  return all;
}

std::vector<Tensor> tensors(const json& list) {
  std::vector<Tensor> out;
  for (const json& j : list)
    out.push_back(Tensor::from(j["values"].get<std::vector<double>>(), j["shape"].get<Sizes>()));
  return out;
}

class VisionGoldensTest : public testing::TestWithParam<size_t> {
 protected:
  void SetUp() override {
    golden_ = goldens()["cases"][GetParam()];
    inputs_ = tensors(golden_["inputs"]);
    expected_ = tensors(golden_["outputs"])[0];
  }
  Value build(const Values& x) const {
    return kFunctions.at(golden_["function"].get<std::string>())(x, golden_["arguments"]);
  }
  json golden_;
  std::vector<Tensor> inputs_;
  Tensor expected_;
};

INSTANTIATE_TEST_SUITE_P(pytorch, VisionGoldensTest,
                         testing::Range(size_t{0}, goldens()["cases"].size()),
                         [](const auto& info) {
                           const json& golden = goldens()["cases"][info.param];
                           return golden["function"].get<std::string>() + "_" +
                                  std::to_string(info.param);
                         });

TEST(VisionGoldens, are_there) { EXPECT_GT(goldens()["cases"].size(), 30U); }

// PyTorch's antialiased weights are computed in a way of their own: 1e-7 apart.
TEST_P(VisionGoldensTest, reference_equals_pytorch) {
  const auto x = ops::placeholders(inputs_);
  const auto actual = ops::evaluate_reference(Graph(x, {build(x)}), inputs_);
  ops::expect_close(actual[0], expected_, 1e-10, 1e-11, "result");
}

TEST_P(VisionGoldensTest, plan_equals_pytorch) {
  std::vector<Tensor> single;
  for (const Tensor& t : inputs_) single.push_back(t.cast(DType::f32));
  const auto x = ops::placeholders(single);
  const auto actual = exec::Plan::compile(Graph(x, {build(x)}))->run(single);
  ops::expect_close(actual[0], expected_, 3e-5, 3e-6, "result");
}

TEST_P(VisionGoldensTest, gradient_equals_pytorch) {
  if (!golden_.contains("gradients")) return;
  const auto x = ops::placeholders(inputs_);
  const Value y = build(x);
  Tensor weights(DType::f64, y.shape().sizes());
  for (int64_t i = 0; i < weights.count(); ++i)
    weights.data<double>()[i] = static_cast<double>(1 + i % 3);
  const auto grads = grad(ops::sum(y * constant(weights)), x);
  const auto actual = ops::evaluate_reference(Graph(x, grads), inputs_);
  const auto expected = tensors(golden_["gradients"]);
  for (size_t i = 0; i < actual.size(); ++i)
    ops::expect_close(actual[i], expected[i], 1e-9, 1e-11, "gradient " + std::to_string(i));
}

}  // namespace
}  // namespace andiron
