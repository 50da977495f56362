#include "andiron/images/orient.hpp"

#include <algorithm>
#include <utility>

namespace andiron::images {

namespace {

// dst(y, x) = src(x, y), tile by tile, so that neither side walks down columns of a large image.
template <int kChannels>
void transpose(const Image& src, Image& dst) {
  constexpr int64_t kTile = 32;
  dst.reset(src.height(), src.width(), kChannels);
  for (int64_t y0 = 0; y0 < src.height(); y0 += kTile)
    for (int64_t x0 = 0; x0 < src.width(); x0 += kTile)
      for (int64_t x = x0; x < std::min(x0 + kTile, src.width()); ++x) {
        uint8_t* to = dst.row(x) + y0 * kChannels;
        for (int64_t y = y0; y < std::min(y0 + kTile, src.height()); ++y, to += kChannels)
          std::copy_n(src.row(y) + x * kChannels, kChannels, to);
      }
}

}  // namespace

void flip_vertically(Image& image) {
  for (int64_t y = 0; y < image.height() / 2; ++y)
    std::swap_ranges(image.row(y), image.row(y) + image.row_bytes(),
                     image.row(image.height() - 1 - y));
}

void flip_horizontally(Image& image) {
  const int64_t c = image.channels();
  for (int64_t y = 0; y < image.height(); ++y) {
    uint8_t *left = image.row(y), *right = image.row(y) + image.row_bytes() - c;
    if (c == 3)  // the compiler makes plain moves of a known number
      for (; left < right; left += 3, right -= 3) std::swap_ranges(left, left + 3, right);
    else
      for (; left < right; left += c, right -= c) std::swap_ranges(left, left + c, right);
  }
}

void orient(Image& image, int orientation, Image& scratch) {
  if (turns_sideways(orientation)) {
    switch (image.channels()) {
      case 1:
        transpose<1>(image, scratch);
        break;
      case 3:
        transpose<3>(image, scratch);
        break;
      default:
        transpose<4>(image, scratch);
        break;
    }
    std::swap(image, scratch);
  }
  // 5: transposed; 6: to be turned clockwise, 7: transverse; 8: counter-clockwise.
  switch (orientation) {
    case 2:
    case 6:
      return flip_horizontally(image);
    case 4:
    case 8:
      return flip_vertically(image);
    case 3:
    case 7:
      flip_horizontally(image);
      return flip_vertically(image);
    default:
      return;
  }
}

}  // namespace andiron::images
