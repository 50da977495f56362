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
  return {.from_logits = config.value("from_logits", false),
          .reduction = common.reduction,
          .name = common.name};
}

constexpr LossEntry kLosses[] = {
    {"MeanSquaredError",
     {"mean_squared_error", "mse", "MSE"},
     [](const Json& c) { return MeanSquaredError(loss_options(c)); }},
    {"MeanAbsoluteError",
     {"mean_absolute_error", "mae", "MAE"},
     [](const Json& c) { return MeanAbsoluteError(loss_options(c)); }},
    {"Hinge", {"hinge"}, [](const Json& c) { return Hinge(loss_options(c)); }},
    {"CategoricalHinge",
     {"categorical_hinge"},
     [](const Json& c) { return CategoricalHinge(loss_options(c)); }},
    {"BinaryCrossentropy",
     {"binary_crossentropy", "bce"},
     [](const Json& c) { return BinaryCrossentropy(crossentropy(c)); }},
    {"CategoricalCrossentropy",
     {"categorical_crossentropy"},
     [](const Json& c) { return CategoricalCrossentropy(crossentropy(c)); }},
    {"SparseCategoricalCrossentropy",
     {"sparse_categorical_crossentropy"},
     [](const Json& c) { return SparseCategoricalCrossentropy(sparse_crossentropy(c)); }},
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
