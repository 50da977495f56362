#include "tests/properties/random_graph_testing.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "andiron/autodiff/gradient.hpp"
#include "andiron/base/error.hpp"
#include "andiron/base/philox.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/ops/case_testing.hpp"
#include "andiron/ops/catalog.hpp"
#include "andiron/ops/ops.hpp"
#include "andiron/ops/reference.hpp"

namespace andiron::properties {

uint64_t Draw::word() {
  const auto words = Philox{seed_}(counter_++);
  return uint64_t{words[0]} << 32 | words[1];
}

int64_t Draw::below(int64_t n) { return static_cast<int64_t>(word() % static_cast<uint64_t>(n)); }

std::vector<Tensor> draw_values(const std::vector<Leaf>& leaves,
                                const std::map<std::string, int64_t>& sizes, uint64_t seed) {
  std::vector<Tensor> values;
  for (size_t i = 0; i < leaves.size(); ++i) {
    const Leaf& leaf = leaves[i];
    values.push_back(ops::random_tensor(leaf.value.dtype(), leaf.value.shape().bind(sizes).sizes(),
                                        leaf.low, leaf.high, mix_key(seed, i)));
  }
  return values;
}

namespace {

constexpr int64_t kMaxElements = 20000, kMaxCopies = 1000;
constexpr double kLargest = 1e4;

bool has_batch(const Shape& shape) { return shape.mentions("batch"); }
bool plain(const Shape& shape) {  // known, or [batch, known...]
  for (size_t i = 0; i < shape.size(); ++i)
    if (!shape[i].known() && (i > 0 || shape[i].multiple_of("batch") != 1)) return false;
  return true;
}

// A value in both precisions, with what it is for the leaves' values.
struct Entry {
  Value single, exact;
  Tensor single_now, exact_now;
  bool rounded = false;

  DType dtype() const { return single.dtype(); }
  const Shape& shape() const { return single.shape(); }
};
using Entries = std::vector<Entry>;

// Ops that no graph has before its passes, or whose inputs are no numbers drawn at random.
bool left_out(const Op& op) {
  if (op.cases.empty() || op.reference == nullptr) return true;
  return op.name == "row_sparse" || op.name == "fused";
}

double largest(const Tensor& t) {
  double most = 0;
  for (int64_t i = 0; i < t.count(); ++i) {
    const double x = std::abs(t.item(i));
    if (!(x <= most)) most = x;  // NaN stays
  }
  return most;
}

double distance(const Tensor& a, const Tensor& b) {
  double most = 0;
  for (int64_t i = 0; i < a.count(); ++i) most = std::max(most, std::abs(a.item(i) - b.item(i)));
  return most;
}

class Drawer {
 public:
  explicit Drawer(uint64_t seed) : draw_(seed) {}

  RandomGraph operator()() {
    if (!draw_.one_in(4))
      result_.sizes = {{"batch", draw_.of(std::vector<int64_t>{1, 2, 3, 5, 8, 17, 64, 150, 600})}};
    const int64_t n_nodes = 2 + draw_.below(9);
    for (int tries = 0; tries < 60 && n_drawn_ < n_nodes; ++tries) draw_node();
    finish();
    return std::move(result_);
  }

 private:
  bool symbolic() const { return !result_.sizes.empty(); }

  // --- leaves -----------------------------------------------------------------------------------

  Entry leaf(TensorType type, double low, double high) {
    Leaf single{{}, low, high}, exact{{}, low, high};
    const size_t n = result_.leaves.size();
    const bool variable = is_floating(type.dtype) && type.shape.known() && draw_.one_in(2);
    const TensorType exact_type{is_floating(type.dtype) ? DType::f64 : type.dtype, type.shape};
    // += because g++ 12 warns about "x" + std::to_string(...)
    std::string name = "x";
    name += std::to_string(n);
    auto make = [&](const TensorType& t) {
      return variable
                 ? read(std::make_shared<Variable>(name, Tensor::zeros(t.dtype, t.shape.sizes())))
                 : input(name, t.dtype, t.shape);
    };
    single.value = make(type);
    exact.value = make(exact_type);
    result_.leaves.push_back(single);
    result_.exact_leaves.push_back(exact);
    Entry e{single.value, exact.value, {}, {}, false};
    e.single_now = ops::random_tensor(type.dtype, type.shape.bind(result_.sizes).sizes(), low, high,
                                      mix_key(0, n));
    e.exact_now = e.single_now.cast(exact_type.dtype);
    return e;
  }

