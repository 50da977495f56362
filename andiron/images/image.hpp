#pragma once

#include <cstdint>
#include <memory>
#include <utility>

namespace andiron::images {

/// Pixels of 8 bits, row by row from the top, channels interleaved (HWC): 3 for RGB, 1 for grey
/// (4 inside of decoders). Rows lie densely. Kernels may read and write up to `kSlack` bytes behind
/// the last row. Reusing an image keeps its memory.
class Image {
 public:
  static constexpr int64_t kSlack = 128;

  Image() = default;
  Image(int64_t width, int64_t height, int64_t channels) { reset(width, height, channels); }

  /// Room for so many pixels, whose values are undefined.
  void reset(int64_t width, int64_t height, int64_t channels) {
    const int64_t n = width * height * channels + kSlack;
    if (n > capacity_) {
      data_ = std::make_unique_for_overwrite<uint8_t[]>(static_cast<size_t>(n));
      capacity_ = n;
    }
    width_ = width;
    height_ = height;
    channels_ = channels;
  }

  int64_t width() const { return width_; }
  int64_t height() const { return height_; }
  int64_t channels() const { return channels_; }
  int64_t row_bytes() const { return width_ * channels_; }
  int64_t n_bytes() const { return height_ * row_bytes(); }
  uint8_t* data() { return data_.get(); }
  const uint8_t* data() const { return data_.get(); }
  uint8_t* row(int64_t y) { return data_.get() + y * row_bytes(); }
  const uint8_t* row(int64_t y) const { return data_.get() + y * row_bytes(); }

 private:
  std::unique_ptr<uint8_t[]> data_;
  int64_t capacity_ = 0, width_ = 0, height_ = 0, channels_ = 0;
};

}  // namespace andiron::images
