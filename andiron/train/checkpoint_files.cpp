#include "andiron/train/checkpoint_files.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace andiron::train {

namespace {

const char* const kRunId = "andiron.run_id";
const char* const kRunParts = "andiron.run";
const char* const kDocument = "andiron.checkpoint";
const char* const kVersion = "andiron.checkpoint_version";
constexpr std::string_view kPrefix = "checkpoint-", kSuffix = ".safetensors";

struct Found {
  int64_t number;
  std::string name;
};

// "checkpoint-12.safetensors" gives 12, anything else -1.
int64_t number_of(std::string_view name) {
  if (!name.starts_with(kPrefix)) return -1;
  name.remove_prefix(kPrefix.size());
  int64_t number = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  name.remove_prefix(static_cast<size_t>(end - name.data()));
  return error == std::errc() && number >= 0 && name == kSuffix ? number : -1;
}

Result<std::vector<Found>> newest_first(CheckpointStore& store) {
  Result<std::vector<std::string>> names = store.list();
  if (!names) return names.failure();
  std::vector<Found> files;
  for (const std::string& name : names.value())
    if (const int64_t number = number_of(name); number >= 0) files.push_back({number, name});
  std::sort(files.begin(), files.end(),
            [](const Found& a, const Found& b) { return a.number > b.number; });
  return files;
}

std::string value_of(const io::Metadata& metadata, const char* key) {
  const auto at = metadata.find(key);
  return at == metadata.end() ? "" : at->second;
}

Failure of_another_run(const std::string& path, const io::Metadata& metadata, const RunId& run) {
  const std::string differences = run.differences(value_of(metadata, kRunParts));
  if (differences.empty())
    return failure(
        "'{}' belongs to run '{}', this is run '{}': choose another folder, or delete the old "
        "checkpoints",
        path, value_of(metadata, kRunId), run.id);
  return failure(
      "'{}' is of another training ({}): give what was given then, choose another folder, or "
      "delete "
      "the old checkpoints",
      path, differences);
}

Result<std::optional<Checkpoint>> newest(CheckpointStore& store, const RunId& run) {
  Result<std::vector<Found>> files = newest_first(store);
  if (!files) return files.failure();
  Checkpoint found;
  std::optional<Failure> last;
  for (const Found& file : files.value()) {
    Result<io::TensorFile> read = store.read(file.name);
    // Whoever keeps the last N may have removed it since it was listed.
    if (!read && read.failure().errno_code() == ENOENT) continue;
    if (!read) {
      found.skipped.push_back(read.failure().report());
      last = read.failure();
      continue;
    }
    found.path = store.path_of(file.name);
    const io::Metadata& metadata = read.value().metadata;
    if (value_of(metadata, kVersion) != "1")
      return failure("'{}' is a checkpoint of version '{}'; this Andiron reads version 1",
                     found.path, value_of(metadata, kVersion));
    if (value_of(metadata, kRunId) != run.id) return of_another_run(found.path, metadata, run);
    found.tensors = std::move(read.value().tensors);
    found.document = value_of(metadata, kDocument);
    return std::optional<Checkpoint>(std::move(found));
  }
  if (last) return because(*last, "none of {} checkpoints is usable", found.skipped.size());
  return std::optional<Checkpoint>();
}

}  // namespace

Result<std::optional<Checkpoint>> latest_checkpoint(CheckpointStore& store, const RunId& run) {
  Result<std::optional<Checkpoint>> found = newest(store, run);
  if (!found)
    return because(found.failure(), "[checkpoint] cannot resume from '{}'", store.place());
  return found;
}

Result<CheckpointFiles> CheckpointFiles::open(CheckpointStorePtr store, const RunId& run,
                                              int keep) {
  if (keep < 1) fail("[checkpoint] keep must be at least 1; got {}", keep);
  if (run.id.empty()) fail("[checkpoint] needs a run id");
  if (Result<> opened = store->open(); !opened)
    return because(opened.failure(), "[checkpoint] cannot use '{}'", store->place());
  // Damaged files alone do not keep a run from starting; another run's do.
  Result<std::optional<Checkpoint>> found = newest(*store, run);
  if (!found && found.failure().cause() == nullptr)
    return because(found.failure(), "[checkpoint] cannot use '{}'", store->place());
  CheckpointFiles files(std::move(store), run, keep);
  if (found) files.found_ = std::move(found).value();
  return files;
}

Result<std::string> CheckpointFiles::save(const io::NamedTensors& tensors,
                                          const std::string& document) {
  if (!nlohmann::json::accept(document)) fail("[checkpoint] the document is not JSON");
  found_.reset();
  Result<std::vector<Found>> before = newest_first(*store_);
  if (!before)
    return because(before.failure(), "[checkpoint] cannot save to '{}'", store_->place());
  const std::vector<Found>& files = before.value();
  // A number is used once: what was given up may still arrive under its name.
  last_ = std::max(last_, files.empty() ? 0 : files[0].number) + 1;
  const std::string name = fmt::format("{}{:010}{}", kPrefix, last_, kSuffix);
  io::Metadata metadata = {{kRunId, run_.id}, {kDocument, document}, {kVersion, "1"}};
  if (!run_.parts.empty()) metadata[kRunParts] = run_.parts;
  Result<> written = store_->write(name, tensors, metadata);
  if (!written)
    return because(written.failure(), "[checkpoint] cannot save to '{}'", store_->place());
  // What cannot be removed now is tried again next time.
  for (size_t i = static_cast<size_t>(keep_) - 1; i < files.size(); ++i)
    (void)store_->remove(files[i].name);
  return store_->path_of(name);
}

Result<std::optional<Checkpoint>> CheckpointFiles::latest() {
  if (found_) return std::exchange(found_, std::nullopt);
  return latest_checkpoint(*store_, run_);
}

}  // namespace andiron::train
