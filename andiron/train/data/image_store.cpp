#include "andiron/train/data/image_store.hpp"

#include <cstring>
#include <filesystem>

#include "andiron/base/philox.hpp"
#include "andiron/io/crc32c.hpp"
#include "andiron/io/file.hpp"

namespace andiron::train {

namespace {

class Files final : public ImageStore {
 public:
  explicit Files(std::vector<std::string> paths) : paths_(std::move(paths)) {}

  int64_t size() const override { return static_cast<int64_t>(paths_.size()); }
  Result<ImageBytes> read(int64_t i) const override {
    constexpr uintmax_t kMostBytes = 1U << 30;
    const std::string& path = paths_[static_cast<size_t>(i)];
    std::error_code error;
    const uintmax_t n = std::filesystem::file_size(path, error);
    if (!error && n > kMostBytes)
      return failure("the file has {} bytes, more than an image may have", n);
    Result<std::shared_ptr<Buffer>> file = io::read_file(path);
    if (!file) {  // the path is in the image's name
      const int code = file.failure().errno_code();
      return code == 0 ? file.failure() : failure("{}", std::strerror(code));
    }
    return ImageBytes{io::as_bytes(*file.value()), file.value()};
  }
  std::string name(int64_t i) const override { return paths_[static_cast<size_t>(i)]; }
  uint64_t digest() const override {
    uint64_t digest = 0;
    for (const std::string& path : paths_) {
      // Not the folder: a run may go on where the data stand elsewhere.
      const std::string last = path.substr(path.rfind('/') + 1);
      digest = mix_key(digest, io::crc32c(io::as_bytes(last)));
    }
    return digest;
  }

 private:
  std::vector<std::string> paths_;
};

class Column final : public ImageStore {
 public:
  Column(Tensor data, Tensor offsets, Tensor valid)
      : data_(data.contiguous()), offsets_(offsets.contiguous()) {
    if (valid.defined()) valid_ = valid.contiguous();
    const int64_t* at = offsets_.data<int64_t>();
    if (offsets_.count() < 1 || (valid_.defined() && valid_.count() != size()))
      fail("[images] a column of {} rows has {} offsets", valid_.defined() ? valid_.count() : 0,
           offsets_.count());
    for (int64_t i = 0; i < offsets_.count(); ++i)
      if (at[i] < 0 || at[i] > data_.count() || (i > 0 && at[i] < at[i - 1]))
        fail("[images] row {} of the column leaves its data", i);
  }

  int64_t size() const override { return offsets_.count() - 1; }
  Result<ImageBytes> read(int64_t i) const override {
    if (valid_.defined() && valid_.data<uint8_t>()[i] == 0) return failure("the image is null");
    const int64_t* at = offsets_.data<int64_t>();
    return ImageBytes{{data_.data<std::byte>() + at[i], static_cast<size_t>(at[i + 1] - at[i])},
                      nullptr};
  }
  std::string name(int64_t i) const override { return fmt::format("row {}", i); }
  uint64_t digest() const override {
    return mix_key(static_cast<uint64_t>(size()),
                   io::crc32c({data_.data<std::byte>(), data_.n_bytes()}));
  }

 private:
  Tensor data_, offsets_, valid_;
};

}  // namespace

std::shared_ptr<ImageStore> image_files(std::vector<std::string> paths) {
  return std::make_shared<Files>(std::move(paths));
}

std::shared_ptr<ImageStore> image_column(Tensor data, Tensor offsets, Tensor valid) {
  if (data.dtype() != DType::u8 || offsets.dtype() != DType::i64 ||
      (valid.defined() && valid.dtype() != DType::u8))
    fail("[images] a column is uint8 data with int64 offsets");
  return std::make_shared<Column>(std::move(data), std::move(offsets), std::move(valid));
}

}  // namespace andiron::train
