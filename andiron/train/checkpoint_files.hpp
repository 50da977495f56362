#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "andiron/train/checkpoint_store.hpp"
#include "andiron/train/run_id.hpp"

namespace andiron::train {

/// What training needs to go on: named tensors and a JSON document (docs/checkpoint_format.md).
struct Checkpoint {
  io::NamedTensors tensors;  ///< mapped, read-only; they stay valid when the file is deleted
  std::string document;      ///< JSON text
  std::string path;
  /// Newer files that could not be used, with the reasons.
  std::vector<std::string> skipped = {};
};

/// The checkpoints of one run in a store: checkpoint-0000000012.safetensors ...; the highest
/// number is the newest.
/// Thread safety: none; one writer at a time for a store.
class CheckpointFiles {
 public:
  /// Opens the store. Fails when it holds checkpoints of another run: a stale one must not be taken
  /// for today's. Keeps the newest `keep` files.
  static Result<CheckpointFiles> open(CheckpointStorePtr store, const RunId& run, int keep = 3);

  /// Returns the new file's path. On failure (disk full) what was there stays. Files beyond `keep`
  /// are removed after the new one is safe.
  Result<std::string> save(const io::NamedTensors& tensors, const std::string& document);
  /// The newest complete checkpoint; none when there is no file. Damaged files are passed over
  /// (see `skipped`); when all are damaged it fails.
  Result<std::optional<Checkpoint>> latest();

  CheckpointStore& store() const { return *store_; }

 private:
  CheckpointFiles(CheckpointStorePtr store, RunId run, int keep)
      : store_(std::move(store)), run_(std::move(run)), keep_(keep) {}

  CheckpointStorePtr store_;
  RunId run_;
  int keep_;
  int64_t last_ = 0;                 // the highest number that was tried
  std::optional<Checkpoint> found_;  // by open; the first `latest` need not read it again
};

/// The same without making or writing anything; none when the place is missing.
Result<std::optional<Checkpoint>> latest_checkpoint(CheckpointStore& store, const RunId& run);

}  // namespace andiron::train
