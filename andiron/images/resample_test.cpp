#include "andiron/images/resample.hpp"

#include <gtest/gtest.h>

#include "andiron/base/isa.hpp"
#include "andiron/base/philox.hpp"
#include "andiron/images/crop.hpp"
#include "andiron/images/images_testing.hpp"
#include "andiron/images/normalize_table.hpp"
#include "andiron/images/resample_table.hpp"

// Pillow judges the results in tests/python/images_resize_test.py; here kernels are compared with
// plain loops, and parts with the whole.
namespace andiron::images {
namespace {

using testing::picture;

struct Kernels {
  Isa isa;
  const ResampleKernels* resample;
  ToPlanes to_planes;
};

std::vector<Kernels> all_kernels() {
  std::vector<Kernels> found = {{Isa::avx2, &avx2::resample_kernels, avx2::rgb_to_planes}};
  if (has_isa(Isa::avx512))
    found.push_back({Isa::avx512, &avx512::resample_kernels, avx512::rgb_to_planes});
  return found;
}

// Weights that sum to about 1, some negative, and one larger than 1.
std::vector<int32_t> some_weights(int64_t n, uint64_t seed) {
  std::vector<int32_t> weights;
  for (int64_t i = 0; i < n; ++i) {
    const double u = uniform_float(Philox{seed}(static_cast<uint64_t>(i))[0]);
    const double w = i == 0 ? 1.3 : (u - 0.5) / static_cast<double>(n);
    weights.push_back(static_cast<int32_t>(w * (1 << kWeightBits)));
  }
  return weights;
}

uint8_t expected(int64_t sum) {
  const int64_t rounded = (sum + (1 << (kWeightBits - 1))) >> kWeightBits;
  return static_cast<uint8_t>(std::clamp<int64_t>(rounded, 0, 255));
}

std::vector<int32_t> packed(const Kernels& k, const std::vector<int32_t>& weights) {
  std::vector<int32_t> words(weights.size());
  for (size_t i = 0; i < weights.size(); i += kGroup)
    k.resample->pack(weights.data() + i, words.data() + i);
  return words;
}

TEST(ResampleKernels, vertical_is_the_plain_sum) {
  for (const Kernels& k : all_kernels())
    for (const int64_t count : {1, 2, 3, 4, 5, 8, 11}) {
      const Image src = picture(45, count, 3, static_cast<uint64_t>(count));
      std::vector<int32_t> weights = some_weights(count, 5);
      weights.resize(static_cast<size_t>((count + 3) / 4 * 4), 0);
      Image dst(45, 1, 3);
      k.resample->vertical(src.data(), src.row_bytes(), packed(k, weights).data(), count,
                           dst.data(), dst.row_bytes());
      for (int64_t x = 0; x < dst.row_bytes(); ++x) {
        int64_t sum = 0;
        for (int64_t y = 0; y < count; ++y)
          sum += int64_t{src.row(y)[x]} * weights[static_cast<size_t>(y)];
        ASSERT_EQ(dst.data()[x], expected(sum)) << x << " of " << count;
      }
    }
}

TEST(ResampleKernels, horizontal_is_the_plain_sum) {
  for (const Kernels& k : all_kernels())
    for (const int64_t rows : {1, 2, 3, 4, 7}) {
      const int64_t n = 19, groups = 3;
      const Image src = picture(60, rows);
      std::vector<int32_t> first, count, plain;
      for (int64_t i = 0; i < n; ++i) {
        count.push_back(static_cast<int32_t>(1 + i % 12));
        first.push_back(static_cast<int32_t>(std::min<int64_t>(3 * i, 60 - count.back())));
        std::vector<int32_t> w = some_weights(count.back(), static_cast<uint64_t>(i));
        w.resize(static_cast<size_t>(groups * kGroup), 0);
        plain.insert(plain.end(), w.begin(), w.end());
      }
      const std::vector<int32_t> words = packed(k, plain);
      const Taps taps = {first.data(), count.data(), plain.data(), words.data(), groups};
      Image dst(n, rows, 3);
      k.resample->horizontal_rgb(src.data(), src.row_bytes(), rows, taps, n, dst.data(),
                                 dst.row_bytes());
      for (int64_t y = 0; y < rows; ++y)
        for (int64_t x = 0; x < n; ++x)
          for (int64_t c = 0; c < 3; ++c) {
            int64_t sum = 0;
            for (int64_t t = 0; t < count[static_cast<size_t>(x)]; ++t)
              sum += int64_t{src.row(y)[(first[static_cast<size_t>(x)] + t) * 3 + c]} *
                     plain[static_cast<size_t>(x * groups * kGroup + t)];
            ASSERT_EQ(dst.row(y)[x * 3 + c], expected(sum)) << x << "," << y;
          }
    }
}

TEST(ResampleKernels, planes_are_scaled_pixels) {
  const float scale[3] = {1.0F / 255, 0.5F, 2.0F}, shift[3] = {-1.0F, 0.25F, 3.0F};
  for (const Kernels& k : all_kernels())
    for (const int64_t n : {1, 15, 16, 17, 40}) {
      const Image src = picture(n, 1);
      std::vector<float> planes(static_cast<size_t>(3 * n + 1), -7.0F);
      k.to_planes(src.data(), n, scale, shift, planes.data(), planes.data() + n,
                  planes.data() + 2 * n);
      for (int64_t i = 0; i < n; ++i)
        for (int64_t c = 0; c < 3; ++c)
          ASSERT_EQ(planes[static_cast<size_t>(c * n + i)],
                    std::fma(static_cast<float>(src.data()[3 * i + c]), scale[c], shift[c]));
      EXPECT_EQ(planes.back(), -7.0F);
    }
}

TEST(Resample, a_window_is_cut_from_the_whole) {
  for (const Filter filter : {Filter::nearest, Filter::box, Filter::bilinear, Filter::lanczos})
    for (const auto& [w, h] : {std::pair{31, 22}, std::pair{90, 80}, std::pair{53, 20}}) {
      const Image src = picture(53, 40);
      Image scratch, whole, part;
      const Box box = {1.5F, 0.25F, 50.0F, 39.0F};
      const Window window = {5, 3, w - 9, h - 7};
      resample({src, 0, 0, 53, 40}, box, w, h, {0, 0, w, h}, filter, scratch, whole);
      // From no more pixels than it says that it takes.
      const Window taken = sources(53, 40, box, w, h, window, filter);
      Image source;
      crop(src, taken, source);
      EXPECT_LT(source.n_bytes(), src.n_bytes());
      resample({source, taken.x, taken.y, 53, 40}, box, w, h, window, filter, scratch, part);
      for (int64_t y = 0; y < part.height(); ++y)
        ASSERT_EQ(
            std::memcmp(part.row(y), whole.row(y + 3) + 15, static_cast<size_t>(part.row_bytes())),
            0)
            << name_of(filter) << " row " << y;
    }
}

TEST(Resample, one_colour_stays_one_colour) {
  Image src(40, 30, 3), scratch, dst;
  std::fill_n(src.data(), src.n_bytes(), uint8_t{77});
  for (const Filter filter : {Filter::box, Filter::bicubic, Filter::lanczos}) {
    resize(src, 17, 55, filter, scratch, dst);
    for (int64_t i = 0; i < dst.n_bytes(); ++i) ASSERT_EQ(dst.data()[i], 77) << name_of(filter);
  }
}

}  // namespace
}  // namespace andiron::images
