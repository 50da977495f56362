#pragma once

#include <optional>

#include "andiron/train/checkpoint_files.hpp"
#include "andiron/train/trainer.hpp"

namespace andiron::train {

/// Saves a running training and brings it back, so that it goes on with the same bits: variables,
/// optimizer slots, step, place in the data, sums and metrics of the epoch, history, callbacks.
/// With workers, all call it together: the first one writes and reads, what each has seen of the
/// epoch is kept for it, and another number of workers starts from the sum.
class TrainingState {
 public:
  TrainingState(Trainer& trainer, BatchSource& data, const FitOptions& options);

  /// Does nothing when no folder was given. Throws IoError; the training can go on after it.
  void save(const Trainer::Progress& progress);
  /// Leaves everything as it is when there is no checkpoint. Throws Error when it belongs to
  /// another model, other data or other settings.
  void load(Trainer::Progress& progress);

 private:
  bool writes() const;
  std::optional<Checkpoint> newest() const;
  void take_parts(const Checkpoint& checkpoint, Trainer::Progress& progress);

  Trainer& trainer_;
  BatchSource& data_;
  const FitOptions& options_;
  std::optional<CheckpointFolder> folder_;
};

}  // namespace andiron::train
