#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "andiron/graph/value.hpp"

namespace andiron::nn {

/// A penalty on a variable that is added to the loss: l1 * sum|x| + l2 * sum x^2 (Keras's formula,
/// no half), or Keras's OrthogonalRegularizer. The default is none.
struct Regularizer {
  double l1 = 0.0, l2 = 0.0;
  /// Times the mean |cosine| of two rows (or columns) of a matrix.
  double orthogonal = 0.0;
  bool columns = false;

  Regularizer() = default;
  Regularizer(double l1, double l2);
  /// "l1", "l2", "l1_l2" (each 0.01) or "" for none.
  Regularizer(const char* name);  // NOLINT: a name is a regularizer, as in Keras

  explicit operator bool() const { return l1 != 0.0 || l2 != 0.0 || orthogonal != 0.0; }
  /// A scalar of x's dtype. REQUIRES that there is a penalty.
  Value operator()(const Value& x) const;

  /// null when there is none.
  nlohmann::json config() const;
  static Regularizer from_config(const nlohmann::json& config);
  friend bool operator==(const Regularizer&, const Regularizer&) = default;

 private:
  Value cosines(const Value& x) const;
};

inline Regularizer L1(double l1 = 0.01) { return Regularizer(l1, 0.0); }
inline Regularizer L2(double l2 = 0.01) { return Regularizer(0.0, l2); }
/// mode: "rows" or "columns".
Regularizer OrthogonalRegularizer(double factor = 0.01, std::string_view mode = "rows");
inline Regularizer L1L2(double l1 = 0.0, double l2 = 0.0) { return Regularizer(l1, l2); }

}  // namespace andiron::nn
