#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "andiron/autodiff/gradient.hpp"
#include "andiron/base/error.hpp"
#include "andiron/linear/line_search.hpp"
#include "andiron/linear/pairs.hpp"
#include "andiron/nn/optimizers/optimizer.hpp"
#include "andiron/nn/optimizers/training_step.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

namespace {

using linear::Pairs;
using linear::Vector;
using nlohmann::json;

constexpr double kCurvature = 0.9;  // of the strong Wolfe conditions
constexpr double kLeastCurvature = 1e-10;

double largest(const Vector& g) {
  float most = 0;
  for (const float x : g) most = std::isnan(x) ? x : std::max(most, std::abs(x));
  return static_cast<double>(most);
}

class Lbfgs final : public Optimizer, public BatchSearch {
 public:
  explicit Lbfgs(const LBFGSOptions& options) : options_(options) {
    if (options.max_iter < 1) fail("[LBFGS] max_iter must be positive; got {}", options.max_iter);
    if (options.max_eval && *options.max_eval < 1)
      fail("[LBFGS] max_eval must be positive; got {}", *options.max_eval);
    if (options.history_size < 1)
      fail("[LBFGS] history_size must be positive; got {}", options.history_size);
    if (!(options.tolerance_grad >= 0.0))
      fail("[LBFGS] tolerance_grad must not be negative; got {}", options.tolerance_grad);
    if (!(options.tolerance_change >= 0.0))
      fail("[LBFGS] tolerance_change must not be negative; got {}", options.tolerance_change);
  }

  std::string class_name() const override { return "LBFGS"; }
  std::string name() const override { return options_.name; }
  json config() const override {
    return {{"name", options_.name},
            {"learning_rate", options_.learning_rate.config()},
            {"max_iter", options_.max_iter},
            {"max_eval", options_.max_eval ? json(*options_.max_eval) : json()},
            {"tolerance_grad", options_.tolerance_grad},
            {"tolerance_change", options_.tolerance_change},
            {"history_size", options_.history_size},
            {"line_search", options_.line_search}};
  }

  Graph minimize(const Graph& forward, size_t loss_output,
                 const std::vector<VariablePtr>& trainable,
                 const std::shared_ptr<Exchange>& exchange) override {
    if (exchange != nullptr)
      fail("[LBFGS] looks at the loss of all samples several times a step; train it on one worker");
    check_loss(forward, loss_output);
    const Graph graph = merge_reads(forward);
    std::vector<Value> inputs;
    const Value step = step_input(graph, inputs);
    const Value loss = graph.outputs()[loss_output];
    std::vector<VariablePtr> found;
    std::vector<Value> leaves, parts;
    for (const VariablePtr& variable : trainable)
      for (const Node* node : topological_order({loss}))
        if (node->is("variable") && node->attr<VariablePtr>("variable") == variable) {
          if (variable->value().dtype() != DType::f32)
            fail("[LBFGS] variables must be float32; '{}' is {}", variable->name(),
                 name_of(variable->value().dtype()));
          found.push_back(variable);
          leaves.emplace_back(node->shared_from_this(), 0);
        }
    if (found.empty()) fail("[LBFGS] the loss depends on no trainable variable");
    for (const Value& g : grad(loss, leaves))
      parts.push_back(ops::reshape(ops::densify(g), {g.shape().count()}));
    if (found != variables_) {  // both or none, when memory runs out
      state_ = new_state(found);
      variables_ = std::move(found);
    }
    std::vector<Value> outputs = graph.outputs();
    outputs.push_back(parts.size() == 1 ? parts[0] : ops::concat(parts, 0));
    inputs.push_back(input("learning_rate", DType::f32, {}));
    inputs.push_back(step);
    return Graph(inputs, std::move(outputs), graph.updates());
  }

  AccumulatedStep minimize_accumulated(const Graph&, size_t, const std::vector<VariablePtr>&,
                                       const std::shared_ptr<Exchange>&) override {
    no_accumulation();
  }
  void set_gradient_accumulation_steps(int64_t steps) override {
    if (steps != 1) no_accumulation();
  }
  BatchSearch* search() override { return this; }
  Graph catch_up() const override { return Graph({input("step", DType::i64, {})}, {}); }
  std::vector<std::string> scalar_names() const override { return {"learning_rate"}; }
  std::vector<double> scalars_at(int64_t step) const override {
    return {options_.learning_rate.at(step - 1)};
  }
  void set_learning_rate(LearningRate learning_rate) override {
    options_.learning_rate = std::move(learning_rate);
  }
  std::vector<VariablePtr> variables() const override { return state_; }
  void set_iterations(int64_t) override {}

  void step(const std::function<Evaluated()>& evaluate, double learning_rate) override;

 private:
  [[noreturn]] static void no_accumulation() {
    fail(
        "[LBFGS] evaluates one batch several times: give it all samples in one, without "
        "gradient_accumulation_steps");
  }

  // What the next step needs of those before, as variables, so that checkpoints keep it: the last
  // direction and gradient, the pairs as rings, and numbers.
  enum State : size_t { kDirection, kGradient, kSteps, kChanges, kNumbers, kStates };
  enum Number : size_t { kMoves, kPairs, kLength, kNumberCount };

