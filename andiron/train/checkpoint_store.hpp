#pragma once

#include <memory>
#include <string>
#include <vector>

#include "andiron/base/result.hpp"
#include "andiron/io/safetensors.hpp"

namespace andiron::train {

/// A place for the checkpoints of a run: files by name, in a folder or elsewhere.
/// Thread safety: one call at a time, from any thread; `abandon` at any time beside it.
class CheckpointStore {
 public:
  virtual ~CheckpointStore() = default;

  /// The folder or the URL, for messages.
  virtual const std::string& place() const = 0;
  /// Makes the place when it is missing, and removes what killed writers left unfinished. Fails
  /// when nothing can be written there.
  virtual Result<> open() = 0;
  /// The names of the complete files; none when the place is missing.
  virtual Result<std::vector<std::string>> list() = 0;
  /// The file appears under its name complete or not at all, whatever kills the writer.
  virtual Result<> write(const std::string& name, const io::NamedTensors& tensors,
                         const io::Metadata& metadata) = 0;
  /// Fails for files without a checksum; with ENOENT when somebody has removed the file.
  virtual Result<io::TensorFile> read(const std::string& name) = 0;
  virtual Result<> remove(const std::string& name) = 0;

  /// Whether a training keeps every checkpoint: it waits for the one before where that is still
  /// being written, and ends when one cannot be written. If not, a checkpoint that comes due
  /// meanwhile is left out, and training goes on without one that failed.
  virtual bool strict() const { return true; }
  /// Called after each checkpoint of the training, with why it was not written (null: it was).
  virtual void report(int64_t step, const Failure* failure) { (void)step, (void)failure; }
  /// What is under way need not be finished: it may fail at once.
  virtual void abandon() {}

  std::string path_of(const std::string& name) const { return place() + "/" + name; }
};

using CheckpointStorePtr = std::shared_ptr<CheckpointStore>;

/// A folder of the operating system. Files are fsynced before they get their name.
CheckpointStorePtr folder_store(const std::string& folder);

}  // namespace andiron::train
