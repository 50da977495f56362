#include "andiron/train/data/image_mix.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "andiron/images/random_stream.hpp"

namespace andiron::train {

namespace {

using images::RandomStream;

double normal(RandomStream& random) {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - random.uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * random.uniform());
}

// Marsaglia & Tsang, "A simple method for generating gamma variables", 2000.
double gamma(double shape, RandomStream& random) {
  if (shape < 1.0)
    return gamma(shape + 1.0, random) * std::pow(1.0 - random.uniform(), 1.0 / shape);
  const double d = shape - 1.0 / 3.0, c = 1.0 / std::sqrt(9.0 * d);
  for (;;) {
    const double x = normal(random), root = 1.0 + c * x;
    if (root <= 0.0) continue;
    const double v = root * root * root;
    if (std::log(1.0 - random.uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

double beta(double alpha, RandomStream& random) {
  const double a = gamma(alpha, random), b = gamma(alpha, random);
  return a + b > 0.0 ? a / (a + b) : 0.5;
}

void blend(float* a, float* b, int64_t n, float ratio) {
  for (int64_t i = 0; i < n; ++i) {
    const float x = a[i], y = b[i];
    a[i] = ratio * x + (1.0F - ratio) * y;
    b[i] = ratio * y + (1.0F - ratio) * x;
  }
}

}  // namespace

void mix_images(const ImageRows& r, const MixOptions& options, uint64_t key) {
  RandomStream random(key, 0, 0);
  const bool cut = options.cutmix > 0 && (options.mixup <= 0 || random.happens(0.5));
  double ratio = beta(cut ? options.cutmix : options.mixup, random);
  int64_t x0 = 0, x1 = 0, y0 = 0, y1 = 0;
  if (cut) {  // a box of 1 - ratio of the area, cut off at the edges; the ratio follows
    const double side = std::sqrt(1.0 - ratio);
    const auto half_w = static_cast<int64_t>(static_cast<double>(r.width) * side / 2.0);
    const auto half_h = static_cast<int64_t>(static_cast<double>(r.height) * side / 2.0);
    const int64_t x = random.below(r.width), y = random.below(r.height);
    x0 = std::max<int64_t>(0, x - half_w), x1 = std::min(r.width, x + half_w);
    y0 = std::max<int64_t>(0, y - half_h), y1 = std::min(r.height, y + half_h);
    ratio =
        1.0 - static_cast<double>((x1 - x0) * (y1 - y0)) / static_cast<double>(r.width * r.height);
  }
  const int64_t size = r.channels * r.height * r.width;
  for (int64_t i = 0; i < r.n / 2; ++i) {
    float *a = r.images + i * size, *b = r.images + (r.n - 1 - i) * size;
    if (!cut) {
      blend(a, b, size, static_cast<float>(ratio));
    } else {
      const int64_t planes = r.channels_first ? r.channels : 1, each = r.channels / planes;
      for (int64_t p = 0; p < planes; ++p)
        for (int64_t y = y0; y < y1; ++y) {
          const int64_t row = ((p * r.height + y) * r.width) * each;
          std::swap_ranges(a + row + x0 * each, a + row + x1 * each, b + row + x0 * each);
        }
    }
    blend(r.labels + i * r.classes, r.labels + (r.n - 1 - i) * r.classes, r.classes,
          static_cast<float>(ratio));
  }
}

}  // namespace andiron::train
