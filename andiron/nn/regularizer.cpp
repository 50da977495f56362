#include "andiron/nn/regularizer.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

namespace {

void check_factor(double factor) {
  if (!(factor >= 0.0) || !std::isfinite(factor))
    fail("[regularizer] a factor must be finite and not negative; got {}", factor);
}

}  // namespace

Regularizer::Regularizer(double l1_in, double l2_in) : l1(l1_in), l2(l2_in) {
  check_factor(l1);
  check_factor(l2);
}

Regularizer OrthogonalRegularizer(double factor, std::string_view mode) {
  check_factor(factor);
  if (mode != "rows" && mode != "columns")
    fail("[OrthogonalRegularizer] mode is rows or columns; got '{}'", mode);
  Regularizer out;
  out.orthogonal = factor;
  out.columns = mode == "columns";
  return out;
}

Regularizer::Regularizer(const char* name_chars) {
  const std::string_view name(name_chars);
  if (name == "l1" || name == "L1" || name == "l1_l2" || name == "L1L2") l1 = 0.01;
  if (name == "l2" || name == "L2" || name == "l1_l2" || name == "L1L2") l2 = 0.01;
  if (name == "orthogonal_regularizer" || name == "OrthogonalRegularizer") orthogonal = 0.01;
  if (!*this && !name.empty())
    fail("[regularizer] '{}' is not known; there are l1, l2, l1_l2, orthogonal_regularizer", name);
}

// Products of different rows of unit length: all products less those of a row with itself.
Value Regularizer::cosines(const Value& x) const {
  if (x.rank() != 2 || !x.shape().known())
    fail("[OrthogonalRegularizer] is for matrices; got {}", x.shape().str());
  const int64_t axis = columns ? 0 : 1;
  const double n = static_cast<double>(x.shape()[columns ? 1 : 0].size());
  if (n < 2)
    fail("[OrthogonalRegularizer] needs two {} at least; got {}", columns ? "columns" : "rows",
         x.shape().str());
  const Value squares = ops::sum(ops::square(x), {axis}, true);
  const Value unit = x * ops::rsqrt(ops::maximum(squares, constant(1e-14, x.dtype())));
  const Value products = ops::matmul(unit, unit, columns, !columns);
  const Value others = ops::sum(ops::absolute(products)) - ops::sum(ops::square(unit));
  return others * (orthogonal / (n * (n - 1.0)));
}

Value Regularizer::operator()(const Value& x) const {
  ANDIRON_ASSERT(*this);
  if (orthogonal != 0.0) return cosines(x);
  if (l2 == 0.0) return l1 * ops::sum(ops::absolute(x));
  const Value square = l2 * ops::sum(ops::square(x));
  return l1 == 0.0 ? square : l1 * ops::sum(ops::absolute(x)) + square;
}

nlohmann::json Regularizer::config() const {
  if (!*this) return nullptr;
  if (orthogonal != 0.0)
    return {{"class_name", "OrthogonalRegularizer"},
            {"config", {{"factor", orthogonal}, {"mode", columns ? "columns" : "rows"}}}};
  if (l2 == 0.0) return {{"class_name", "L1"}, {"config", {{"l1", l1}}}};
  if (l1 == 0.0) return {{"class_name", "L2"}, {"config", {{"l2", l2}}}};
  return {{"class_name", "L1L2"}, {"config", {{"l1", l1}, {"l2", l2}}}};
}

Regularizer Regularizer::from_config(const nlohmann::json& description) {
  if (description.is_null()) return {};
  if (description.is_string()) return Regularizer(description.get<std::string>().c_str());
  const std::string class_name = description.at("class_name");
  const nlohmann::json& config = description.at("config");
  if (class_name == "OrthogonalRegularizer")
    return OrthogonalRegularizer(config.value("factor", 0.01), config.value("mode", "rows"));
  if (class_name != "L1" && class_name != "L2" && class_name != "L1L2")
    fail("[regularizer] '{}' is not known; there are L1, L2, L1L2, OrthogonalRegularizer",
         class_name);
  return Regularizer(config.value("l1", 0.0), config.value("l2", 0.0));
}

}  // namespace andiron::nn
