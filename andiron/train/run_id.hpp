#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "andiron/train/batch_source.hpp"

namespace andiron::train {

/// Which training a checkpoint belongs to: others, with other data or another order of it, would
/// give other bits.
struct RunId {
  RunId(std::string id, std::string parts = {}) : id(std::move(id)), parts(std::move(parts)) {}
  RunId(const char* id) : id(id) {}  // NOLINT: a name
  /// Of all workers' sources, in their order.
  static RunId of(const std::vector<uint64_t>& digests, const std::vector<SourceParts>& parts);

  /// What differs, for a message: "batch_size was 64 and is 32, the data are others". Empty where
  /// that cannot be told.
  std::string differences(const std::string& their_parts) const;

  std::string id;
  /// What the id is a digest of, by name: a JSON object, or nothing where that is not known.
  std::string parts;
};

}  // namespace andiron::train
