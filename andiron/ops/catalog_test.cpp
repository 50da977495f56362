// Every op of the catalog, every case of its room: schema, reference kernel, gradient, batch rule.
#include "andiron/ops/catalog.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <set>

#include "andiron/autodiff/gradient.hpp"
#include "andiron/base/error.hpp"
#include "andiron/ops/case_testing.hpp"
#include "andiron/ops/ops.hpp"
#include "andiron/ops/reference.hpp"

namespace andiron::ops {
namespace {

// Ops whose inputs cannot be drawn at random have tests of their own: the optimizers' steps in
// nn/optimizers, what works on the rows that occur with dedup, fused with its kernel.
bool tested_elsewhere(const std::string& op) {
  if (op == "sum_segments" || op.starts_with("occurring_") || op == "fused") return true;
  for (const std::string end : {"_update", "_update_rows", "_catch_up", "_record"})
    if (op.size() > end.size() && op.ends_with(end)) return true;
  return false;
}
// A table's gradient is row-sparse, and what it is made of has no gradient of its own.
const std::set<std::string> kFirstOrderOnly = {"row_sparse", "embedding_bag"};

bool is_leaf(const Op& op) { return op.inputs.empty(); }

TEST(Catalog, names_are_unique_and_found) {
  std::set<std::string> names;
  for (const Op* op : catalog()) {
    EXPECT_TRUE(names.insert(op->name).second) << op->name << " is there twice";
    EXPECT_EQ(&find(op->name), op);
  }
}

TEST(Catalog, every_schema_is_complete) {
  for (const Op* op : catalog()) {
    if (is_leaf(*op)) continue;
    SCOPED_TRACE(op->name);
    EXPECT_FALSE(op->summary.empty());
    EXPECT_FALSE(op->formula.empty());
    EXPECT_FALSE(op->outputs.empty());
    EXPECT_NE(op->infer, nullptr);
    EXPECT_NE(op->reference, nullptr);
    EXPECT_TRUE(!op->cases.empty() || tested_elsewhere(op->name)) << "has no cases";
    EXPECT_NE(op->gradient == nullptr, op->why_not_differentiable.empty())
        << "needs either a gradient or the reason why it has none";
    for (const InputSpec& input : op->inputs) EXPECT_FALSE(input.doc.empty()) << input.name;
    for (const AttributeSpec& a : op->attributes) EXPECT_FALSE(a.doc.empty()) << a.name;
  }
}

// The rule refuses other types, or the kernel knows them.
TEST(Catalog, integers_in_place_of_floats_are_refused_or_computed) {
  for (const CatalogCase& c : all_cases()) {
    if (!has_floating_input(c)) continue;
    std::vector<Tensor> inputs = case_inputs(c);
    for (Tensor& t : inputs)
      if (t.defined() && is_floating(t.dtype())) t = t.cast(DType::i32);
    SCOPED_TRACE(c.name());
    try {
      const std::vector<Value> values = make_node(*c.op, placeholders(inputs), c.data().attributes);
      run_reference(values[0].node(), inputs);
    } catch (const Error&) {
    } catch (const std::exception& e) {
      ADD_FAILURE() << e.what();
    }
  }
}

class CatalogTest : public testing::TestWithParam<CatalogCase> {
 protected:
  const Op& op() const { return *GetParam().op; }
  const Case& data() const { return GetParam().data(); }

