#include "andiron/train/checkpoint_model.hpp"

#include <algorithm>
#include <cctype>

#include "andiron/base/error.hpp"

namespace andiron::train {

namespace {

constexpr const char* kBelow = "variable/";

// "'dense/kernel' float32[3,4]"
std::string described(const std::string& name, const Tensor& value) {
  return fmt::format("'{}' {}{}", name, name_of(value.dtype()), str(value.sizes()));
}

// Release 0.1 called "conv2_d" what is "conv2d" now: the two count as one name.
std::string regardless_of_release(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool between = i > 0 && i + 1 < text.size() && std::isdigit(uint8_t(text[i - 1])) != 0 &&
                         std::islower(uint8_t(text[i + 1])) != 0;
    if (text[i] != '_' || !between) out += text[i];
  }
  return out;
}

}  // namespace

std::string variable_key(size_t i, const Variable& variable) {
  return fmt::format("{}{:04d}/{}", kBelow, i, variable.name());
}

std::vector<Tensor> values_of_same_model(const Checkpoint& checkpoint,
                                         const std::string& their_optimizer,
                                         const std::string& optimizer,
                                         const std::vector<VariablePtr>& variables) {
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
    if (regardless_of_release(there) != regardless_of_release(here))
      fail("[resume] '{}' is of another model or optimizer: where it has {}, this training has {}",
           checkpoint.path, there, here);
  }
  std::vector<Tensor> values;
  for (const auto& [key, value] : found) values.push_back(value);
  return values;
}

}  // namespace andiron::train
