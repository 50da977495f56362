#include "andiron/train/checkpoint_model.hpp"

#include <algorithm>

#include "andiron/base/error.hpp"

namespace andiron::train {

namespace {

constexpr const char* kBelow = "variable/";

// "'dense/kernel' float32[3,4]"
std::string described(const std::string& name, const Tensor& value) {
  return fmt::format("'{}' {}{}", name, name_of(value.dtype()), str(value.sizes()));
}

}  // namespace

std::string variable_key(size_t i, const Variable& variable) {
  return fmt::format("{}{:04d}/{}", kBelow, i, variable.name());
}

void require_same_model(const Checkpoint& checkpoint, const std::string& their_optimizer,
                        const std::string& optimizer, const std::vector<VariablePtr>& variables) {
  if (!their_optimizer.empty() && their_optimizer != optimizer)
    fail("[resume] '{}' was written with the optimizer {}, this training has {}", checkpoint.path,
         their_optimizer, optimizer);
  const io::NamedTensors found = io::tensors_below(checkpoint.tensors, kBelow);
  std::vector<std::string> theirs, ours;
  for (const auto& [key, value] : found) theirs.push_back(described(key.substr(5), value));
  for (const VariablePtr& v : variables) ours.push_back(described(v->name(), v->value()));
  for (size_t i = 0; i < std::max(theirs.size(), ours.size()); ++i) {
    const std::string there = i < theirs.size() ? theirs[i] : "nothing";
    const std::string here = i < ours.size() ? ours[i] : "nothing";
    if (there != here)
      fail("[resume] '{}' is of another model or optimizer: where it has {}, this training has {}",
           checkpoint.path, there, here);
  }
}

}  // namespace andiron::train
