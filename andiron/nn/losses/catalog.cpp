#include "andiron/nn/losses/catalog.hpp"

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/losses/losses.hpp"
#include "andiron/nn/losses/traced_loss.hpp"

namespace andiron::nn {

namespace {

using Json = nlohmann::json;

CrossentropyOptions crossentropy(const Json& config) {
  const LossOptions common = loss_options(config);
  return {.from_logits = config.value("from_logits", false),
          .label_smoothing = config.value("label_smoothing", 0.0),
          .reduction = common.reduction,
          .name = common.name};
}

SparseCrossentropyOptions sparse_crossentropy(const Json& config) {
  const LossOptions common = loss_options(config);
  SparseCrossentropyOptions options = {.from_logits = config.value("from_logits", false),
                                       .reduction = common.reduction,
                                       .name = common.name};
  if (config.contains("ignore_class")) options.ignore_class = config["ignore_class"].get<int64_t>();
  return options;
}

BinaryFocalOptions binary_focal(const Json& config) {
  BinaryFocalOptions options = {crossentropy(config)};
  options.apply_class_balancing = config.value("apply_class_balancing", false);
  options.alpha = config.value("alpha", options.alpha);
  options.gamma = config.value("gamma", options.gamma);
  return options;
}

// A number, or a list of them.
std::vector<double> numbers(const Json& config, const char* key, std::vector<double> otherwise) {
  const Json found = config.value(key, Json());
  if (found.is_null()) return otherwise;
  if (found.is_number()) return {found.get<double>()};
  return found.get<std::vector<double>>();
}

std::vector<int64_t> axes(const Json& config) {
  const Json found = config.value("axis", Json());
  if (found.is_null()) return {};
  if (found.is_number()) return {found.get<int64_t>()};
  return found.get<std::vector<int64_t>>();
}

CategoricalFocalOptions categorical_focal(const Json& config) {
  CategoricalFocalOptions options = {crossentropy(config)};
  options.alpha = numbers(config, "alpha", options.alpha);
  options.gamma = config.value("gamma", options.gamma);
  return options;
}

constexpr LossEntry kLosses[] = {
    {"MeanSquaredError",
     {"mean_squared_error", "mse", "MSE"},
     [](const Json& c) { return MeanSquaredError(loss_options(c)); }},
    {"MeanAbsoluteError",
     {"mean_absolute_error", "mae", "MAE"},
     [](const Json& c) { return MeanAbsoluteError(loss_options(c)); }},
    {"MeanAbsolutePercentageError",
     {"mean_absolute_percentage_error", "mape", "MAPE"},
     [](const Json& c) { return MeanAbsolutePercentageError(loss_options(c)); }},
    {"MeanSquaredLogarithmicError",
     {"mean_squared_logarithmic_error", "msle", "MSLE"},
     [](const Json& c) { return MeanSquaredLogarithmicError(loss_options(c)); }},
    {"LogCosh", {"log_cosh", "logcosh"}, [](const Json& c) { return LogCosh(loss_options(c)); }},
    {"Poisson", {"poisson"}, [](const Json& c) { return Poisson(loss_options(c)); }},
    {"CosineSimilarity",
     {"cosine_similarity"},
     [](const Json& c) { return CosineSimilarity(loss_options(c)); }},
    {"Huber",
     {"huber", "huber_loss"},
     [](const Json& c) { return Huber(c.value("delta", 1.0), loss_options(c)); }},
    {"Quantile",
     {"quantile", "pinball"},
     [](const Json& c) { return Quantile(numbers(c, "quantiles", {0.5}), loss_options(c)); }},
    {"Hinge", {"hinge"}, [](const Json& c) { return Hinge(loss_options(c)); }},
    {"SquaredHinge",
     {"squared_hinge"},
     [](const Json& c) { return SquaredHinge(loss_options(c)); }},
    {"CategoricalHinge",
     {"categorical_hinge"},
     [](const Json& c) { return CategoricalHinge(loss_options(c)); }},
    {"WestonWatkins",
     {"weston_watkins"},
     [](const Json& c) { return WestonWatkins(c.value("margin", 1.0), loss_options(c)); }},
    {"CrammerSinger",
     {"crammer_singer"},
     [](const Json& c) { return CrammerSinger(c.value("margin", 1.0), loss_options(c)); }},
    {"BinaryCrossentropy",
     {"binary_crossentropy", "bce", "BCE"},
     [](const Json& c) { return BinaryCrossentropy(crossentropy(c)); }},
    {"CategoricalCrossentropy",
     {"categorical_crossentropy"},
     [](const Json& c) { return CategoricalCrossentropy(crossentropy(c)); }},
    {"SparseCategoricalCrossentropy",
     {"sparse_categorical_crossentropy"},
     [](const Json& c) { return SparseCategoricalCrossentropy(sparse_crossentropy(c)); }},
    {"BinaryFocalCrossentropy",
     {"binary_focal_crossentropy"},
     [](const Json& c) { return BinaryFocalCrossentropy(binary_focal(c)); }},
    {"CategoricalFocalCrossentropy",
     {"categorical_focal_crossentropy"},
     [](const Json& c) { return CategoricalFocalCrossentropy(categorical_focal(c)); }},
    {"CategoricalGeneralizedCrossEntropy",
     {"categorical_generalized_cross_entropy"},
     [](const Json& c) {
       return CategoricalGeneralizedCrossEntropy(c.value("q", 0.5), loss_options(c));
     }},
    {"KLDivergence",
     {"kl_divergence", "kld", "KLD"},
     [](const Json& c) { return KLDivergence(loss_options(c)); }},
    {"Dice", {"dice"}, [](const Json& c) { return Dice(axes(c), loss_options(c)); }},
    {"Tversky",
     {"tversky"},
     [](const Json& c) {
       return Tversky(c.value("alpha", 0.5), c.value("beta", 0.5), axes(c), loss_options(c));
     }},
    {"MarginRanking",
     {"margin_ranking"},
     [](const Json& c) { return MarginRanking(c.value("margin", 0.0), loss_options(c)); }},
    {"BPR", {"bpr"}, [](const Json& c) { return BPR(loss_options(c)); }},
    {"Contrastive",
     {"contrastive"},
     [](const Json& c) { return Contrastive(c.value("margin", 1.0), loss_options(c)); }},
    {"Triplet",
     {"triplet"},
     [](const Json& c) {
       return Triplet(c.value("margin", 1.0), c.value("swap", false), loss_options(c));
     }},
    {"TripletMining",
     {"triplet_mining"},
     [](const Json& c) {
       return TripletMining(c.value("margin", 1.0), c.value("mining", "semi-hard"),
                            loss_options(c));
     }},
    {"Circle",
     {"circle"},
     [](const Json& c) {
       return Circle({.gamma = c.value("gamma", 80.0),
                      .margin = c.value("margin", 0.4),
                      .remove_diagonal = c.value("remove_diagonal", true)},
                     loss_options(c));
     }},
    {"Traced", {}, traced_loss_from_config},
};

}  // namespace

LossOptions named(LossOptions options, const char* name) {
  if (options.name.empty()) options.name = name;
  return options;
}

LossOptions loss_options(const Json& config) {
  return {.reduction = parse_reduction(config.value("reduction", "sum_over_batch_size")),
          .name = config.value("name", "")};
}

LossPtr get_loss(std::string_view name) {
  std::string known;
  for (const LossEntry& entry : kLosses) {
    if (entry.names[0] == nullptr) continue;
    bool hit = name == entry.class_name;
    for (const char* n : entry.names) hit |= n != nullptr && name == n;
    if (hit) return entry.make(Json::object());
    known += (known.empty() ? "" : ", ") + std::string(entry.names[0]);
  }
  fail("[loss] '{}' is not known; there are {}", name, known);
}

LossPtr loss_from_config(const Json& description) {
  if (description.is_string()) return get_loss(description.get<std::string>());
  const std::string class_name = description.at("class_name");
  for (const LossEntry& entry : kLosses)
    if (class_name == entry.class_name)
      return entry.make(description.value("config", Json::object()));
  fail("[loss] '{}' is not known", class_name);
}

Json loss_description(const Loss& loss, const TensorType& y_pred) {
  for (const LossEntry& entry : kLosses)
    if (entry.names[0] != nullptr && loss.class_name() == entry.class_name)
      return {{"class_name", loss.class_name()}, {"config", loss.config()}};
  return {{"class_name", "Traced"}, {"config", traced_loss_config(loss, y_pred)}};
}

}  // namespace andiron::nn