  std::vector<Value> node_of(const std::vector<Value>& inputs) const {
    return make_node(op(), inputs, data().attributes);
  }
  std::vector<Tensor> run(const std::vector<Tensor>& inputs) const {
    return run_reference(node_of(placeholders(inputs))[0].node(), inputs);
  }
  // Whether the op takes this floating point dtype at all.
  bool accepts(DType floating) const {
    try {
      node_of(placeholders(case_inputs(GetParam(), floating)));
      return true;
    } catch (const Error&) {
      return false;
    }
  }
};

INSTANTIATE_TEST_SUITE_P(all, CatalogTest, testing::ValuesIn(all_cases()),
                         [](const auto& info) { return info.param.name(); });

// A tensor between two guards, all filled with `byte`.
struct Guarded {
  static constexpr size_t kGuard = 64;
  Guarded(const TensorType& type, int byte) {
    const auto n_bytes = static_cast<size_t>(type.shape.count().size()) * size_of(type.dtype);
    buffer = Buffer::allocate(n_bytes + 2 * kGuard);
    std::memset(buffer->data(), byte, buffer->n_bytes());
    tensor =
        Tensor(buffer, type.dtype, type.shape.sizes(), dense_strides(type.shape.sizes()), kGuard);
  }
  bool intact(int byte) const {
    for (size_t i = 0; i < kGuard; ++i)
      if (buffer->data()[i] != std::byte(byte) ||
          buffer->data()[buffer->n_bytes() - 1 - i] != std::byte(byte))
        return false;
    return true;
  }
  std::shared_ptr<Buffer> buffer;
  Tensor tensor;
};

TEST_P(CatalogTest, reference_writes_exactly_the_inferred_outputs) {
  const auto inputs = case_inputs(GetParam(), DType::f32);
  const std::vector<Value> outputs = node_of(placeholders(inputs));
  const Node& node = outputs[0].node();
  std::vector<std::vector<Tensor>> results;
  for (const int byte : {0x00, 0x01}) {
    std::vector<Guarded> guarded;
    std::vector<Tensor> dst;
    for (const TensorType& type : node.outputs) {
      guarded.emplace_back(type, byte);
      dst.push_back(guarded.back().tensor);
    }
    op().reference(ReferenceContext{inputs, dst, node.attributes});
    for (const Guarded& g : guarded) EXPECT_TRUE(g.intact(byte)) << "wrote outside of its output";
    results.push_back(dst);
  }
  for (size_t i = 0; i < results[0].size(); ++i)
    expect_equal(results[1][i], results[0][i], "an element was not written");
}

// The same values in float32 and bfloat16 as in float64, up to rounding.
TEST_P(CatalogTest, every_precision_gives_the_same_result) {
  if (!has_floating_input(GetParam()) || !accepts(DType::f64)) return;
  struct Precision {
    DType dtype;
    double tolerance;
  };
  for (const auto& [dtype, tolerance] : {Precision{DType::f32, 2e-5}, {DType::bf16, 0x1p-7}}) {
    if (!accepts(dtype)) continue;
    const auto inputs = case_inputs(GetParam(), dtype);
    std::vector<Tensor> exact;
    for (const Tensor& t : inputs) exact.push_back(is_floating(t.dtype()) ? t.cast(DType::f64) : t);
    const auto actual = run(inputs), expected = run(exact);
    for (size_t i = 0; i < actual.size(); ++i)
      expect_close(actual[i], expected[i], tolerance, tolerance, std::string(name_of(dtype)));
  }
}

// NaN in every floating point input: no kernel turns it into a number.
TEST_P(CatalogTest, nan_propagates) {
  auto inputs = case_inputs(GetParam(), DType::f32);
  bool any = false;
  for (Tensor& t : inputs) {
    if (t.count() == 0) return;  // an empty sum is a number
    if (!is_floating(t.dtype())) continue;
    t = Tensor::full(t.dtype(), t.sizes(), NAN);
    any = true;
  }
  if (!any || op().gradient == nullptr) return;
  for (const Tensor& t : run(inputs)) {
    if (!is_floating(t.dtype()) || t.count() == 0) continue;
    // Without center the mean of group_norm is 0 whatever comes.
    if (op().name == "group_norm" && data().attributes.has("center") && t.rank() == 2 &&
        t.item() == 0.0)
      continue;
    int64_t n_nan = 0;
    for (int64_t i = 0; i < t.count(); ++i) n_nan += std::isnan(t.item(i)) ? 1 : 0;
    if (op().traits.elementwise) {
      EXPECT_EQ(n_nan, t.count());
    } else {
      EXPECT_GT(n_nan, 0);
    }
  }
}

// The sum of the floating point outputs, each element times a random weight.
Value weighted_sum(const std::vector<Value>& values, uint64_t seed) {
  Value total = constant(0.0, DType::f64);
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i].dtype() != DType::f64) continue;
    const Tensor weights = random_tensor(DType::f64, values[i].shape().sizes(), 0.5, 1.5, seed + i);
    total = total + sum(values[i] * constant(weights));
  }
  return total;
}

