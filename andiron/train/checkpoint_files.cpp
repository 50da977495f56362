#include "andiron/train/checkpoint_files.hpp"

#include <signal.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "andiron/io/file.hpp"

namespace andiron::train {

namespace fs = std::filesystem;

namespace {

const char* const kRunId = "andiron.run_id";
const char* const kDocument = "andiron.checkpoint";
const char* const kVersion = "andiron.checkpoint_version";
constexpr std::string_view kPrefix = "checkpoint-", kSuffix = ".safetensors";

struct Found {
  int64_t number;
  std::string path;
};

struct Listing {
  std::vector<Found> files;            // newest first
  std::vector<std::string> abandoned;  // of writers that are dead
};

// "checkpoint-12.safetensors" gives 12, anything else -1; `rest` is what follows the suffix.
int64_t number_of(std::string_view name, std::string_view& rest) {
  if (!name.starts_with(kPrefix)) return -1;
  name.remove_prefix(kPrefix.size());
  int64_t number = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  name.remove_prefix(static_cast<size_t>(end - name.data()));
  if (error != std::errc() || number < 0 || !name.starts_with(kSuffix)) return -1;
  rest = name.substr(kSuffix.size());
  return number;
}

// AtomicFile's unfinished files end in ".new-<pid>-<random>".
bool writer_is_dead(std::string_view rest) {
  constexpr std::string_view kNew = ".new-";
  if (!rest.starts_with(kNew)) return false;
  rest.remove_prefix(kNew.size());
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), pid);
  return error == std::errc() && pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH;
}

Result<Listing> list(const std::string& folder) {
  Listing listing;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    std::string_view rest;
    const int64_t number = number_of(name, rest);
    if (number < 0) continue;
    if (rest.empty()) listing.files.push_back({number, at->path().string()});
    if (writer_is_dead(rest)) listing.abandoned.push_back(at->path().string());
  }
  if (error) {
    errno = error.value();
    return system_failure("cannot list the folder '{}'", folder);
  }
  std::sort(listing.files.begin(), listing.files.end(),
            [](const Found& a, const Found& b) { return a.number > b.number; });
  return listing;
}

std::string value_of(const io::Metadata& metadata, const char* key) {
  const auto at = metadata.find(key);
  return at == metadata.end() ? "" : at->second;
}

Result<std::optional<Checkpoint>> newest(const std::string& folder, const std::string& run_id) {
  Result<Listing> listing = list(folder);
  if (!listing) return listing.failure();
  Checkpoint found;
  std::optional<Failure> last;
  for (const Found& file : listing.value().files) {
    Result<io::TensorFile> read =
        io::read_safetensors(file.path, {.checksum = io::ReadOptions::Checksum::required});
    // Whoever keeps the last N may have removed it since it was listed.
    if (!read && read.failure().errno_code() == ENOENT) continue;
    if (!read) {
      found.skipped.push_back(read.failure().report());
      last = read.failure();
      continue;
    }
    const io::Metadata& metadata = read.value().metadata;
    if (value_of(metadata, kVersion) != "1")
      return failure("'{}' is a checkpoint of version '{}'; this Andiron reads version 1",
                     file.path, value_of(metadata, kVersion));
    if (value_of(metadata, kRunId) != run_id)
      return failure(
          "'{}' belongs to run '{}', this is run '{}': choose another folder, or delete "
          "the old checkpoints",
          file.path, value_of(metadata, kRunId), run_id);
    found.tensors = std::move(read.value().tensors);
    found.document = value_of(metadata, kDocument);
    found.path = file.path;
    return std::optional<Checkpoint>(std::move(found));
  }
  if (last) return because(*last, "none of {} checkpoints is usable", found.skipped.size());
  return std::optional<Checkpoint>();
}

}  // namespace

Result<std::optional<Checkpoint>> latest_checkpoint(const std::string& folder,
                                                    const std::string& run_id) {
  std::error_code ignored;
  if (!fs::exists(folder, ignored) && !ignored) return std::optional<Checkpoint>();
  Result<std::optional<Checkpoint>> found = newest(folder, run_id);
  if (!found) return because(found.failure(), "[checkpoint] cannot resume from '{}'", folder);
  return found;
}

Result<CheckpointFolder> CheckpointFolder::open(const std::string& folder,
                                                const std::string& run_id, int keep) {
  if (keep < 1) fail("[checkpoint] keep must be at least 1; got {}", keep);
  if (run_id.empty()) fail("[checkpoint] needs a run id");
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    errno = error.value();
    return system_failure("[checkpoint] cannot make the folder '{}'", folder);
  }
  // Damaged files alone do not keep a run from starting; another run's do.
  Result<std::optional<Checkpoint>> found = newest(folder, run_id);
  if (!found && found.failure().cause() == nullptr)
    return because(found.failure(), "[checkpoint] cannot use '{}'", folder);
  return CheckpointFolder(folder, run_id, keep);
}

Result<std::string> CheckpointFolder::save(const io::NamedTensors& tensors,
                                           const std::string& document) {
  if (!nlohmann::json::accept(document)) fail("[checkpoint] the document is not JSON");
  Result<Listing> before = list(folder_);
  if (!before) return because(before.failure(), "[checkpoint] cannot save to '{}'", folder_);
  const std::vector<Found>& files = before.value().files;
  const int64_t number = files.empty() ? 1 : files[0].number + 1;
  const std::string path = fmt::format("{}/{}{:010}{}", folder_, kPrefix, number, kSuffix);
  Result<> written = io::write_safetensors(
      path, tensors, {{kRunId, run_id_}, {kDocument, document}, {kVersion, "1"}});
  if (!written) return because(written.failure(), "[checkpoint] cannot save to '{}'", folder_);
  // What cannot be removed now is tried again next time.
  std::error_code ignored;
  for (size_t i = static_cast<size_t>(keep_) - 1; i < files.size(); ++i)
    fs::remove(files[i].path, ignored);
  for (const std::string& file : before.value().abandoned) fs::remove(file, ignored);
  return path;
}

Result<std::optional<Checkpoint>> CheckpointFolder::latest() const {
  return latest_checkpoint(folder_, run_id_);
}

}  // namespace andiron::train