  static Entry number(double value, DType dtype) {
    const DType exact = is_floating(dtype) ? DType::f64 : dtype;
    return {constant(value, dtype), constant(value, exact), Tensor::scalar(value, dtype),
            Tensor::scalar(value, exact), false};
  }

  // --- nodes ------------------------------------------------------------------------------------

  // The node on tensors, symbols bound.
  std::vector<Tensor> compute(const Op& op, const std::vector<Tensor>& inputs,
                              const Attributes& attributes) const {
    Attributes bound = attributes;
    for (const auto& [name, value] : attributes)
      if (const Shape* shape = std::get_if<Shape>(&value))
        bound.set(name, shape->bind(result_.sizes));
    return ops::run_reference(make_node(op, ops::placeholders(inputs), bound)[0].node(), inputs);
  }

  // Fills in the twins of a node's outputs: in float64 where the op takes it, else by way of
  // float32.
  void make_exact(const Op& op, const Entries& in, const Attributes& attributes,
                  Entries& out) const {
    for (const DType way : {DType::f64, DType::f32}) {
      std::vector<Value> inputs;
      std::vector<Tensor> tensors;
      for (const Entry& e : in) {
        const bool floating = is_floating(e.exact.dtype());
        inputs.push_back(floating ? ops::cast(e.exact, way) : e.exact);
        tensors.push_back(floating ? e.exact_now.cast(way) : e.exact_now);
      }
      try {
        const std::vector<Value> values = make_node(op, inputs, attributes);
        const std::vector<Tensor> now = compute(op, tensors, attributes);
        for (size_t i = 0; i < out.size(); ++i) {
          const bool floating = is_floating(values[i].dtype());
          if (floating != is_floating(out[i].dtype())) fail("another kind of number");
          out[i].exact = floating ? ops::cast(values[i], DType::f64) : values[i];
          out[i].exact_now = floating ? now[i].cast(DType::f64) : now[i];
        }
        return;
      } catch (const Error&) {
        if (way == DType::f32) throw;
      }
    }
  }

  // The op's node on these inputs; throws Error when the op does not take them, or when what comes
  // out tells nothing.
  Entries apply(const Op& op, const Entries& in, const Attributes& attributes) const {
    std::vector<Value> inputs;
    std::vector<Tensor> tensors;
    bool rounded = false;
    for (const Entry& e : in) {
      inputs.push_back(e.single);
      tensors.push_back(e.single_now);
      rounded |= e.rounded;
    }
    const std::vector<Value> values = make_node(op, inputs, attributes);
    for (const Value& v : values) {
      const Dim count = v.shape().bind(result_.sizes).count();
      if (!count.known() || count.size() > kMaxElements) fail("too large");
    }
    const std::vector<Tensor> now = compute(op, tensors, attributes);
    Entries out;
    for (size_t i = 0; i < values.size(); ++i) out.push_back({values[i], {}, now[i], {}, rounded});
    make_exact(op, in, attributes, out);
    for (Entry& e : out) {
      const double size = largest(e.single_now), error = distance(e.single_now, e.exact_now);
      if (!(size <= kLargest) && is_floating(e.dtype())) fail("too large a number");
      if (!(error <= 1e-4 * size)) fail("lost in rounding");
      e.rounded |= error > 0;
      if (e.single.shape() != e.exact.shape()) fail("another shape");
    }
    return out;
  }
  Entry apply_one(const char* op, const Entries& in, const Attributes& attributes = {}) const {
    return apply(ops::find(op), in, attributes)[0];
  }

  // --- one value in place of another -------------------------------------------------------------

  // e with `shape`: cut, repeated, averaged over the batch or spread along it.
  Entry fit_shape(Entry e, const Shape& shape) const {
    if (e.shape() == shape) return e;
    if (has_batch(e.shape()) && !has_batch(shape)) {
      const Ints batch_axis{0};
      const Entry total = apply_one("sum", {e}, {{"axes", batch_axis}});
      const Entry rows = apply_one("count_of", {e}, {{"axes", batch_axis}, {"dtype", e.dtype()}});
      return fit_shape(apply_one("divide", {total, rows}), shape);
    }
    if (!has_batch(e.shape()) && has_batch(shape)) {
      const Entry row = fit_shape(e, Shape(shape.begin() + 1, shape.end()));
      return apply_one("broadcast_to", {row}, {{"shape", shape}});
    }
    Shape lead;
    if (has_batch(shape)) lead.push_back(shape[0]);
    const auto first = static_cast<std::ptrdiff_t>(lead.size());
    auto row_count = [&](const Shape& s) {
      return Shape(s.begin() + first, s.end()).count().size();
    };
    auto with = [&](int64_t n) {
      Shape s = lead;
      s.push_back(n);
      return s;
    };
    const int64_t have = row_count(e.shape()), want = row_count(shape);
    if (have == 0 && want > 0) fail("nothing to repeat");
    if (have != want) {
      e = apply_one("reshape", {e}, {{"shape", with(have)}});
      if (have < want) {
        const int64_t n = (want + have - 1) / have;
        if (n > kMaxCopies) fail("too many copies");
        const Entries copies(static_cast<size_t>(n), e);
        e = apply_one("concat", copies, {{"axis", int64_t{-1}}});
      }
      Shape begin(lead.size() + 1, Dim(0));
      e = apply_one("slice", {e}, {{"begin", begin}, {"size", with(want)}});
    }
    return e.shape() == shape ? e : apply_one("reshape", {e}, {{"shape", shape}});
  }