// Compares each element of `analytic` with the central difference of `function` at `inputs`.
void expect_slopes(const Graph& function, const std::vector<Tensor>& inputs,
                   const std::vector<Tensor>& analytic, const std::vector<size_t>& wrt) {
  constexpr int64_t kMaxElements = 60;
  for (size_t k = 0; k < wrt.size(); ++k) {
    std::vector<Tensor> moved = inputs;
    moved[wrt[k]] = inputs[wrt[k]].clone();
    const Tensor& x = moved[wrt[k]];
    const int64_t stride = std::max<int64_t>(1, x.count() / kMaxElements);
    for (int64_t i = 0; i < x.count(); i += stride) {
      double& element = x.data<double>()[i];
      const double at = element, h = 1e-5 * std::max(1.0, std::abs(at));
      element = at + h;
      const double above = evaluate_reference(function, moved)[0].item();
      element = at - h;
      const double below = evaluate_reference(function, moved)[0].item();
      element = at;
      const double slope = (above - below) / (2 * h), given = analytic[k].item(i);
      const double noise = 1e-15 * (std::abs(above) + std::abs(below)) / h;
      ASSERT_NEAR(given, slope, 1e-6 * std::abs(slope) + 1e-7 + 10 * noise)
          << "input " << wrt[k] << ", element " << i << " = " << at;
    }
  }
}

struct Differentiated {
  std::vector<Tensor> inputs;
  std::vector<Value> x;
  std::vector<size_t> wrt;
  std::vector<Value> grads;
  Value loss;

  std::vector<Value> chosen() const {
    std::vector<Value> values;
    for (size_t i : wrt) values.push_back(x[i]);
    return values;
  }
};

TEST_P(CatalogTest, gradient_equals_finite_differences) {
  if (op().gradient == nullptr || !data().check_gradient || !accepts(DType::f64)) return;
  Differentiated d;
  d.inputs = case_inputs(GetParam(), DType::f64);
  d.x = placeholders(d.inputs);
  for (size_t i = 0; i < d.x.size(); ++i)
    if (d.x[i].dtype() == DType::f64) d.wrt.push_back(i);
  d.loss = weighted_sum(node_of(d.x), 1);
  if (d.wrt.empty()) return;
  for (const Value& g : grad(d.loss, d.chosen())) d.grads.push_back(densify(g));
  expect_slopes(Graph(d.x, {d.loss}), d.inputs, evaluate_reference(Graph(d.x, d.grads), d.inputs),
                d.wrt);
  if (HasFatalFailure() || kFirstOrderOnly.count(op().name) > 0) return;

  // The gradient of the gradient.
  SCOPED_TRACE("second order");
  const Value slope = weighted_sum(d.grads, 2);
  std::vector<Value> curvatures;
  for (const Value& g : grad(slope, d.chosen())) curvatures.push_back(densify(g));
  expect_slopes(Graph(d.x, {slope}), d.inputs, evaluate_reference(Graph(d.x, curvatures), d.inputs),
                d.wrt);
}

// The batch rule promises that tiles give the same: rows are computed alone, partial sums add up.
class BatchRule {
 public:
  BatchRule(const CatalogCase& c, const std::vector<Tensor>& inputs, std::vector<BatchKind> kinds)
      : case_(c), inputs_(inputs), kinds_(std::move(kinds)) {}