  std::vector<VariablePtr> new_state(const std::vector<VariablePtr>& variables) const {
    int64_t n = 0;
    for (const VariablePtr& v : variables) n += v->value().count();
    std::vector<VariablePtr> state;
    const auto make = [&](const char* what, DType dtype, Sizes sizes) {
      state.push_back(std::make_shared<Variable>(options_.name + "/" + what,
                                                 Tensor::zeros(dtype, std::move(sizes)), false));
    };
    make("direction", DType::f32, {n});
    make("gradient", DType::f32, {n});
    make("steps", DType::f32, {options_.history_size, n});
    make("changes", DType::f32, {options_.history_size, n});
    make("numbers", DType::f64, {kNumberCount});
    return state;
  }

  double& number(Number i) const { return state_[kNumbers]->value().data<double>()[i]; }
  int64_t n() const { return state_[kDirection]->value().count(); }
  Vector vector(State i, int64_t row = 0) const {
    const float* at = state_[i]->value().data<float>() + row * n();
    return {at, at + n()};
  }
  void put(State i, const Vector& v, int64_t row = 0) const {
    std::copy(v.begin(), v.end(), state_[i]->value().data<float>() + row * n());
  }

  Vector point() const {
    Vector p;
    for (const VariablePtr& v : variables_)
      p.insert(p.end(), v->value().data<float>(), v->value().data<float>() + v->value().count());
    return p;
  }
  void move_to(const Vector& p) const {
    auto from = p.begin();
    for (const VariablePtr& v : variables_) {
      std::copy_n(from, v->value().count(), v->value().data<float>());
      from += v->value().count();
    }
  }
  Pairs kept_pairs() const {
    Pairs pairs(static_cast<size_t>(options_.history_size));
    const auto count = static_cast<int64_t>(number(kPairs)), most = options_.history_size;
    for (int64_t i = std::max<int64_t>(0, count - most); i < count; ++i) {
      Vector step = vector(kSteps, i % most), change = vector(kChanges, i % most);
      const double rho = 1.0 / linear::dot(step, change);
      pairs.push({std::move(step), std::move(change), rho});
    }
    return pairs;
  }

  LBFGSOptions options_;
  std::vector<VariablePtr> variables_, state_;
};

// The loop of torch.optim.LBFGS. It moves at most max_iter times; what a later step needs to go on
// where this one ended stays in the state. Where an evaluation throws, the variables are back at
// the last point that it moved to, and the next step starts there.
void Lbfgs::step(const std::function<Evaluated()>& evaluate, double learning_rate) {
  const int64_t max_eval = options_.max_eval.value_or(options_.max_iter * 5 / 4);
  int64_t evaluations = 0;
  Vector p = point(), g;
  struct Stay {  // on every way out
    const Lbfgs& search;
    const Vector& at;
    ~Stay() { search.move_to(at); }
  } const stay{*this, p};
  const auto evaluate_at = [&](const Vector& at) {
    move_to(at);
    ++evaluations;
    const Evaluated e = evaluate();
    g.assign(e.gradient.begin(), e.gradient.end());
    if (g.size() != p.size() || static_cast<int64_t>(g.size()) != n())
      fail("[LBFGS] one optimizer trains one model; another one was compiled with it meanwhile");
    return e.loss;
  };
  double loss = evaluate_at(p);
  // A loss that is not finite stands in the step's figures, where training sees it.
  if (!(largest(g) > options_.tolerance_grad) || !std::isfinite(loss)) return;
  Pairs pairs = kept_pairs();
  Vector direction = vector(kDirection), before = vector(kGradient);
  for (int64_t i = 1; i <= options_.max_iter; ++i) {
    if (number(kMoves) > 0) {
      Vector change = g, moved = direction;
      linear::add(change, -1.0, before);
      for (float& x : moved) x = static_cast<float>(static_cast<double>(x) * number(kLength));
      const double curvature = linear::dot(change, moved);
      if (curvature > kLeastCurvature) {
        const int64_t row = static_cast<int64_t>(number(kPairs)++) % options_.history_size;
        put(kSteps, moved, row);
        put(kChanges, change, row);
        pairs.push({std::move(moved), std::move(change), 1.0 / curvature});
      }
    }
    direction = pairs.direction(g);
    before = g;
    const double loss_before = loss;
    double sum = 0;
    for (const float x : g) sum += std::abs(static_cast<double>(x));
    double length = number(kMoves) == 0 ? std::min(1.0, 1.0 / sum) * learning_rate : learning_rate;
    const double slope = linear::dot(g, direction);
    number(kLength) = 0;  // where it ends below without a move
    if (slope > -options_.tolerance_change || !std::isfinite(slope)) break;
    Vector at;
    const auto along = [&](double t) -> linear::Slope {
      at = p;
      linear::add(at, t, direction);
      const double value = evaluate_at(at);
      return {value, linear::dot(g, direction)};
    };
    if (options_.line_search) {
      const linear::Found found = linear::search_line(along, {loss, slope}, length, kCurvature);
      length = found.t;
      if (length == 0) {  // rounding: no step makes the loss smaller
        g = before;
        break;
      }
      loss = found.slope.value;
      p = at;
    } else if (i < options_.max_iter) {
      loss = along(length).value;
      p = at;
    } else {
      linear::add(p, length, direction);
    }
    number(kLength) = length;
    ++number(kMoves);
    if (evaluations >= max_eval || largest(g) <= options_.tolerance_grad ||
        largest(direction) * length <= options_.tolerance_change ||
        std::abs(loss - loss_before) < options_.tolerance_change)
      break;
  }
  put(kDirection, direction);
  put(kGradient, before);
}

}  // namespace

OptimizerPtr LBFGS(const LBFGSOptions& options) { return std::make_shared<Lbfgs>(options); }

}  // namespace andiron::nn
