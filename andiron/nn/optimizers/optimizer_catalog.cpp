#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/optimizers/rule_optimizer.hpp"

namespace andiron::nn {

namespace {

using nlohmann::json;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::erase(out, '_');
  return out;
}

[[noreturn]] void fail_unknown(std::string_view name) {
  std::string known;
  for (const OptimizerKind& kind : optimizer_kinds()) known.append(kind.class_name).append(", ");
  fail(
      "[optimizer] there is no optimizer '{}'; there are {}LBFGS, RandomSearch and OptimizerGroups",
      name, known);
}

}  // namespace

OptimizerPtr get_optimizer(std::string_view name) {
  for (const OptimizerKind& kind : optimizer_kinds())
    if (lower(kind.class_name) == lower(name))
      return rule_optimizer_from_config(kind, json::object());
  if (lower(name) == "randomsearch") return RandomSearch();
  if (lower(name) == "lbfgs") return LBFGS();
  fail_unknown(name);
}

OptimizerPtr optimizer_from_config(const json& description) {
  try {
    const auto name = description.at("class_name").get<std::string>();
    const json config = description.value("config", json::object());
    if (const OptimizerKind* kind = find_kind(name))
      return rule_optimizer_from_config(*kind, config);
    if (name == "RandomSearch") {
      RandomSearchOptions options;
      options.name = config.value("name", options.name);
      options.seed = config.value("seed", options.seed);
      if (config.contains("learning_rate"))
        options.learning_rate = LearningRate::from_config(config["learning_rate"]);
      return RandomSearch(options);
    }
    if (name == "LBFGS") {
      LBFGSOptions options;
      const auto take = [&]<class T>(const char* key, T& value) {
        if (config.contains(key) && !config[key].is_null()) value = config[key].get<T>();
      };
      take("name", options.name);
      if (config.contains("learning_rate"))
        options.learning_rate = LearningRate::from_config(config["learning_rate"]);
      take("max_iter", options.max_iter);
      if (config.contains("max_eval") && !config["max_eval"].is_null())
        options.max_eval = config["max_eval"].get<int64_t>();
      take("tolerance_grad", options.tolerance_grad);
      take("tolerance_change", options.tolerance_change);
      take("history_size", options.history_size);
      take("line_search", options.line_search);
      return LBFGS(options);
    }
    if (name == "OptimizerGroups") {
      std::vector<OptimizerGroup> groups;
      for (const json& group : config.at("groups"))
        groups.push_back(
            {group.at("pattern").get<std::string>(), optimizer_from_config(group.at("optimizer"))});
      return OptimizerGroups(std::move(groups));
    }
    fail_unknown(name);
  } catch (const json::exception& e) {
    fail("[optimizer] {} does not describe an optimizer: {}", description.dump(), e.what());
  }
}

json optimizer_description(const Optimizer& optimizer) {
  return {{"class_name", optimizer.class_name()}, {"config", optimizer.config()}};
}

}  // namespace andiron::nn
