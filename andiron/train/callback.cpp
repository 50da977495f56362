#include "andiron/train/callback.hpp"

#include <nlohmann/json.hpp>

namespace andiron::train {

const double* find(const Logs& logs, std::string_view name) {
  for (const auto& [key, value] : logs)
    if (key == name) return &value;
  return nullptr;
}

nlohmann::json Callback::state() const { return nullptr; }

void Callback::restore(const nlohmann::json&, const std::map<std::string, Tensor>&) {}

}  // namespace andiron::train