  // e in [low, high), smoothly.
  Entry fit_range(const Entry& e, double low, double high) const {
    for (int64_t i = 0; i < e.single_now.count(); ++i) {
      if (e.single_now.item(i) >= low && e.single_now.item(i) < high) continue;
      const Entry share = apply_one("sigmoid", {e});
      const Entry width = number(0.98 * (high - low), e.dtype());
      const Entry start = number(low + 0.01 * (high - low), e.dtype());
      return apply_one("add", {apply_one("multiply", {share, width}), start});
    }
    return e;
  }

  // An operand of this type and range: mostly made of what is there already.
  Entry operand(const TensorType& type, double low, double high, bool unrounded) {
    Entries candidates;
    for (const Entry& e : pool_) {
      if (e.dtype() != type.dtype || (unrounded && e.rounded)) continue;
      if (is_floating(type.dtype) || e.shape() == type.shape) candidates.push_back(e);
    }
    if (!candidates.empty() && !draw_.one_in(4)) {
      // The last ones more often: depth.
      const int64_t n = std::ssize(candidates);
      const Entry& e = candidates[static_cast<size_t>(std::max(draw_.below(n), draw_.below(n)))];
      try {
        if (!is_floating(type.dtype)) {
          for (int64_t i = 0; i < e.single_now.count(); ++i)
            if (e.single_now.item(i) < low || e.single_now.item(i) >= high) fail("out of range");
          return e;
        }
        const Entry fitted = fit_range(fit_shape(e, type.shape), low, high);
        if (!unrounded || !fitted.rounded) return fitted;
      } catch (const Error&) {
      }
    }
    const Entry fresh = leaf(type, low, high);
    pool_.push_back(fresh);
    return fresh;
  }

  // Whether the smallest change of a number may change the result by much.
  static bool has_steps(const Op& op, const Attributes& attributes,
                        const std::vector<TensorType>& inputs) {
    if (op.gradient == nullptr) return true;
    std::vector<Value> values;
    for (const TensorType& t : inputs) values.push_back(input("x", t.dtype, t.shape));
    for (const Value& v : make_node(op, values, attributes))
      if (!is_floating(v.dtype())) return true;
    return false;
  }

  void draw_node() {
    const Op& op = *draw_.of(std::vector<const Op*>(ops::catalog().begin(), ops::catalog().end()));
    if (left_out(op)) return;
    const Case& c = draw_.of(op.cases);
    const DType floating = DType::f32;
    std::vector<ops::CaseInput> wanted;
    int64_t n = -1;
    for (const std::string& text : c.inputs) {
      wanted.push_back(ops::parse_case_input(text));
      if (is_floating(wanted.back().type.dtype)) wanted.back().type.dtype = floating;
    }
    Attributes attributes = c.attributes;
    if (symbolic() && !draw_.one_in(4)) {
      const Dim batch = Dim::symbol("batch");
      for (ops::CaseInput& w : wanted) {
        Shape& shape = w.type.shape;
        if (shape.empty() || (n >= 0 && shape[0] != Dim(n)) || draw_.one_in(4)) continue;
        n = shape[0].size();
        shape[0] = batch;
      }
      for (const auto& [name, value] : c.attributes) {
        const Shape* shape = std::get_if<Shape>(&value);
        if (shape == nullptr || shape->empty() || (n >= 0 && (*shape)[0] != Dim(n))) continue;
        if (draw_.one_in(3)) continue;
        Shape with_batch = *shape;
        with_batch[0] = batch;
        attributes.set(name, with_batch);
      }
    }
    const size_t n_leaves = result_.leaves.size(), n_pool = pool_.size();
    try {
      std::vector<TensorType> types;
      for (const ops::CaseInput& w : wanted) types.push_back(w.type);
      const bool unrounded = has_steps(op, attributes, types);
      Entries in;
      for (const ops::CaseInput& w : wanted)
        in.push_back(operand(w.type, w.low, w.high, unrounded));
      if (op.name == "bucketize") in[1] = apply_one("sort", {in[1]});  // boundaries ascend
      for (const Entry& e : apply(op, in, attributes))
        if (plain(e.shape())) pool_.push_back(e);
      ++n_drawn_;
    } catch (const Error&) {
      result_.leaves.resize(n_leaves);
      result_.exact_leaves.resize(n_leaves);
      pool_.resize(n_pool);
    }
  }