  // Whether the op has a meaning with a symbolic batch here and the rule allows tiles.
  bool applies() {
    n_ = -1;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (kinds_[i] != BatchKind::rows) continue;
      if (inputs_[i].rank() == 0 || (n_ >= 0 && inputs_[i].size(0) != n_)) return false;
      n_ = inputs_[i].size(0);
    }
    if (n_ < 2) return false;
    for (const bool bind_attributes : {false, true}) {
      try {
        make_symbolic(bind_attributes);
      } catch (const Error&) {
        continue;
      }
      const Node& node = outputs_[0].node();
      kind_ = case_.op->batch(node, kinds_);
      bool tiles = kind_ == BatchKind::rows || kind_ == BatchKind::partial_sum;
      for (const TensorType& type : node.outputs)
        tiles &= kind_ == BatchKind::rows
                     ? type.shape.rank() > 0 && type.shape[0].multiple_of("batch") > 0
                     : !type.shape.mentions("batch");
      if (tiles) return true;
    }
    return false;
  }

  void check() {
    const Graph whole(x_, outputs_);
    const auto expected = evaluate_reference(whole, inputs_);
    const int64_t cut = n_ / 2;
    const auto first = run(whole, 0, cut), second = run(whole, cut, n_);
    for (size_t i = 0; i < expected.size(); ++i) {
      if (kind_ == BatchKind::partial_sum) {
        for (int64_t j = 0; j < expected[i].count(); ++j)
          EXPECT_NEAR(first[i].item(j) + second[i].item(j), expected[i].item(j), 1e-9);
      } else {
        const int64_t middle = expected[i].size(0) * cut / n_;
        expect_equal(first[i], expected[i].rows(0, middle), "first tile");
        expect_equal(second[i], expected[i].rows(middle, expected[i].size(0)), "second tile");
      }
    }
  }

 private:
  void make_symbolic(bool bind_attributes) {
    const Dim batch = Dim::symbol("batch");
    x_.clear();
    for (size_t i = 0; i < inputs_.size(); ++i) {
      Shape shape(inputs_[i].sizes());
      if (kinds_[i] == BatchKind::rows) shape[0] = batch;
      x_.push_back(input("x" + std::to_string(i), inputs_[i].dtype(), shape));
    }
    Attributes attributes = case_.data().attributes;
    for (const auto& [name, value] : case_.data().attributes) {
      const Shape* shape = std::get_if<Shape>(&value);
      if (!bind_attributes || shape == nullptr || shape->empty() || (*shape)[0] != Dim(n_))
        continue;
      Shape symbolic = *shape;
      symbolic[0] = batch;
      attributes.set(name, symbolic);
    }
    outputs_ = make_node(*case_.op, x_, attributes);
  }

  std::vector<Tensor> run(const Graph& whole, int64_t begin, int64_t end) {
    std::vector<Tensor> tile;
    for (size_t i = 0; i < inputs_.size(); ++i)
      tile.push_back(kinds_[i] == BatchKind::rows ? inputs_[i].rows(begin, end) : inputs_[i]);
    return evaluate_reference(whole, tile);
  }

  const CatalogCase& case_;
  const std::vector<Tensor>& inputs_;
  std::vector<BatchKind> kinds_;
  BatchKind kind_ = BatchKind::blocked;
  int64_t n_ = -1;
  std::vector<Value> x_, outputs_;
};

TEST_P(CatalogTest, batch_rule_keeps_its_promise) {
  if (op().batch == nullptr) return;
  const auto inputs = case_inputs(GetParam(), DType::f64);
  const size_t n = inputs.size();
  if (n > 4 || !accepts(DType::f64)) return;
  for (size_t mask = 1; mask < (size_t{1} << n); ++mask) {
    std::vector<BatchKind> kinds;
    for (size_t i = 0; i < n; ++i)
      kinds.push_back((mask >> i) & 1 ? BatchKind::rows : BatchKind::fixed);
    BatchRule rule(GetParam(), inputs, kinds);
    if (!rule.applies()) continue;
    SCOPED_TRACE("inputs with the batch: " + std::to_string(mask));
    rule.check();
  }
}

}  // namespace
}  // namespace andiron::ops
