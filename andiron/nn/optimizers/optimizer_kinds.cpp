#include "andiron/nn/optimizers/composed_rule.hpp"
#include "andiron/nn/optimizers/rule_optimizer.hpp"

// The optimizers that are rules, under Keras's names.
namespace andiron::nn {

namespace {

using Names = std::vector<std::string>;

Names slots_of_adam(const Attributes& a) {
  Names names = {"momentum", "velocity"};
  if (a.get<bool>("amsgrad")) names.emplace_back("velocity_hat");
  return names;
}

const OptimizerKind kKinds[] = {
    {"SGD", "SGD", "sgd", 0.01, 0.0,
     [](const Attributes& a) {
       return a.get<double>("momentum") != 0.0 ? Names{"momentum"} : Names{};
     }},
    {"Adagrad", "adagrad", "adagrad", 0.001, 0.0,
     [](const Attributes&) { return Names{"accumulator"}; }, 0.1},
    {"RMSprop", "rmsprop", "rmsprop", 0.001, 0.0,
     [](const Attributes& a) {
       Names names = {"velocity"};
       if (a.get<bool>("centered")) names.emplace_back("average_gradient");
       if (a.get<double>("momentum") != 0.0) names.emplace_back("momentum");
       return names;
     }},
    {"Adam", "adam", "adam", 0.001, 0.0, slots_of_adam},
    {"AdamW", "adamw", "adam", 0.001, 0.004, slots_of_adam},
    {"Ftrl", "ftrl", "ftrl", 0.001, 0.0,
     [](const Attributes&) { return Names{"accumulator", "linear"}; }, 0.1},
    {"Adadelta", "adadelta", "adadelta", 0.001, 0.0,
     [](const Attributes&) { return Names{"accumulated_grad", "accumulated_delta_var"}; }},
    {"Adamax", "adamax", "adamax", 0.001, 0.0,
     [](const Attributes&) { return Names{"momentum", "norm"}; }},
    {"Nadam", "nadam", "nadam", 0.001, 0.0,
     [](const Attributes&) { return Names{"momentum", "velocity"}; }},
    {"Lion", "lion", "lion", 0.001, 0.0, [](const Attributes&) { return Names{"momentum"}; }},
    {"Rprop", "rprop", "rprop", 0.01, 0.0,
     [](const Attributes&) { return Names{"gradient", "step_size"}; }},
    {"Adafactor", "adafactor", nullptr, 0.001, 0.0, nullptr, -1.0, adafactor_rule},
    {"Lamb", "lamb", nullptr, 0.001, 0.0, nullptr, -1.0, lamb_rule},
    {"LARS", "lars", nullptr, 0.01, 1e-4, nullptr, -1.0, lars_rule},
    {"Muon", "muon", nullptr, 0.001, 0.004, nullptr, -1.0, muon_rule},
};

}  // namespace

std::span<const OptimizerKind> optimizer_kinds() { return kKinds; }

const OptimizerKind* find_kind(std::string_view class_name) {
  for (const OptimizerKind& kind : kKinds)
    if (kind.class_name == class_name) return &kind;
  return nullptr;
}

namespace {

template <class Options>
OptimizerPtr make(const char* class_name, const Options& options, const Attributes& settings,
                  double initial_accumulator_value = -1.0) {
  return std::make_shared<RuleOptimizer>(*find_kind(class_name), options, options.learning_rate,
                                         settings, initial_accumulator_value);
}

}  // namespace

OptimizerPtr SGD(const SGDOptions& o) {
  return make("SGD", o, {{"momentum", o.momentum}, {"nesterov", o.nesterov}});
}

OptimizerPtr Adagrad(const AdagradOptions& o) {
  return make("Adagrad", o, {{"epsilon", o.epsilon}}, o.initial_accumulator_value);
}

OptimizerPtr RMSprop(const RMSpropOptions& o) {
  return make(
      "RMSprop", o,
      {{"rho", o.rho}, {"momentum", o.momentum}, {"epsilon", o.epsilon}, {"centered", o.centered}});
}

OptimizerPtr Adam(const AdamOptions& o) {
  return make(
      "Adam", o,
      {{"beta_1", o.beta_1}, {"beta_2", o.beta_2}, {"epsilon", o.epsilon}, {"amsgrad", o.amsgrad}});
}

OptimizerPtr AdamW(const AdamOptions& o) {
  return make(
      "AdamW", o,
      {{"beta_1", o.beta_1}, {"beta_2", o.beta_2}, {"epsilon", o.epsilon}, {"amsgrad", o.amsgrad}});
}

OptimizerPtr Ftrl(const FtrlOptions& o) {
  return make("Ftrl", o,
              {{"learning_rate_power", o.learning_rate_power},
               {"l1_regularization_strength", o.l1_regularization_strength},
               {"l2_regularization_strength", o.l2_regularization_strength},
               {"l2_shrinkage_regularization_strength", o.l2_shrinkage_regularization_strength},
               {"beta", o.beta}},
              o.initial_accumulator_value);
}

OptimizerPtr Adadelta(const AdadeltaOptions& o) {
  return make("Adadelta", o, {{"rho", o.rho}, {"epsilon", o.epsilon}});
}

namespace {

OptimizerPtr make_with_betas(const char* class_name, const AdamaxOptions& o) {
  return make(class_name, o, {{"beta_1", o.beta_1}, {"beta_2", o.beta_2}, {"epsilon", o.epsilon}});
}

}  // namespace

OptimizerPtr Adamax(const AdamaxOptions& o) { return make_with_betas("Adamax", o); }
OptimizerPtr Nadam(const AdamaxOptions& o) { return make_with_betas("Nadam", o); }
OptimizerPtr Lamb(const AdamaxOptions& o) { return make_with_betas("Lamb", o); }

OptimizerPtr Lion(const LionOptions& o) {
  return make("Lion", o, {{"beta_1", o.beta_1}, {"beta_2", o.beta_2}});
}

OptimizerPtr Rprop(const RpropOptions& o) {
  return make("Rprop", o,
              {{"eta_minus", o.eta_minus},
               {"eta_plus", o.eta_plus},
               {"step_min", o.step_min},
               {"step_max", o.step_max}});
}

OptimizerPtr Adafactor(const AdafactorOptions& o) {
  return make("Adafactor", o,
              {{"beta_2_decay", o.beta_2_decay},
               {"epsilon_1", o.epsilon_1},
               {"epsilon_2", o.epsilon_2},
               {"clip_threshold", o.clip_threshold}});
}

OptimizerPtr LARS(const LARSOptions& o) {
  return make("LARS", o,
              {{"momentum", o.momentum},
               {"nesterov", o.nesterov},
               {"trust_coefficient", o.trust_coefficient},
               {"epsilon", o.epsilon}});
}

OptimizerPtr Muon(const MuonOptions& o) {
  return make("Muon", o,
              {{"adam_beta_1", o.adam_beta_1},
               {"adam_beta_2", o.adam_beta_2},
               {"epsilon", o.epsilon},
               {"adam_lr_ratio", o.adam_lr_ratio},
               {"exclude_layers", o.exclude_layers},
               {"exclude_embeddings", o.exclude_embeddings},
               {"nesterov", o.nesterov},
               {"momentum", o.momentum},
               {"adam_weight_decay", o.adam_weight_decay},
               {"rms_rate", o.rms_rate},
               {"ns_steps", o.ns_steps}});
}

}  // namespace andiron::nn
