#include "andiron/nn/constraint.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/class_name.hpp"
#include "andiron/nn/layer.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

namespace {

using Json = nlohmann::json;
using Kind = Constraint::Kind;

constexpr const char* kNames[] = {"", "MaxNorm", "NonNeg", "UnitNorm", "MinMaxNorm"};
constexpr double kEpsilon = 1e-7;

Constraint checked(Constraint c) {
  for (const double value : {c.min_value, c.max_value})
    if (!(value >= 0.0) || !std::isfinite(value))
      fail("[constraint] {}: a norm is finite and not negative; got {}",
           kNames[static_cast<int>(c.kind)], value);
  if (c.min_value > c.max_value)
    fail("[constraint] MinMaxNorm: min_value={} is above max_value={}", c.min_value, c.max_value);
  if (!(c.rate >= 0.0 && c.rate <= 1.0))
    fail("[constraint] MinMaxNorm: rate must be in [0, 1]; got {}", c.rate);
  return c;
}

std::vector<int64_t> axes_from(const Json& axis) {
  if (axis.is_number_integer()) return {axis.get<int64_t>()};
  return axis.get<std::vector<int64_t>>();
}

Kind kind_of(const std::string& name) {
  for (size_t i = 1; i < std::size(kNames); ++i)
    if (name == kNames[i] || name == snake_case(kNames[i])) return static_cast<Kind>(i);
  fail("[constraint] '{}' is not known; there are MaxNorm, NonNeg, UnitNorm, MinMaxNorm", name);
}

void collect(const Layer& layer, Constrained::List& list) {
  if (const auto* own = dynamic_cast<const Constrained*>(&layer))
    for (const auto& entry : own->constraints()) {
      const auto same = [&](const auto& other) { return other.first == entry.first; };
      if (std::none_of(list.begin(), list.end(), same)) list.push_back(entry);
    }
  for (const LayerPtr& inside : layer.sublayers()) collect(*inside, list);
}

}  // namespace

Value Constraint::operator()(const Value& w) const {
  if (kind == Kind::none) return w;
  if (kind == Kind::non_neg) return ops::maximum(w, constant(0.0, w.dtype()));
  const Value norms = ops::sqrt(ops::sum(ops::square(w), axis, true));
  const Value divisor = norms + kEpsilon;
  if (kind == Kind::unit_norm) return w / divisor;
  Value desired = ops::clip(norms, min_value, max_value);
  if (rate != 1.0) desired = desired * rate + norms * (1.0 - rate);
  return w * (desired / divisor);
}

Json Constraint::config() const {
  if (kind == Kind::none) return nullptr;
  Json config = Json::object();
  if (kind != Kind::non_neg) config["axis"] = axis;
  if (kind == Kind::max_norm || kind == Kind::min_max_norm) config["max_value"] = max_value;
  if (kind == Kind::min_max_norm) {
    config["min_value"] = min_value;
    config["rate"] = rate;
  }
  return {{"class_name", kNames[static_cast<int>(kind)]}, {"config", config}};
}

Constraint Constraint::from_config(const Json& description) {
  if (description.is_null()) return {};
  const bool named = description.is_string();
  Constraint c;
  c.kind = kind_of(named ? description.get<std::string>()
                         : description.at("class_name").get<std::string>());
  if (c.kind == Kind::max_norm) c.max_value = 2.0;
  if (named) return c;
  const Json& config = description.at("config");
  c.min_value = config.value("min_value", c.min_value);
  c.max_value = config.value("max_value", c.max_value);
  c.rate = config.value("rate", c.rate);
  if (config.contains("axis")) c.axis = axes_from(config.at("axis"));
  return checked(c);
}

Constraint MaxNorm(double max_value, std::vector<int64_t> axis) {
  return checked({Kind::max_norm, 0.0, max_value, 1.0, std::move(axis)});
}

Constraint NonNeg() { return {Kind::non_neg}; }

Constraint UnitNorm(std::vector<int64_t> axis) {
  return {Kind::unit_norm, 0.0, 1.0, 1.0, std::move(axis)};
}

Constraint MinMaxNorm(double min_value, double max_value, double rate, std::vector<int64_t> axis) {
  return checked({Kind::min_max_norm, min_value, max_value, rate, std::move(axis)});
}

Constrained::List constraints_of(const Layer& layer) {
  Constrained::List list;
  collect(layer, list);
  return list;
}

}  // namespace andiron::nn
