#include <signal.h>

#include <charconv>
#include <filesystem>

#include "andiron/io/file.hpp"
#include "andiron/train/checkpoint_store.hpp"

namespace andiron::train {

namespace fs = std::filesystem;

namespace {

// AtomicFile's unfinished files are "<name>.new-<pid>-<random>".
constexpr std::string_view kNew = ".safetensors.new-";

bool unfinished(std::string_view name) { return name.find(kNew) != std::string_view::npos; }

bool writer_is_dead(std::string_view name) {
  name.remove_prefix(name.find(kNew) + kNew.size());
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  return error == std::errc() && pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH;
}

class FolderStore final : public CheckpointStore {
 public:
  explicit FolderStore(std::string folder) : folder_(std::move(folder)) {}

  const std::string& place() const override { return folder_; }

  Result<> open() override {
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error) {
      errno = error.value();
      return system_failure("cannot make the folder '{}'", folder_);
    }
    Result<std::vector<std::string>> names = files();
    if (!names) return names.failure();
    for (const std::string& name : names.value())
      if (unfinished(name) && writer_is_dead(name)) fs::remove(path_of(name), error);
    // An empty file that is gone at once: whether there may be one shows now, not hours later.
    Result<io::AtomicFile> trial = io::AtomicFile::create(path_of("checkpoint.safetensors"));
    if (!trial) return trial.failure();
    return success();
  }

  Result<std::vector<std::string>> list() override {
    Result<std::vector<std::string>> names = files();
    if (names) std::erase_if(names.value(), [](const auto& name) { return unfinished(name); });
    return names;
  }

  Result<> write(const std::string& name, const io::NamedTensors& tensors,
                 const io::Metadata& metadata) override {
    return io::write_safetensors(path_of(name), tensors, metadata);
  }

  Result<io::TensorFile> read(const std::string& name) override {
    return io::read_safetensors(path_of(name), {.checksum = io::ReadOptions::Checksum::required});
  }

  Result<> remove(const std::string& name) override {
    std::error_code error;
    fs::remove(path_of(name), error);
    if (!error) return success();
    errno = error.value();
    return system_failure("cannot remove '{}'", path_of(name));
  }

 private:
  Result<std::vector<std::string>> files() const {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error))
      names.push_back(at->path().filename().string());
    if (!error || error.value() == ENOENT) return names;
    errno = error.value();
    return system_failure("cannot list the folder '{}'", folder_);
  }

  std::string folder_;
};

}  // namespace

CheckpointStorePtr folder_store(const std::string& folder) {
  return std::make_shared<FolderStore>(folder);
}

}  // namespace andiron::train
