#include "andiron/ops/optimizer/nadam.hpp"

#include "andiron/ops/optimizer/optimizer_room.hpp"

namespace andiron::ops {

std::vector<AttributeSpec> Nadam::attributes() {
  return {{"beta_1", 0.9, "decay of the momentum"},
          {"beta_2", 0.999, "decay of the squared gradients' average"},
          {"epsilon", 1e-7, "added to the root"},
          {"weight_decay", 0.0, "p -= weight_decay * learning_rate * p before the step"}};
}

const char* Nadam::formula() {
  return "u(t) = beta_1 (1 - 0.96^t / 2), P(t) = u(1) ... u(t); m += (1 - beta_1) (g - m); "
         "v += (1 - beta_2) (g^2 - v); p -= lr (u(t+1) m / (1 - P(t+1)) + (1 - u(t)) g / "
         "(1 - P(t))) / (sqrt(v / (1 - beta_2^t)) + epsilon)";
}

StepScalars Nadam::scalars(const Attributes& a, double learning_rate, int64_t step) {
  const double beta_1 = a.get<double>("beta_1"), beta_2 = a.get<double>("beta_2");
  constexpr double kDecay = 0.96;
  // Beyond these many steps a factor of the product is beta_1, to double precision.
  constexpr int64_t kRises = 920;
  double product = 1.0, power = 1.0;
  for (int64_t t = 1; t <= std::min(step, kRises); ++t) {
    power *= kDecay;
    product *= beta_1 * (1.0 - 0.5 * power);
  }
  if (step > kRises) product *= std::pow(beta_1, static_cast<double>(step - kRises));
  const auto u = [&](int64_t t) {
    return beta_1 * (1.0 - 0.5 * std::pow(kDecay, static_cast<double>(t)));
  };
  const double next = u(step + 1);
  return {static_cast<float>(learning_rate * next / (1.0 - product * next)),
          decay_of(a, learning_rate),
          static_cast<float>(learning_rate * (1.0 - u(step)) / (1.0 - product)),
          static_cast<float>(1.0 / (1.0 - std::pow(beta_2, static_cast<double>(step))))};
}

extern const Op kNadamUpdate =
    update_op<Nadam>({{}, {{"beta_1", 0.8}, {"epsilon", 0.1}, {"weight_decay", 0.01}}});
extern const Op kNadamUpdateRows = update_rows_op<Nadam>();
extern const Op kNadamCatchUp = catch_up_op<Nadam>();
extern const Op kNadamRecord = record_op<Nadam>();

}  // namespace andiron::ops
