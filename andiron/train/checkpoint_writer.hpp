#pragma once

#include <functional>
#include <future>
#include <utility>

#include "andiron/train/checkpoint_files.hpp"

namespace andiron::train {

/// A training at one moment. Its tensors are copies: nobody writes to them while they are written.
struct Snapshot {
  io::NamedTensors tensors;
  std::string document;
  int64_t step = 0;

  /// Adds a copy, in memory of the snapshot before where there is some of this name and form: the
  /// pages of new memory cost several times as much as the copy itself.
  void add(const std::string& name, const Tensor& value, io::NamedTensors& memory);
};

/// Writes checkpoints on a thread of its own while training goes on: one at a time, so that there
/// is one snapshot in memory, from the first one on. The thread lives as long as a write.
/// Thread safety: one caller. In Python, call it without the GIL, which a store may need.
class CheckpointWriter {
 public:
  explicit CheckpointWriter(CheckpointFiles files) : files_(std::move(files)) {}
  /// Waits for the write that is under way; nobody hears of its failure.
  ~CheckpointWriter() = default;
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  /// REQUIRES !busy().
  CheckpointFiles& files() { return files_; }

  /// Whether a snapshot is still being written.
  bool busy() const;
  /// Begins to write and returns at once. REQUIRES that `wait` came after the write before.
  void write(Snapshot snapshot);
  /// Returns when nothing is under way. Throws IoError when the latest write failed and the store
  /// is strict, once. `waiting` is called every 50 ms; what it throws ends the wait, not the write.
  void wait(const std::function<void()>& waiting = {});
  /// What the snapshot before is made of, for the next one. REQUIRES that `wait` came before.
  io::NamedTensors take_memory() { return std::exchange(memory_, {}); }
  /// What is under way may fail at once; nobody hears of it.
  void abandon() { files_.store().abandon(); }

 private:
  void save(Snapshot& snapshot);

  CheckpointFiles files_;
  io::NamedTensors memory_;
  std::future<void> under_way_;  // its destructor waits
};

}  // namespace andiron::train
