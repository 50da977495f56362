#include "andiron/images/augment.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "andiron/images/colour.hpp"

namespace andiron::images {

namespace {

using Table = std::array<uint8_t, 256>;

// table[c] maps channel c.
void look_up(Image& image, const std::array<Table, 3>& tables) {
  const int64_t c = image.channels(), n = image.width() * image.height();
  uint8_t* p = image.data();
  for (int64_t i = 0; i < n; ++i)
    for (int64_t k = 0; k < c; ++k, ++p) *p = tables[static_cast<size_t>(k)][*p];
}

using Histogram = std::array<int64_t, 256>;

std::array<Histogram, 3> histograms(const Image& image) {
  std::array<Histogram, 3> found = {};
  const int64_t c = image.channels(), n = image.width() * image.height();
  const uint8_t* p = image.data();
  for (int64_t i = 0; i < n; ++i)
    for (int64_t k = 0; k < c; ++k, ++p) ++found[static_cast<size_t>(k)][*p];
  return found;
}

Table identity() {
  Table table;
  for (size_t i = 0; i < 256; ++i) table[i] = static_cast<uint8_t>(i);
  return table;
}

}  // namespace

void affine(const Image& src, const std::array<double, 6>& m, Image& dst) {
  const int64_t width = src.width(), height = src.height(), c = src.channels();
  dst.reset(width, height, c);
  // 16 fractional bits, as Pillow's, for the same pixels.
  const auto fixed = [](double x) { return static_cast<int64_t>(std::floor(x * 65536.0 + 0.5)); };
  const int64_t a = fixed(m[0]), b = fixed(m[1]), d = fixed(m[3]), e = fixed(m[4]);
  int64_t left_x = fixed(m[2] + m[0] * 0.5 + m[1] * 0.5);
  int64_t left_y = fixed(m[5] + m[3] * 0.5 + m[4] * 0.5);
  for (int64_t y = 0; y < height; ++y, left_x += b, left_y += e) {
    uint8_t* to = dst.row(y);
    int64_t at_x = left_x, at_y = left_y;
    for (int64_t x = 0; x < width; ++x, to += c, at_x += a, at_y += d) {
      const int64_t from_x = at_x >> 16, from_y = at_y >> 16;
      if (from_x >= 0 && from_x < width && from_y >= 0 && from_y < height)
        std::copy_n(src.row(from_y) + from_x * c, c, to);
      else
        std::fill_n(to, c, uint8_t{0});
    }
  }
}

void adjust_sharpness(Image& image, double factor, Image& scratch) {
  const int64_t width = image.width(), height = image.height(), c = image.channels();
  scratch.reset(width, height, c);
  const float f = static_cast<float>(factor);
  for (int64_t y = 0; y < height; ++y) {
    const uint8_t* here = image.row(y);
    uint8_t* to = scratch.row(y);
    if (y == 0 || y == height - 1) {  // edges stay
      std::copy_n(here, image.row_bytes(), to);
      continue;
    }
    const uint8_t *above = image.row(y - 1), *below = image.row(y + 1);
    for (int64_t i = 0; i < image.row_bytes(); ++i) {
      if (i < c || i >= image.row_bytes() - c) {
        to[i] = here[i];
        continue;
      }
      const int sum = above[i - c] + above[i] + above[i + c] + here[i - c] + 5 * here[i] +
                      here[i + c] + below[i - c] + below[i] + below[i + c];
      const int smooth = (2 * sum + 13) / 26;  // sum / 13, rounded
      const float value = static_cast<float>(smooth) + f * static_cast<float>(here[i] - smooth);
      to[i] = static_cast<uint8_t>(std::clamp(value, 0.0F, 255.0F));
    }
  }
  std::swap(image, scratch);
}

void posterize(Image& image, int bits) {
  const auto mask = static_cast<uint8_t>(~((1 << (8 - bits)) - 1));
  for (int64_t i = 0; i < image.n_bytes(); ++i) image.data()[i] &= mask;
}

void solarize(Image& image, double threshold) {
  for (int64_t i = 0; i < image.n_bytes(); ++i) {
    uint8_t& x = image.data()[i];
    if (x >= threshold) x = static_cast<uint8_t>(255 - x);
  }
}

void autocontrast(Image& image) {
  const auto counts = histograms(image);
  std::array<Table, 3> tables;
  for (size_t c = 0; c < 3; ++c) {
    tables[c] = identity();
    int low = 0, high = 255;
    while (low < 256 && counts[c][static_cast<size_t>(low)] == 0) ++low;
    while (high >= 0 && counts[c][static_cast<size_t>(high)] == 0) --high;
    if (high <= low) continue;
    const double scale = 255.0 / (high - low), offset = -low * scale;
    for (int x = 0; x < 256; ++x)
      tables[c][static_cast<size_t>(x)] =
          static_cast<uint8_t>(std::clamp(static_cast<int>(x * scale + offset), 0, 255));
  }
  look_up(image, tables);
}

void equalize(Image& image) {
  const auto counts = histograms(image);
  std::array<Table, 3> tables;
  for (size_t c = 0; c < 3; ++c) {
    tables[c] = identity();
    int64_t total = 0, last = 0, levels = 0;
    for (const int64_t n : counts[c])
      if (n > 0) total += n, last = n, ++levels;
    const int64_t step = (total - last) / 255;
    if (levels <= 1 || step == 0) continue;
    int64_t sum = step / 2;
    for (size_t x = 0; x < 256; ++x) {
      tables[c][x] = static_cast<uint8_t>(std::min<int64_t>(sum / step, 255));
      sum += counts[c][x];
    }
  }
  look_up(image, tables);
}

void rand_augment(Image& image, const RandAugment& step, RandomStream& random, Image& scratch) {
  const double part = static_cast<double>(step.magnitude) / static_cast<double>(step.bins - 1);
  const auto signed_by_chance = [&](double x) { return random.happens(0.5) ? -x : x; };
  const auto moved = [&](const std::array<double, 6>& matrix) {
    affine(image, matrix, scratch);
    std::swap(image, scratch);
  };
  const auto width = static_cast<double>(image.width()),
             height = static_cast<double>(image.height());
  for (int64_t i = 0; i < step.n; ++i) {
    switch (random.below(14)) {
      case 0:
        break;
      case 1:  // shear along x
        moved({1, -signed_by_chance(0.3 * part), 0, 0, 1, 0});
        break;
      case 2:  // along y
        moved({1, 0, 0, -signed_by_chance(0.3 * part), 1, 0});
        break;
      case 3:  // move along x
        moved({1, 0, -std::trunc(signed_by_chance(150.0 / 331.0 * width * part)), 0, 1, 0});
        break;
      case 4:  // along y
        moved({1, 0, 0, 0, 1, -std::trunc(signed_by_chance(150.0 / 331.0 * height * part))});
        break;
      case 5: {  // turn around the middle
        const double angle = -signed_by_chance(30.0 * part) * std::numbers::pi / 180.0;
        const double cx = width / 2.0, cy = height / 2.0;
        const double cos = std::cos(angle), sin = std::sin(angle);
        moved({cos, sin, cx - cx * cos - cy * sin, -sin, cos, cy + cx * sin - cy * cos});
        break;
      }
      case 6:
        adjust_brightness(image, 1.0 + signed_by_chance(0.9 * part));
        break;
      case 7:
        adjust_saturation(image, 1.0 + signed_by_chance(0.9 * part));
        break;
      case 8:
        adjust_contrast(image, 1.0 + signed_by_chance(0.9 * part));
        break;
      case 9:
        adjust_sharpness(image, 1.0 + signed_by_chance(0.9 * part), scratch);
        break;
      case 10:
        posterize(image,
                  8 - static_cast<int>(std::nearbyint(static_cast<double>(step.magnitude) /
                                                      (static_cast<double>(step.bins - 1) / 4.0))));
        break;
      case 11:
        solarize(image, 255.0 - 255.0 * part);
        break;
      case 12:
        autocontrast(image);
        break;
      default:
        equalize(image);
        break;
    }
  }
}

}  // namespace andiron::images
