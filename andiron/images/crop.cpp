#include "andiron/images/crop.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace andiron::images {

namespace {

// Half to even, as Python rounds.
int64_t rounded(double x) { return static_cast<int64_t>(std::nearbyint(x)); }

}  // namespace

Window size_after(const Resize& step, int64_t width, int64_t height) {
  if (step.height > 0) return {0, 0, step.width, step.height};
  const auto longer = [&](int64_t a, int64_t b) {
    return std::max<int64_t>(
        1, static_cast<int64_t>(static_cast<double>(step.width) * static_cast<double>(a) /
                                static_cast<double>(b)));
  };
  if (width <= height) return {0, 0, step.width, longer(height, width)};
  return {0, 0, longer(width, height), step.width};
}

Window middle(const CenterCrop& step, int64_t width, int64_t height) {
  const auto start = [](int64_t whole, int64_t part) {
    if (whole < part) return -((part - whole) / 2);
    return rounded(static_cast<double>(whole - part) / 2.0);
  };
  return {start(width, step.width), start(height, step.height), step.width, step.height};
}

Window draw_part(const RandomResizedCrop& step, int64_t width, int64_t height,
                 RandomStream& random) {
  const double area = static_cast<double>(width) * static_cast<double>(height);
  const double log_low = std::log(step.ratio[0]), log_high = std::log(step.ratio[1]);
  for (int i = 0; i < 10; ++i) {
    const double part = area * random.uniform(step.scale[0], step.scale[1]);
    const double ratio = std::exp(random.uniform(log_low, log_high));
    const int64_t w = rounded(std::sqrt(part * ratio)), h = rounded(std::sqrt(part / ratio));
    if (w < 1 || w > width || h < 1 || h > height) continue;
    const int64_t y = random.below(height - h + 1), x = random.below(width - w + 1);
    return {x, y, w, h};
  }
  int64_t w = width, h = height;
  const double ratio = static_cast<double>(width) / static_cast<double>(height);
  if (ratio < step.ratio[0])
    h = std::min(height, rounded(static_cast<double>(w) / step.ratio[0]));
  else if (ratio > step.ratio[1])
    w = std::min(width, rounded(static_cast<double>(h) * step.ratio[1]));
  w = std::max<int64_t>(w, 1);
  h = std::max<int64_t>(h, 1);
  return {(width - w) / 2, (height - h) / 2, w, h};
}

void crop(const Image& src, const Window& window, Image& dst) {
  const int64_t c = src.channels();
  dst.reset(window.width, window.height, c);
  const int64_t left = std::clamp<int64_t>(-window.x, 0, window.width);
  const int64_t right = std::clamp<int64_t>(src.width() - window.x, left, window.width);
  for (int64_t y = 0; y < window.height; ++y) {
    uint8_t* to = dst.row(y);
    const int64_t from = window.y + y;
    if (from < 0 || from >= src.height()) {
      std::memset(to, 0, static_cast<size_t>(dst.row_bytes()));
      continue;
    }
    std::memset(to, 0, static_cast<size_t>(left * c));
    std::copy_n(src.row(from) + (window.x + left) * c, (right - left) * c, to + left * c);
    std::memset(to + right * c, 0, static_cast<size_t>((window.width - right) * c));
  }
}

}  // namespace andiron::images
