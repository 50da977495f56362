#include "andiron/nn/optimizers/composed_rule.hpp"

#include <cmath>
#include <regex>

#include "andiron/base/error.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

namespace {

using Slots = std::vector<ComposedRule::Slot>;

const AttributeSpec kDecay = {"weight_decay", 0.0,
                              "p -= weight_decay * learning_rate * p before the step"};

double number(const ComposedStep& s, const char* name) { return s.settings.get<double>(name); }

Value decayed(const ComposedStep& s, const char* by = "weight_decay") {
  const double rate = number(s, by);
  return rate == 0.0 ? s.parameter : s.parameter - s.parameter * (s.learning_rate * rate);
}

Value norm(const Value& x) { return ops::sqrt(ops::sum(ops::square(x))); }
Value rms(const Value& x) { return ops::sqrt(ops::mean(ops::square(x))); }
// base^step
Value raised(double base, const ComposedStep& s) {
  return ops::power(constant(base, s.step.dtype()), s.step);
}
// ratio where both norms are positive, else 1.
Value trust(const Value& a, const Value& b, const Value& ratio) {
  const auto positive = [](const Value& x) { return ops::greater(x, constant(0.0, x.dtype())); };
  return ops::where(ops::logical_and(positive(a), positive(b)), ratio, constant(1.0, a.dtype()));
}

void check_number(const Attributes& a, std::string_view optimizer, const char* name, double least,
                  double below) {
  const double value = a.get<double>(name);
  if (!(value >= least && value < below))
    fail("[{}] {} must be in [{}, {}); got {}", optimizer, name, least, below, value);
}
void check_positive(const Attributes& a, std::string_view optimizer, const char* name) {
  const double value = a.get<double>(name);
  if (!(value > 0.0) || !std::isfinite(value))
    fail("[{}] {} must be positive; got {}", optimizer, name, value);
}

// Adam's averages of the gradient and of its square.
std::pair<Value, Value> averages(const ComposedStep& s, double beta_1, double beta_2) {
  const Value m = s.slots[0] + (s.gradient - s.slots[0]) * (1.0 - beta_1);
  const Value v = s.slots[1] + (ops::square(s.gradient) - s.slots[1]) * (1.0 - beta_2);
  return {m, v};
}

}  // namespace

// You et al. 2019 in Keras's form.
const ComposedRule& lamb_rule() {
  static const ComposedRule rule = {
      {{"beta_1", 0.9, "decay of the momentum"},
       {"beta_2", 0.999, "decay of the squared gradients' average"},
       {"epsilon", 1e-7, "added to the root"},
       kDecay},
      [](const Attributes& a, std::string_view optimizer) {
        check_number(a, optimizer, "beta_1", 0.0, 1.0);
        check_number(a, optimizer, "beta_2", 0.0, 1.0);
        check_positive(a, optimizer, "epsilon");
      },
      [](const Attributes&, const Variable& v) {
        return Slots{{"momentum", v.value().sizes()}, {"velocity", v.value().sizes()}};
      },
      [](const ComposedStep& s) -> std::vector<Value> {
        const double beta_1 = number(s, "beta_1"), beta_2 = number(s, "beta_2");
        const Value p = decayed(s);
        const auto [m, v] = averages(s, beta_1, beta_2);
        const Value root = ops::sqrt(v / (1.0 - raised(beta_2, s)));
        const Value move = m / (1.0 - raised(beta_1, s)) / (root + number(s, "epsilon"));
        const Value size = norm(p), length = norm(move);
        return {p - move * (trust(size, length, size / length) * s.learning_rate), m, v};
      }};
  return rule;
}

// You, Gitman & Ginsburg 2017, algorithm 1: the decay is part of the gradient.
const ComposedRule& lars_rule() {
  static const ComposedRule rule = {
      {{"momentum", 0.9, "decay of the moving step"},
       {"nesterov", false, "look ahead by one moving step"},
       {"trust_coefficient", 0.001, "the step's length as a share of the parameter's"},
       {"epsilon", 1e-8, "added to the gradient's norm"},
       {"weight_decay", 0.0, "times p is added to the gradient"}},
      [](const Attributes& a, std::string_view optimizer) {
        check_number(a, optimizer, "momentum", 0.0, 1.0);
        check_positive(a, optimizer, "trust_coefficient");
        check_positive(a, optimizer, "epsilon");
      },
      [](const Attributes&, const Variable& v) { return Slots{{"momentum", v.value().sizes()}}; },
      [](const ComposedStep& s) -> std::vector<Value> {
        const Value& p = s.parameter;
        const double decay = number(s, "weight_decay"), momentum = number(s, "momentum");
        const Value size = norm(p), length = norm(s.gradient);
        const Value whole = decay == 0.0 ? length : length + size * decay;
        const Value ratio = size * number(s, "trust_coefficient") / (whole + number(s, "epsilon"));
        const Value g = decay == 0.0 ? s.gradient : s.gradient + p * decay;
        const Value move = g * (trust(size, length, ratio) * s.learning_rate);
        const Value velocity = s.slots[0] * momentum + move;
        const bool nesterov = s.settings.get<bool>("nesterov");
        return {p - (nesterov ? velocity * momentum + move : velocity), velocity};
      }};
  return rule;
}

