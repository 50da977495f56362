#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "andiron/graph/value.hpp"
#include "andiron/graph/variable.hpp"

namespace andiron::nn {

class Layer;

/// What a variable is brought to after each update (Keras's constraints). Norms are Euclidean, over
/// `axis`. The default is none.
struct Constraint {
  enum class Kind { none, max_norm, non_neg, unit_norm, min_max_norm };
  Kind kind = Kind::none;
  double min_value = 0.0, max_value = 1.0, rate = 1.0;
  std::vector<int64_t> axis = {0};

  explicit operator bool() const { return kind != Kind::none; }
  Value operator()(const Value& w) const;

  /// null when there is none.
  nlohmann::json config() const;
  /// From null, a name ("NonNeg", "non_neg") or {"class_name": ..., "config": {...}}.
  static Constraint from_config(const nlohmann::json& description);
};

/// w * clip(norm, 0, max_value) / (epsilon + norm)
Constraint MaxNorm(double max_value = 2.0, std::vector<int64_t> axis = {0});
/// max(w, 0)
Constraint NonNeg();
/// w / (epsilon + norm)
Constraint UnitNorm(std::vector<int64_t> axis = {0});
/// w * (rate * clip(norm, min_value, max_value) + (1 - rate) * norm) / (epsilon + norm)
Constraint MinMaxNorm(double min_value = 0.0, double max_value = 1.0, double rate = 1.0,
                      std::vector<int64_t> axis = {0});

/// Base of layers whose variables may have constraints.
class Constrained {
 public:
  using List = std::vector<std::pair<VariablePtr, Constraint>>;
  virtual ~Constrained() = default;
  const List& constraints() const { return constraints_; }

 protected:
  void constrain(const VariablePtr& variable, const Constraint& constraint) {
    if (constraint) constraints_.emplace_back(variable, constraint);
  }

 private:
  List constraints_;
};

/// Those of a layer and of the layers inside.
Constrained::List constraints_of(const Layer& layer);

}  // namespace andiron::nn
