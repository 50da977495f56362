// Values and gradients against PyTorch's: tests/goldens/ops.json, from tools/make_op_goldens.py.
#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "andiron/autodiff/gradient.hpp"
#include "andiron/base/error.hpp"
#include "andiron/eager/eager.hpp"
#include "andiron/ops/case_testing.hpp"
#include "andiron/ops/catalog.hpp"
#include "andiron/ops/ops.hpp"
#include "andiron/ops/reference.hpp"

namespace andiron {
namespace {

using nlohmann::json;

double number(const json& j) {
  if (j.is_number()) return j.get<double>();
  if (j == "nan") return std::numeric_limits<double>::quiet_NaN();
  return (j == "inf" ? 1 : -1) * std::numeric_limits<double>::infinity();
}

Tensor tensor(const json& j) {
  Tensor t(DType::f64, j["shape"].get<Sizes>());
  for (int64_t i = 0; i < t.count(); ++i)
    t.data<double>()[i] = number(j["values"][static_cast<size_t>(i)]);
  return t.cast(parse_dtype(j["dtype"].get<std::string>()));
}

std::vector<Tensor> tensors(const json& list) {
  std::vector<Tensor> out;
  for (const json& j : list) out.push_back(tensor(j));
  return out;
}

Attribute attribute(const json& j) {
  if (j.is_boolean()) return j.get<bool>();
  if (j.is_number_integer()) return j.get<int64_t>();
  if (j.is_number()) return j.get<double>();
  if (j.is_string()) return j.get<std::string>();
  if (!j.empty() && j[0].is_number_float()) return j.get<std::vector<double>>();
  return j.get<std::vector<int64_t>>();
}

const json& goldens() {
  static const json all = [] {
    std::ifstream file(ANDIRON_OP_GOLDENS);
    return file ? json::parse(file) : json{{"cases", json::array()}};
  }();
  return all;
}

class OpGoldensTest : public testing::TestWithParam<size_t> {
 protected:
  void SetUp() override {
    golden_ = goldens()["cases"][GetParam()];
    op_ = &ops::find(golden_["op"].get<std::string>());
    for (const auto& [name, value] : golden_["attributes"].items())
      attributes_.set(name, attribute(value));
    inputs_ = tensors(golden_["inputs"]);
    expected_ = tensors(golden_["outputs"]);
  }

  json golden_;
  const Op* op_ = nullptr;
  Attributes attributes_;
  std::vector<Tensor> inputs_, expected_;
};

INSTANTIATE_TEST_SUITE_P(pytorch, OpGoldensTest,
                         testing::Range(size_t{0}, goldens()["cases"].size()),
                         [](const auto& info) {
                           const json& golden = goldens()["cases"][info.param];
                           return golden["op"].get<std::string>() + "_" +
                                  std::to_string(info.param);
                         });

TEST_P(OpGoldensTest, reference_equals_pytorch) {
  const auto outputs = make_node(*op_, ops::placeholders(inputs_), attributes_);
  const auto actual = ops::run_reference(outputs[0].node(), inputs_);
  ASSERT_EQ(actual.size(), expected_.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_EQ(actual[i].dtype(), expected_[i].dtype());
    ops::expect_close(actual[i], expected_[i], 1e-11, 1e-12, "output " + std::to_string(i));
  }
}

TEST_P(OpGoldensTest, fast_kernel_equals_pytorch) {
  std::vector<Tensor> single;
  for (const Tensor& t : inputs_)
    single.push_back(t.dtype() == DType::f64 ? t.cast(DType::f32) : t);
  const auto actual = eager::run(*op_, single, attributes_);
  for (size_t i = 0; i < actual.size(); ++i)
    ops::expect_close(actual[i], expected_[i], 3e-5, 3e-6, "output " + std::to_string(i));
}

TEST_P(OpGoldensTest, gradient_equals_pytorch) {
  if (!golden_.contains("gradients")) return;
  const auto x = ops::placeholders(inputs_);
  Value loss = constant(0.0, DType::f64);
  for (const Value& y : make_node(*op_, x, attributes_)) {
    if (y.dtype() != DType::f64) continue;
    Tensor weights(DType::f64, y.shape().sizes());
    for (int64_t i = 0; i < weights.count(); ++i)
      weights.data<double>()[i] = static_cast<double>(1 + i % 3);
    loss = loss + ops::sum(y * constant(weights));
  }
  std::vector<Value> wrt, grads;
  for (const Value& v : x)
    if (v.dtype() == DType::f64) wrt.push_back(v);
  for (const Value& g : grad(loss, wrt)) grads.push_back(ops::densify(g));
  const auto actual = ops::evaluate_reference(Graph(x, grads), inputs_);
  const auto expected = tensors(golden_["gradients"]);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i)
    ops::expect_close(actual[i], expected[i], 1e-10, 1e-12, "gradient " + std::to_string(i));
}

// Ops for which PyTorch has no counterpart, or that other tests compare with their own source.
TEST(OpGoldens, every_differentiable_op_has_one) {
  std::set<std::string> have;
  for (const json& golden : goldens()["cases"]) have.insert(golden["op"].get<std::string>());
  for (const Op* op : ops::catalog()) {
    const bool backward = op->name.find("_grad") != std::string::npos ||
                          op->name.find("_derivative") != std::string::npos;
    if (op->gradient == nullptr || backward) continue;
    if (op->name == "row_sparse" || op->name == "sum_segments") continue;
    if (op->name == "sum_over_workers") continue;  // workers_test.py: against one process
    EXPECT_TRUE(have.count(op->name) > 0) << op->name;
  }
}

}  // namespace
}  // namespace andiron