// Shazeer & Stern 2018 in Keras's form. A matrix keeps the averages of its squared gradients' rows
// and columns only; of arrays of more axes the last two are its rows and columns.
const ComposedRule& adafactor_rule() {
  static const ComposedRule rule = {
      {{"beta_2_decay", -0.8, "power of the step by which the averages forget"},
       {"epsilon_1", 1e-30, "added to the squared gradient"},
       {"epsilon_2", 1e-3, "least root mean square of p that the step is scaled by"},
       {"clip_threshold", 1.0, "largest root mean square of a step before it is scaled"},
       {"relative_step", true,
        "as in Keras without effect: the rate is at most 1 / sqrt(step) either way"},
       kDecay},
      [](const Attributes& a, std::string_view optimizer) {
        for (const char* name : {"epsilon_1", "epsilon_2", "clip_threshold"})
          check_positive(a, optimizer, name);
        if (!(a.get<double>("beta_2_decay") < 0.0))
          fail("[{}] beta_2_decay must be negative; got {}", optimizer,
               a.get<double>("beta_2_decay"));
      },
      [](const Attributes&, const Variable& v) {
        Sizes rows = v.value().sizes(), columns = rows;
        if (rows.size() < 2) return Slots{{"velocity", rows}};
        rows.pop_back();
        columns.erase(columns.end() - 2);
        return Slots{{"row", rows}, {"column", columns}};
      },
      [](const ComposedStep& s) -> std::vector<Value> {
        const Value p = decayed(s);
        const Value rate = ops::minimum(s.learning_rate, ops::rsqrt(s.step));
        const Value scale =
            ops::maximum(rms(p), constant(number(s, "epsilon_2"), p.dtype())) * rate;
        const Value square = ops::square(s.gradient) + number(s, "epsilon_1");
        const Value rest = ops::power(s.step, constant(number(s, "beta_2_decay"), p.dtype()));
        const auto average = [&](const Value& slot, const Value& now) {
          return slot * (1.0 - rest) + now * rest;
        };
        std::vector<Value> slots;
        Value move;
        if (p.rank() < 2) {
          slots = {average(s.slots[0], square)};
          move = s.gradient / ops::sqrt(slots[0]);
        } else {
          slots = {average(s.slots[0], ops::mean(square, {-1})),
                   average(s.slots[1], ops::mean(square, {-2}))};
          // Roots one by one: where row and column never had a gradient, the product of their
          // averages is 0 in float32, and the step 0 / 0.
          const Value row = ops::sqrt(ops::mean(slots[0], {-1}, true)) * ops::rsqrt(slots[0]);
          move =
              s.gradient * ops::expand_dims(row, -1) * ops::expand_dims(ops::rsqrt(slots[1]), -2);
        }
        const Value excess =
            ops::maximum(rms(move) / number(s, "clip_threshold"), constant(1.0, p.dtype()));
        slots.insert(slots.begin(), p - move * (scale / excess));
        return slots;
      }};
  return rule;
}

