#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "andiron/base/result.hpp"
#include "andiron/tensor/tensor.hpp"

namespace andiron::io {

/// A file that appears under its name complete or not at all: bytes go to a new name in the same
/// folder; `commit` fsyncs it, renames it over the old file and fsyncs the folder. Without a
/// successful commit the old file stays as it was and the new one is removed. A symbolic link is
/// followed.
class AtomicFile {
 public:
  static Result<AtomicFile> create(const std::string& path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  Result<> write(std::span<const std::byte> bytes);
  Result<> commit();

 private:
  AtomicFile(std::string path, std::string new_path, int fd)
      : path_(std::move(path)), new_path_(std::move(new_path)), fd_(fd) {}

  std::string path_, new_path_;
  int fd_;  // -1 after commit or when moved from
};

/// Writes all bytes; `path` is for the message. Interrupted writes continue.
Result<> write_all(int fd, std::span<const std::byte> bytes, const std::string& path);
Result<> sync_folder(const std::string& folder);
/// "." for a name without a folder.
std::string folder_of(const std::string& path);
/// A name that no other writer uses: "<path>.new-<pid>-<random>".
std::string unused_name(const std::string& path);

/// The file's bytes, mapped read-only and private. The mapping lives as long as the buffer. Whoever
/// truncates the file while it is mapped makes reads fail with SIGBUS: replace files by renaming,
/// as AtomicFile does.
Result<std::shared_ptr<Buffer>> map_file(const std::string& path);
/// The same, read into our own aligned memory.
Result<std::shared_ptr<Buffer>> read_file(const std::string& path);

inline std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
inline std::span<const std::byte> as_bytes(const Buffer& buffer) {
  return {buffer.data(), buffer.n_bytes()};
}

}  // namespace andiron::io
