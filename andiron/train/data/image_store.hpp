#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "andiron/base/result.hpp"
#include "andiron/tensor/tensor.hpp"

namespace andiron::train {

/// The bytes of an image file; `owner` keeps them.
struct ImageBytes {
  std::span<const std::byte> bytes;
  std::shared_ptr<Buffer> owner;
};

/// Where the bytes of images come from. Thread safety: `read` from many threads.
class ImageStore {
 public:
  virtual ~ImageStore() = default;
  virtual int64_t size() const = 0;
  /// REQUIRES 0 <= i < size().
  virtual Result<ImageBytes> read(int64_t i) const = 0;
  /// How messages call the image: its path, or its row.
  virtual std::string name(int64_t i) const = 0;
  /// For checkpoints: the names of files, or the bytes themselves.
  virtual uint64_t digest() const = 0;
};

/// Files, read when they are needed. One of more than a gigabyte is refused.
std::shared_ptr<ImageStore> image_files(std::vector<std::string> paths);

/// Row i is data[offsets[i], offsets[i + 1]); a null where valid[i] is 0. data: uint8, offsets:
/// int64 [rows + 1], valid: uint8 [rows] or undefined. Throws Error when offsets leave the data.
std::shared_ptr<ImageStore> image_column(Tensor data, Tensor offsets, Tensor valid);

}  // namespace andiron::train