  // --- outputs, gradients, updates
  // ----------------------------------------------------------------

  void finish() {
    Entries outputs;
    for (const Entry& e : pool_)
      if (!is_leaf(e) && outputs.size() < 6 && !draw_.one_in(3)) outputs.push_back(e);
    if (outputs.empty())
      outputs.push_back(pool_.empty() ? leaf({DType::f32, {3}}, -1, 1) : pool_.back());
    std::vector<Value> singles, exacts;
    for (const Entry& e : outputs) {
      singles.push_back(e.single);
      exacts.push_back(e.exact);
    }
    std::vector<Graph::Update> single_updates, exact_updates;
    if (draw_.one_in(2)) {
      try {
        add_gradients(outputs, singles, exacts, single_updates, exact_updates);
      } catch (const Error&) {  // an op without a gradient for these attributes
      }
    }
    auto placeholders = [](const std::vector<Leaf>& leaves) {
      std::vector<Value> values;
      for (const Leaf& leaf : leaves)
        if (leaf.value.node().is("input")) values.push_back(leaf.value);
      return values;
    };
    result_.single = Graph(placeholders(result_.leaves), singles, single_updates);
    result_.exact = Graph(placeholders(result_.exact_leaves), exacts, exact_updates);
  }

  static bool is_leaf(const Entry& e) {
    return e.single.node().is("input") || e.single.node().is("variable");
  }

  // Of a weighted sum of the outputs with respect to all leaves; half of the variables move.
  void add_gradients(const Entries& outputs, std::vector<Value>& singles,
                     std::vector<Value>& exacts, std::vector<Graph::Update>& single_updates,
                     std::vector<Graph::Update>& exact_updates) {
    Value single_loss, exact_loss;
    for (const Entry& e : outputs) {
      if (!is_floating(e.dtype())) continue;
      const Entry weights = leaf({e.dtype(), e.shape()}, 0.5, 1.5);
      auto add = [](Value& loss, const Value& v, const Value& w) {
        const Value term = ops::sum(v * w);
        loss = loss.defined() ? loss + term : term;
      };
      add(single_loss, e.single, weights.single);
      add(exact_loss, e.exact, weights.exact);
    }
    if (!single_loss.defined()) return;
    auto gradients = [](const Value& loss, const std::vector<Leaf>& leaves) {
      std::vector<Value> wrt;
      for (const Leaf& leaf : leaves)
        if (is_floating(leaf.value.dtype())) wrt.push_back(leaf.value);
      std::vector<Value> grads;
      for (const Value& g : grad(loss, wrt)) grads.push_back(ops::densify(g));
      return std::pair{wrt, grads};
    };
    const auto [wrt, grads] = gradients(single_loss, result_.leaves);
    const auto [exact_wrt, exact_grads] = gradients(exact_loss, result_.exact_leaves);
    for (size_t i = 0; i < grads.size(); ++i) {
      if (wrt[i].node().is("variable") && draw_.one_in(2)) {
        auto move = [](const Value& v, const Value& g) {
          return Graph::Update{v.node().attr<VariablePtr>("variable"), v - g * 0.125};
        };
        single_updates.push_back(move(wrt[i], grads[i]));
        exact_updates.push_back(move(exact_wrt[i], exact_grads[i]));
      } else if (singles.size() < 10) {
        singles.push_back(grads[i]);
        exacts.push_back(exact_grads[i]);
      }
    }
  }

  using Ints = std::vector<int64_t>;

  Draw draw_;
  RandomGraph result_;
  Entries pool_;
  int64_t n_drawn_ = 0;
};

}  // namespace

RandomGraph draw_graph(uint64_t seed) { return Drawer(seed)(); }

}  // namespace andiron::properties
