#include "andiron/images/colour.hpp"

#include <algorithm>
#include <cmath>

namespace andiron::images {

namespace {

uint8_t luma(const uint8_t* p) {
  return static_cast<uint8_t>((p[0] * 19595U + p[1] * 38470U + p[2] * 7471U + 0x8000U) >> 16);
}

// Pillow's Image.blend: from `other` towards `x` by a float factor, cut off.
inline uint8_t blend(int other, int x, float factor) {
  const float value = static_cast<float>(other) + factor * static_cast<float>(x - other);
  return static_cast<uint8_t>(std::clamp(value, 0.0F, 255.0F));
}

struct Hsv {
  uint8_t h, s, v;
};

Hsv to_hsv(const uint8_t* p) {
  const int r = p[0], g = p[1], b = p[2];
  const int high = std::max({r, g, b}), low = std::min({r, g, b});
  if (high == low) return {0, 0, static_cast<uint8_t>(high)};
  const auto range = static_cast<float>(high - low);
  const float s = range / static_cast<float>(high);
  const float rc = static_cast<float>(high - r) / range, gc = static_cast<float>(high - g) / range,
              bc = static_cast<float>(high - b) / range;
  // Floats where Pillow has floats, doubles where it has those.
  float h = 0;
  if (r == high)
    h = bc - gc;
  else if (g == high)
    h = static_cast<float>(2.0 + rc - bc);
  else
    h = static_cast<float>(4.0 + gc - rc);
  h = static_cast<float>(std::fmod(h / 6.0 + 1.0, 1.0));
  const auto byte = [](double x) {
    return static_cast<uint8_t>(std::clamp(static_cast<int>(x), 0, 255));
  };
  return {byte(h * 255.0), byte(s * 255.0), static_cast<uint8_t>(high)};
}

void from_hsv(const Hsv& hsv, uint8_t* p) {
  const uint8_t v = hsv.v;
  if (hsv.s == 0) {
    p[0] = p[1] = p[2] = v;
    return;
  }
  const double sixth = static_cast<float>(hsv.h) * 6.0 / 255.0;
  const int i = static_cast<int>(std::floor(sixth));
  const auto f = static_cast<float>(sixth - static_cast<float>(i));
  const auto fs = static_cast<float>(static_cast<float>(hsv.s) / 255.0);
  const auto byte = [&](double part) {
    return static_cast<uint8_t>(
        std::clamp(static_cast<int>(std::round(static_cast<float>(v) * part)), 0, 255));
  };
  const uint8_t low = byte(1.0 - fs), falling = byte(1.0 - fs * f),
                rising = byte(1.0 - fs * (1.0 - f));
  const uint8_t by_sixth[6][3] = {{v, rising, low},  {falling, v, low}, {low, v, rising},
                                  {low, falling, v}, {rising, low, v},  {v, low, falling}};
  std::copy_n(by_sixth[i % 6], 3, p);
}

}  // namespace

void adjust_brightness(Image& image, double factor) {
  uint8_t table[256];
  for (int x = 0; x < 256; ++x) table[x] = blend(0, x, static_cast<float>(factor));
  for (int64_t i = 0; i < image.n_bytes(); ++i) image.data()[i] = table[image.data()[i]];
}

void adjust_contrast(Image& image, double factor) {
  const int64_t n = image.width() * image.height();
  uint64_t sum = 0;
  if (image.channels() == 3)
    for (int64_t i = 0; i < n; ++i) sum += luma(image.data() + 3 * i);
  else
    for (int64_t i = 0; i < n; ++i) sum += image.data()[i];
  const int mean = static_cast<int>(static_cast<double>(sum) / static_cast<double>(n) + 0.5);
  uint8_t table[256];
  for (int x = 0; x < 256; ++x) table[x] = blend(mean, x, static_cast<float>(factor));
  for (int64_t i = 0; i < image.n_bytes(); ++i) image.data()[i] = table[image.data()[i]];
}

void adjust_saturation(Image& image, double factor) {
  if (image.channels() != 3) return;
  const int64_t n = image.width() * image.height();
  uint8_t* p = image.data();
  for (int64_t i = 0; i < n; ++i, p += 3) {
    const int grey = luma(p);
    for (int c = 0; c < 3; ++c) p[c] = blend(grey, p[c], static_cast<float>(factor));
  }
}

void adjust_hue(Image& image, double turn) {
  if (image.channels() != 3) return;
  const int64_t n = image.width() * image.height();
  const auto shift = static_cast<uint8_t>(static_cast<int>(turn * 255));  // wraps
  uint8_t* p = image.data();
  for (int64_t i = 0; i < n; ++i, p += 3) {
    Hsv hsv = to_hsv(p);
    hsv.h = static_cast<uint8_t>(hsv.h + shift);
    from_hsv(hsv, p);
  }
}

void jitter(Image& image, const ColourJitter& step, RandomStream& random) {
  int order[4] = {0, 1, 2, 3};
  for (int i = 3; i > 0; --i) std::swap(order[i], order[random.below(i + 1)]);
  for (const int which : order) {
    const auto& range = which == 0   ? step.brightness
                        : which == 1 ? step.contrast
                        : which == 2 ? step.saturation
                                     : step.hue;
    const double none = which == 3 ? 0.0 : 1.0;
    if (range[0] == none && range[1] == none) continue;
    const double factor = random.uniform(range[0], range[1]);
    if (which == 0)
      adjust_brightness(image, factor);
    else if (which == 1)
      adjust_contrast(image, factor);
    else if (which == 2)
      adjust_saturation(image, factor);
    else
      adjust_hue(image, factor);
  }
}

}  // namespace andiron::images
