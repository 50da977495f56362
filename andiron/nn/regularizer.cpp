#include "andiron/nn/regularizer.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

Regularizer::Regularizer(double l1_in, double l2_in) : l1(l1_in), l2(l2_in) {
  for (double factor : {l1, l2})
    if (!(factor >= 0.0) || !std::isfinite(factor))
      fail("[regularizer] a factor must be finite and not negative; got {}", factor);
}

Regularizer::Regularizer(const char* name_chars) {
  const std::string_view name(name_chars);
  if (name == "l1" || name == "L1" || name == "l1_l2" || name == "L1L2") l1 = 0.01;
  if (name == "l2" || name == "L2" || name == "l1_l2" || name == "L1L2") l2 = 0.01;
  if (!*this && !name.empty())
    fail("[regularizer] '{}' is not known; there are l1, l2, l1_l2", name);
}

Value Regularizer::operator()(const Value& x) const {
  ANDIRON_ASSERT(l1 != 0.0 || l2 != 0.0);
  if (l2 == 0.0) return l1 * ops::sum(ops::absolute(x));
  const Value square = l2 * ops::sum(ops::square(x));
  return l1 == 0.0 ? square : l1 * ops::sum(ops::absolute(x)) + square;
}

nlohmann::json Regularizer::config() const {
  if (!*this) return nullptr;
  if (l2 == 0.0) return {{"class_name", "L1"}, {"config", {{"l1", l1}}}};
  if (l1 == 0.0) return {{"class_name", "L2"}, {"config", {{"l2", l2}}}};
  return {{"class_name", "L1L2"}, {"config", {{"l1", l1}, {"l2", l2}}}};
}

Regularizer Regularizer::from_config(const nlohmann::json& description) {
  if (description.is_null()) return {};
  if (description.is_string()) return Regularizer(description.get<std::string>().c_str());
  const std::string class_name = description.at("class_name");
  if (class_name != "L1" && class_name != "L2" && class_name != "L1L2")
    fail("[regularizer] '{}' is not known; there are L1, L2, L1L2", class_name);
  const nlohmann::json& config = description.at("config");
  return Regularizer(config.value("l1", 0.0), config.value("l2", 0.0));
}

}  // namespace andiron::nn
