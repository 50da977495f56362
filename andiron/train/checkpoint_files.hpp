#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "andiron/base/result.hpp"
#include "andiron/io/safetensors.hpp"

namespace andiron::train {

/// What training needs to go on: named tensors and a JSON document (docs/checkpoint_format.md).
struct Checkpoint {
  io::NamedTensors tensors;  ///< mapped, read-only; they stay valid when the file is deleted
  std::string document;      ///< JSON text
  std::string path;
  /// Newer files that could not be used, with the reasons.
  std::vector<std::string> skipped = {};
};

/// The checkpoints of one run in a folder: checkpoint-0000000012.safetensors ...; the highest
/// number is the newest. A file appears complete or not at all, whatever kills the writer.
/// Thread safety: none; one writer at a time for a folder.
class CheckpointFolder {
 public:
  /// Makes the folder when it is missing. Fails when it holds checkpoints of another run: a stale
  /// one must not be taken for today's. Keeps the newest `keep` files.
  static Result<CheckpointFolder> open(const std::string& folder, const std::string& run_id,
                                       int keep = 3);

  /// Returns the new file's path. On failure (disk full) what was there stays. Files beyond `keep`
  /// and those of killed writers are removed after the new one is safe.
  Result<std::string> save(const io::NamedTensors& tensors, const std::string& document);
  /// The newest complete checkpoint; none when there is no file. Damaged files are passed over
  /// (see `skipped`); when all are damaged it fails.
  Result<std::optional<Checkpoint>> latest() const;

  const std::string& path() const { return folder_; }

 private:
  CheckpointFolder(std::string folder, std::string run_id, int keep)
      : folder_(std::move(folder)), run_id_(std::move(run_id)), keep_(keep) {}

  std::string folder_, run_id_;
  int keep_;
};

/// The same without making or writing anything; none when the folder is missing.
Result<std::optional<Checkpoint>> latest_checkpoint(const std::string& folder,
                                                    const std::string& run_id);

}  // namespace andiron::train