namespace {

bool moves_by_adam(const Attributes& settings, const Variable& v) {
  const auto found = [&](const std::string& pattern) {
    const auto flags = std::regex::ECMAScript | std::regex::icase;
    return std::regex_search(v.name(), std::regex(pattern, flags));
  };
  if (v.value().rank() != 2) return true;
  if (settings.get<bool>("exclude_embeddings") && found("embedding")) return true;
  const auto& layers = settings.get<std::string>("exclude_layers");
  return !layers.empty() && std::regex_search(v.name(), std::regex(layers));
}

// The nearest half-orthogonal matrix of x, roughly: a quintic iteration of Newton and Schulz.
Value orthogonal(const ComposedStep& s, const Value& x) {
  const double a = number(s, "muon_a"), b = number(s, "muon_b"), c = number(s, "muon_c");
  const Sizes& sizes = s.variable.value().sizes();
  const bool tall = sizes[0] > sizes[1];
  Value y = tall ? ops::transpose(x) : x;
  y = y / (norm(y) + 1e-7);
  for (int64_t i = 0; i < s.settings.get<int64_t>("ns_steps"); ++i) {
    const Value product = ops::matmul(y, ops::transpose(y));
    y = y * a + ops::matmul(product * b + ops::matmul(product * c, product), y);
  }
  return tall ? ops::transpose(y) : y;
}

}  // namespace

// Jordan et al. 2024 and Liu et al. 2025 in Keras's form: matrices move by the orthogonalised
// momentum, what is none (and embeddings) by Adam.
const ComposedRule& muon_rule() {
  static const ComposedRule rule = {
      {{"adam_beta_1", 0.9, "beta_1 of Adam"},
       {"adam_beta_2", 0.999, "beta_2 of Adam"},
       {"epsilon", 1e-7, "epsilon of Adam"},
       {"exclude_layers", std::string(), "variables whose names this pattern matches move by Adam"},
       {"exclude_embeddings", true, "variables named embedding move by Adam"},
       {"muon_a", 3.4445, "of the iteration"},
       {"muon_b", -4.7750, "of the iteration"},
       {"muon_c", 2.0315, "of the iteration"},
       {"adam_lr_ratio", 1.0, "Adam's learning rate as a share of learning_rate"},
       {"adam_weight_decay", 0.004, "weight_decay of what moves by Adam"},
       {"rms_rate", 0.2, "root mean square of a matrix' step, 0: as it comes"},
       {"momentum", 0.95, "decay of the sum of gradients"},
       {"ns_steps", int64_t{5}, "iterations"},
       {"nesterov", true, "look ahead by one gradient"},
       kDecay},
      [](const Attributes& a, std::string_view optimizer) {
        for (const char* name : {"adam_beta_1", "adam_beta_2", "momentum"})
          check_number(a, optimizer, name, 0.0, 1.0);
        for (const char* name : {"epsilon", "adam_lr_ratio"}) check_positive(a, optimizer, name);
        if (a.get<int64_t>("ns_steps") < 0 || a.get<int64_t>("ns_steps") > 100)
          fail("[{}] ns_steps must be in [0, 100]; got {}", optimizer, a.get<int64_t>("ns_steps"));
        check_number(a, optimizer, "adam_weight_decay", 0.0, 1e9);
        check_number(a, optimizer, "rms_rate", 0.0, 1e9);
        const auto& layers = a.get<std::string>("exclude_layers");
        try {
          const std::regex pattern(layers);
        } catch (const std::regex_error& e) {
          fail("[{}] exclude_layers: '{}' is not a regular expression: {}", optimizer, layers,
               e.what());
        }
      },
      [](const Attributes& a, const Variable& v) {
        Slots slots = {{"momentum", v.value().sizes()}};
        if (moves_by_adam(a, v)) slots.push_back({"velocity", v.value().sizes()});
        return slots;
      },
      [](const ComposedStep& s) -> std::vector<Value> {
        if (moves_by_adam(s.settings, s.variable)) {
          const Value p = decayed(s, "adam_weight_decay");
          const double beta_1 = number(s, "adam_beta_1"), beta_2 = number(s, "adam_beta_2");
          const auto [m, v] = averages(s, beta_1, beta_2);
          const Value rate = s.learning_rate * number(s, "adam_lr_ratio") *
                             ops::sqrt(1.0 - raised(beta_2, s)) / (1.0 - raised(beta_1, s));
          return {p - m * rate / (ops::sqrt(v) + number(s, "epsilon")), m, v};
        }
        const double momentum = number(s, "momentum");
        const Value m = s.slots[0] * momentum + s.gradient;
        const Value g = s.settings.get<bool>("nesterov") ? s.gradient + m * momentum : m;
        const Sizes& sizes = s.variable.value().sizes();
        const double rms_rate = number(s, "rms_rate");
        const double length =
            rms_rate == 0.0
                ? 1.0
                : rms_rate * std::sqrt(static_cast<double>(std::max(sizes[0], sizes[1])));
        return {decayed(s) - orthogonal(s, g) * (s.learning_rate * length), m};
      }};
  return rule;
}

}  // namespace andiron::nn
