#include "andiron/io/file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <random>

namespace andiron::io {

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string unused_name(const std::string& path) {
  return fmt::format("{}.new-{}-{:08x}", path, ::getpid(), std::random_device{}());
}

Result<> write_all(int fd, std::span<const std::byte> bytes, const std::string& path) {
  while (!bytes.empty()) {
    // Linux moves at most 2 GiB a call.
    const ssize_t n = ::write(fd, bytes.data(), std::min<size_t>(bytes.size(), 1 << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_failure("cannot write '{}'", path);
    if (n == 0) return failure("cannot write '{}': the system took no byte", path);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return success();
}

Result<> sync_folder(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return system_failure("cannot open the folder '{}'", folder);
  const int status = ::fsync(fd);
  const int code = errno;
  ::close(fd);
  // Some network file systems cannot fsync a folder and say EINVAL; the rename stands anyway.
  if (status != 0 && code != EINVAL) {
    errno = code;
    return system_failure("cannot fsync the folder '{}'", folder);
  }
  return success();
}

Result<AtomicFile> AtomicFile::create(const std::string& path) {
  std::error_code ignored;
  std::string target = path;
  if (std::filesystem::is_symlink(path, ignored)) {
    const auto resolved = std::filesystem::weakly_canonical(path, ignored);
    if (!ignored) target = resolved.string();
  }
  std::string new_path = unused_name(target);
  const int fd = ::open(new_path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return system_failure("cannot create '{}'", new_path);
  return AtomicFile(std::move(target), std::move(new_path), fd);
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      new_path_(std::move(other.new_path_)),
      fd_(std::exchange(other.fd_, -1)) {}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(new_path_.c_str());
}

Result<> AtomicFile::write(std::span<const std::byte> bytes) {
  return write_all(fd_, bytes, new_path_);
}

Result<> AtomicFile::commit() {
  if (::fsync(fd_) != 0) return system_failure("cannot fsync '{}'", new_path_);
  if (::rename(new_path_.c_str(), path_.c_str()) != 0)
    return system_failure("cannot rename '{}' to '{}'", new_path_, path_);
  ::close(std::exchange(fd_, -1));
  return sync_folder(folder_of(path_));
}

namespace {

// An open file of known size, closed at the end of the scope.
struct OpenFile {
  int fd = -1;
  size_t n_bytes = 0;
  ~OpenFile() {
    if (fd >= 0) ::close(fd);
  }
};

Result<> open_to_read(const std::string& path, OpenFile& file) {
  file.fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file.fd < 0) return system_failure("cannot open '{}'", path);
  struct stat info = {};
  if (::fstat(file.fd, &info) != 0) return system_failure("cannot stat '{}'", path);
  if (!S_ISREG(info.st_mode)) return failure("'{}' is not a regular file", path);
  file.n_bytes = static_cast<size_t>(info.st_size);
  return success();
}

}  // namespace

Result<std::shared_ptr<Buffer>> map_file(const std::string& path) {
  OpenFile file;
  if (Result<> opened = open_to_read(path, file); !opened) return opened.failure();
  const size_t n = file.n_bytes;
  if (n == 0) return Buffer::allocate(0);  // nothing to map
  void* data = ::mmap(nullptr, n, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (data == MAP_FAILED) return system_failure("cannot map '{}'", path);
  return Buffer::wrap(
      data, n, [data, n] { ::munmap(data, n); }, /*writable=*/false);
}

Result<std::shared_ptr<Buffer>> read_file(const std::string& path) {
  OpenFile file;
  if (Result<> opened = open_to_read(path, file); !opened) return opened.failure();
  std::shared_ptr<Buffer> buffer = Buffer::allocate(file.n_bytes);
  for (size_t done = 0; done < file.n_bytes;) {
    const ssize_t n =
        ::read(file.fd, buffer->data() + done, std::min<size_t>(file.n_bytes - done, 1 << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_failure("cannot read '{}'", path);
    if (n == 0) return failure("'{}' became shorter while it was read", path);
    done += static_cast<size_t>(n);
  }
  return buffer;
}

}  // namespace andiron::io
