#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "andiron/images/image.hpp"

// Images and files of them for tests, made by the codecs' own encoders.
namespace andiron::images::testing {

using File = std::vector<std::byte>;

/// A smooth picture with noise and an edge, drawn by `seed`.
Image picture(int64_t width, int64_t height, int64_t channels = 3, uint64_t seed = 0);

struct JpegKind {
  int quality = 90;
  bool progressive = false, subsampled = true;
  int restarts = 0;
  int orientation = 0;      ///< an EXIF block with it; 0: none
  bool half_height = true;  ///< 4:2:0, when it is subsampled; otherwise 4:2:2
  bool own_codes = false;   ///< Huffman codes made for the image
};
/// Grey, RGB or (4 channels) CMYK.
File jpeg_of(const Image& image, const JpegKind& kind = {});
/// What libjpeg itself makes of it at 1 / divisor of its size: RGB, or grey of a grey one.
Image by_libjpeg(const File& file, unsigned divisor = 1, bool grey = false);
/// Grey, RGB or RGBA of 8 bits.
File png_of(const Image& image, bool interlaced = false);
/// RGB or RGBA.
File webp_of(const Image& image, bool lossless = true);
/// P5 or P6.
File pnm_of(const Image& image);

/// name and file of each kind that is read, small.
std::vector<std::pair<std::string, File>> small_files();

/// Calls f with `file` cut at every length, and with every byte changed in several ways.
template <class F>
void for_each_damage(const File& file, F&& f) {
  File damaged;
  for (size_t n = 0; n < file.size(); ++n) {
    damaged.assign(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(n));
    f(damaged);
  }
  for (size_t i = 0; i < file.size(); ++i)
    for (const unsigned flip : {0x01U, 0x10U, 0x80U, 0xFFU}) {
      damaged = file;
      damaged[i] ^= static_cast<std::byte>(flip);
      f(damaged);
    }
}

}  // namespace andiron::images::testing
