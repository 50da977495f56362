#include "andiron/images/jpeg_sequential.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "andiron/base/isa.hpp"
#include "andiron/base/philox.hpp"
#include "andiron/images/decode.hpp"
#include "andiron/images/images_testing.hpp"

// libjpeg is the judge: the same bits for every kind of file, at every scale, in every window.
namespace andiron::images {
namespace {

using namespace testing;

// Asks for the window that it is given.
class Asks : public Wanted {
 public:
  Asks(unsigned divisor, Window window) : divisor_(divisor), window_(window) {}
  void begin(const Header& header, DecodeOptions& options) override {
    options.min_width = (header.width + divisor_ - 1) / divisor_;
    options.min_height = (header.height + divisor_ - 1) / divisor_;
    if (divisor_ == 1) options.min_width = options.min_height = 0;
  }
  Window part(int64_t width, int64_t height) override {
    if (window_.width == 0) window_ = {0, 0, width, height};
    return window_;
  }

 private:
  unsigned divisor_;
  Window window_;
};

void expect_part(const Image& part, const Decoded& at, const Window& wanted, const Image& whole,
                 const std::string& what) {
  ASSERT_EQ(at.width, whole.width()) << what;
  ASSERT_EQ(at.height, whole.height()) << what;
  ASSERT_LE(at.x, wanted.x) << what;
  ASSERT_LE(at.y, wanted.y) << what;
  ASSERT_GE(at.x + part.width(), wanted.x + wanted.width) << what;
  ASSERT_GE(at.y + part.height(), wanted.y + wanted.height) << what;
  const int64_t c = whole.channels();
  ASSERT_EQ(part.channels(), c);
  for (int64_t y = 0; y < part.height(); ++y)
    ASSERT_EQ(std::memcmp(part.row(y), whole.row(at.y + y) + at.x * c,
                          static_cast<size_t>(part.row_bytes())),
              0)
        << what << ", row " << y << " from " << at.y;
}

struct Kind {
  std::string name;
  JpegKind kind;
  int64_t channels = 3;
};

std::vector<Kind> kinds() {
  return {{"4:2:0", {}},
          {"4:2:0 of low quality", {.quality = 20}},
          {"4:2:0 of the best quality", {.quality = 100, .own_codes = true}},
          {"4:2:2", {.quality = 80, .half_height = false}},
          {"4:4:4", {.quality = 75, .subsampled = false, .own_codes = true}},
          {"restarts", {.quality = 92, .restarts = 3}},
          {"grey", {.quality = 85}, 1}};
}

TEST(SequentialJpeg, whole_images_are_libjpegs) {
  Image out;
  for (const Kind& k : kinds())
    for (const auto& [width, height] :
         {std::pair{1, 1}, {5, 4}, {6, 7}, {16, 16}, {17, 33}, {64, 48}, {79, 50}, {130, 97}}) {
      const File file = jpeg_of(picture(width, height, k.channels), k.kind);
      for (const unsigned divisor : {1U, 2U, 4U, 8U}) {
        const std::string what = fmt::format("{} {} x {} / {}", k.name, width, height, divisor);
        Asks asks(divisor, {});
        const Result<Decoded> done = decode(file, {}, asks, out);
        ASSERT_TRUE(done) << what;
        const Image wanted = by_libjpeg(file, divisor);
        expect_part(out, done.value(), {0, 0, wanted.width(), wanted.height()}, wanted, what);
        if (k.channels > 1) continue;
        const Result<Decoded> grey = decode(file, {.colour = Colour::grey}, asks, out);
        expect_part(out, grey.value(), {0, 0, wanted.width(), wanted.height()},
                    by_libjpeg(file, divisor, true), what);
      }
    }
}

TEST(SequentialJpeg, windows_are_cut_from_the_whole) {
  Image out;
  const Philox philox{7};
  uint64_t at = 0;
  const auto below = [&](int64_t n) { return static_cast<int64_t>(philox(at++)[0] % n); };
  for (const Kind& k : kinds()) {
    const File file = jpeg_of(picture(141, 118, k.channels), k.kind);
    for (const unsigned divisor : {1U, 2U, 4U, 8U}) {
      const Image whole = by_libjpeg(file, divisor);
      for (int i = 0; i < 60; ++i) {
        const int64_t x = below(whole.width()), y = below(whole.height());
        const Window window = {x, y, 1 + below(whole.width() - x), 1 + below(whole.height() - y)};
        Asks asks(divisor, window);
        const Result<Decoded> done = decode(file, {}, asks, out);
        ASSERT_TRUE(done);
        // It was this decoder; libjpeg alone has pixels of one sample that are not square.
        if (k.name != "4:2:2" || divisor < 8) {
          EXPECT_LE(out.width(), window.width + 1);
        }
        expect_part(out, done.value(), window, whole,
                    fmt::format("{} / {}: {} x {} from {}, {}", k.name, divisor, window.width,
                                window.height, window.x, window.y));
      }
    }
  }
}

// Photos large enough that blocks are skipped by table.
TEST(SequentialJpeg, a_large_image_at_an_eighth) {
  Image out;
  for (const int quality : {30, 97}) {
    const File file = jpeg_of(picture(1500, 1100), {.quality = quality, .own_codes = quality > 90});
    Asks asks(8, {});
    const Result<Decoded> done = decode(file, {}, asks, out);
    ASSERT_TRUE(done);
    const Image wanted = by_libjpeg(file, 8);
    expect_part(out, done.value(), {0, 0, wanted.width(), wanted.height()}, wanted, "an eighth");
    Asks corner(1, {700, 500, 40, 30});
    const Result<Decoded> part = decode(file, {}, corner, out);
    expect_part(out, part.value(), {700, 500, 40, 30}, by_libjpeg(file), "a corner");
  }
}

// Damage of the scan is found, or changes pixels as it does in libjpeg. (With other tables
// coefficients leave 16 bits, and either has pixels of its own.)
TEST(SequentialJpeg, damaged_scans_are_libjpegs) {
  Image out;
  for (const JpegKind kind : {JpegKind{}, JpegKind{.restarts = 1}, JpegKind{.subsampled = false}}) {
    const File file = jpeg_of(picture(36, 20), kind);
    const std::byte start[] = {std::byte{0xFF}, std::byte{0xDA}};
    const auto scan = std::search(file.begin(), file.end(), std::begin(start), std::end(start));
    int64_t read = 0;
    for_each_damage(file, [&](const File& damaged) {
      const auto [at, of] = std::mismatch(file.begin(), scan, damaged.begin(), damaged.end());
      if (at != scan) return;
      if (!decode(damaged, {}, out)) return;
      ++read;
      const Image wanted = by_libjpeg(damaged);
      ASSERT_EQ(out.n_bytes(), wanted.n_bytes());
      ASSERT_EQ(std::memcmp(out.data(), wanted.data(), static_cast<size_t>(out.n_bytes())), 0);
    });
    EXPECT_GT(read, 100);
  }
}

TEST(SequentialJpeg, truncation_below_the_window_is_found) {
  Image out;
  const File file = jpeg_of(picture(64, 200));
  const Window top = {8, 8, 40, 40};
  for (size_t n = file.size() / 2; n < file.size() - 2; ++n) {
    Asks asks(1, top);
    ASSERT_FALSE(decode(std::span(file).first(n), {}, asks, out)) << n;
  }
}

TEST(SequentialJpeg, both_instruction_sets_give_the_same_pixels) {
  if (!has_isa(Isa::avx512)) GTEST_SKIP() << "no AVX-512";
  const Philox philox{3};
  alignas(32) int16_t blocks[2][2][64];
  uint16_t steps[64];
  for (uint64_t round = 0; round < 200; ++round) {
    for (uint64_t i = 0; i < 128; ++i) {
      const uint32_t r = philox(round * 128 + i)[0];
      blocks[0][i / 64][i % 64] = blocks[1][i / 64][i % 64] =
          static_cast<int16_t>(r % 3 == 0 ? static_cast<int>(r % 301) - 150 : 0);
      steps[i % 64] = static_cast<uint16_t>(1 + r % 9);
    }
    uint8_t pixels[2][2][64] = {};
    for (int isa = 0; isa < 2; ++isa) {
      const jpeg::Kernels& k = isa == 0 ? jpeg::avx2::kernels : jpeg::avx512::kernels;
      const auto pixels_of = round % 3 == 0 ? k.pixels8 : round % 3 == 1 ? k.pixels4 : k.pixels2;
      pixels_of({blocks[isa][0], steps, pixels[isa][0], 8, false},
                {blocks[isa][1], steps, pixels[isa][1], 8, false});
    }
    ASSERT_EQ(std::memcmp(pixels[0], pixels[1], sizeof(pixels[0])), 0);
  }
}

}  // namespace
}  // namespace andiron::images
