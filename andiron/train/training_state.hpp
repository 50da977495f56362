#pragma once

#include <optional>

#include "andiron/train/checkpoint_schedule.hpp"
#include "andiron/train/checkpoint_writer.hpp"
#include "andiron/train/trainer.hpp"

namespace andiron::train {

/// Saves a running training and brings it back, so that it goes on with the same bits: variables,
/// optimizer slots, step, place in the data, sums and metrics of the epoch, history, callbacks.
/// With workers, all call it together: the first one writes and reads, what each has seen of the
/// epoch is kept for it, and another number of workers starts from the sum.
/// Between two steps the state is copied; it is written while the next ones run.
class TrainingState {
 public:
  TrainingState(Trainer& trainer, BatchSource& data, const FitOptions& options);

  /// Opens the store. The other functions do nothing when there is none. Throws Error where workers
  /// have other settings, IoError where nothing can be written.
  void open();
  /// Leaves everything as it is when there is no checkpoint. Throws Error when it belongs to
  /// another model, other data or other settings.
  void load(Trainer::Progress& progress);

  /// Take a checkpoint where one is due. Throw IoError when the one before could not be written.
  void after_step(const Trainer::Progress& progress);
  void after_epoch(const Trainer::Progress& progress, bool last);
  /// Returns when the last checkpoint is safe; throws IoError when it could not be written.
  void finish();
  /// After an error: what was taken is still written, unless the user interrupts that, too.
  void settle() noexcept;

 private:
  bool writes() const;
  RunId run() const;
  bool agreed(CheckpointSchedule::Answer mine);
  void save(const Trainer::Progress& progress);
  Snapshot snapshot(const Trainer::Progress& progress, const std::vector<std::string>& parts);
  std::optional<Checkpoint> newest();
  void take_parts(const Checkpoint& checkpoint, Trainer::Progress& progress);

  Trainer& trainer_;
  BatchSource& data_;
  const FitOptions& options_;
  CheckpointSchedule schedule_;
  std::optional<CheckpointWriter> writer_;  // the first worker's
};

}  // namespace andiron::train
