#include "andiron/images/decode.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "andiron/images/images_testing.hpp"
#include "andiron/images/pipeline.hpp"

namespace andiron::images {
namespace {

using namespace testing;

bool same(const Image& a, const Image& b) {
  return a.width() == b.width() && a.height() == b.height() && a.channels() == b.channels() &&
         std::memcmp(a.data(), b.data(), static_cast<size_t>(a.n_bytes())) == 0;
}

TEST(DecodeImage, lossless_files_come_back) {
  const Image rgb = picture(37, 23), grey = picture(37, 23, 1);
  Image out;
  for (const File& file : {png_of(rgb), png_of(rgb, true), webp_of(rgb), pnm_of(rgb)}) {
    ASSERT_TRUE(decode(file, {}, out));
    EXPECT_TRUE(same(out, rgb));
  }
  for (const File& file : {png_of(grey), pnm_of(grey)}) {
    ASSERT_TRUE(decode(file, {.colour = Colour::grey}, out));
    EXPECT_TRUE(same(out, grey));
  }
}

TEST(DecodeImage, orientation_turns_the_image_and_its_header) {
  Image plain, turned;
  const Image src = picture(40, 24);
  ASSERT_TRUE(decode(jpeg_of(src), {}, plain));
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const File file = jpeg_of(src, {.orientation = orientation});
    const Result<Header> header = decode(file, {}, turned);
    ASSERT_TRUE(header);
    EXPECT_EQ(header.value().orientation, orientation);
    EXPECT_EQ(turned.width(), orientation < 5 ? 40 : 24);
    EXPECT_EQ(header.value().width, turned.width());
    EXPECT_EQ(read_header(file).value().width, turned.width());
    // Where the top left pixel goes.
    const bool right = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
    const bool down = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
    const uint8_t* corner =
        turned.row(down ? turned.height() - 1 : 0) + (right ? turned.width() - 1 : 0) * 3;
    EXPECT_EQ(std::memcmp(corner, plain.data(), 3), 0) << orientation;
  }
}

TEST(DecodeImage, limits_hold_before_memory_is_taken) {
  File file = png_of(picture(13, 9));
  Image out;
  const Result<Header> done = decode(file, {.max_pixels = 13 * 9 - 1}, out);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.failure().message(),
              ::testing::HasSubstr("13 x 9 pixels, more than max_pixels"));
  EXPECT_EQ(out.n_bytes(), 0);
}

// The suite under AddressSanitizer runs these: no damage may do more than fail.
TEST(DecodeImage, every_byte_changed_and_every_truncation) {
  DecodeOptions options = {.max_pixels = 1 << 16};
  Image out;
  for (const auto& [name, file] : small_files()) {
    ASSERT_TRUE(decode(file, options, out)) << name;
    int64_t failed = 0, read = 0;
    for_each_damage(file, [&](const File& damaged) {
      const Result<Header> done = decode(damaged, options, out);
      if (done) {
        ++read;
        EXPECT_LE(out.width() * out.height(), options.max_pixels);
      } else {
        ++failed;
        EXPECT_FALSE(done.failure().message().empty());
      }
    });
    EXPECT_GT(failed, 0) << name;
  }
}

TEST(DecodeImage, damaged_files_of_other_options) {
  Image out;
  DecodeOptions options = {.max_pixels = 1 << 16};
  options.background = {{1, 2, 3}};
  options.allow_truncated = true;
  options.colour = Colour::grey;
  options.min_width = options.min_height = 3;
  for (const auto& [name, file] : small_files())
    for_each_damage(file, [&](const File& damaged) {
      if (const Result<Header> done = decode(damaged, options, out)) {
        EXPECT_EQ(out.channels(), 1) << name;
      }
    });
}

TEST(DecodeImage, truncation_is_never_taken_for_a_whole_image) {
  Image whole, out;
  for (const auto& [name, file] : small_files()) {
    if (name.starts_with("png")) continue;  // its last chunk says nothing about pixels
    ASSERT_TRUE(decode(file, {}, whole));
    for (size_t n = 0; n < file.size(); ++n) {
      const File cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(n));
      // What is read in spite of missing bytes (an end marker, say) is the whole image.
      if (decode(cut, {}, out)) {
        EXPECT_TRUE(same(out, whole)) << name << " cut at " << n;
      }
    }
  }
}

}  // namespace
}  // namespace andiron::images
