#include "andiron/images/images_testing.hpp"

#include <png.h>
#include <webp/encode.h>

#include <cstdio>
#include <cstdlib>
// libjpeg's header needs <cstdio>.
#include <jpeglib.h>

#include <stdexcept>

#include "andiron/base/philox.hpp"

namespace andiron::images::testing {

Image picture(int64_t width, int64_t height, int64_t channels, uint64_t seed) {
  Image image(width, height, channels);
  const Philox philox{seed + 1};
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < channels; ++c) {
        const auto i = static_cast<uint64_t>((y * width + x) * channels + c);
        const int64_t smooth = (x * (c + 1) * 200 / width + y * 55 / height) % 256;
        const bool inside = x > width / 3 && x < width / 2 && y > height / 4 && y < height / 2;
        const int64_t noise = philox(i)[0] % 16;
        image.row(y)[x * channels + c] =
            static_cast<uint8_t>(inside ? 250 - 90 * c : std::min<int64_t>(255, smooth + noise));
      }
  return image;
}

namespace {

File file_of(const uint8_t* data, size_t n) {
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  return File(bytes, bytes + n);
}

// An EXIF block of one entry, little-endian.
std::vector<uint8_t> exif_of(int orientation) {
  std::vector<uint8_t> exif = {'E', 'x', 'i', 'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0};
  const uint8_t entry[] = {0x12, 1, 3, 0, 1, 0, 0, 0, static_cast<uint8_t>(orientation), 0, 0, 0};
  exif.insert(exif.end(), std::begin(entry), std::end(entry));
  exif.insert(exif.end(), {0, 0, 0, 0});
  return exif;
}

}  // namespace

File jpeg_of(const Image& image, const JpegKind& kind) {
  jpeg_compress_struct info = {};
  jpeg_error_mgr errors = {};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* data = nullptr;
  unsigned long n = 0;  // NOLINT: libjpeg's type
  jpeg_mem_dest(&info, &data, &n);
  info.image_width = static_cast<JDIMENSION>(image.width());
  info.image_height = static_cast<JDIMENSION>(image.height());
  info.input_components = static_cast<int>(image.channels());
  info.in_color_space = image.channels() == 1   ? JCS_GRAYSCALE
                        : image.channels() == 3 ? JCS_RGB
                                                : JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, kind.quality, TRUE);
  if (!kind.subsampled) info.comp_info[0].h_samp_factor = info.comp_info[0].v_samp_factor = 1;
  if (kind.subsampled && !kind.half_height && image.channels() == 3)
    info.comp_info[0].v_samp_factor = 1;
  info.optimize_coding = kind.own_codes ? TRUE : FALSE;
  if (kind.progressive) jpeg_simple_progression(&info);
  info.restart_interval = static_cast<unsigned>(kind.restarts);
  jpeg_start_compress(&info, TRUE);
  if (kind.orientation != 0) {
    const std::vector<uint8_t> exif = exif_of(kind.orientation);
    jpeg_write_marker(&info, JPEG_APP0 + 1, exif.data(), static_cast<unsigned>(exif.size()));
  }
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<uint8_t*>(image.row(info.next_scanline));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  File file = file_of(data, n);
  std::free(data);  // NOLINT: libjpeg's
  return file;
}

Image by_libjpeg(const File& file, unsigned divisor, bool grey) {
  jpeg_decompress_struct info = {};
  jpeg_error_mgr errors = {};
  info.err = jpeg_std_error(&errors);
  errors.output_message = [](j_common_ptr) {};
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(file.data()),
               static_cast<unsigned long>(file.size()));  // NOLINT: libjpeg's type
  jpeg_read_header(&info, TRUE);
  info.scale_denom = divisor;
  info.out_color_space = grey ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_start_decompress(&info);
  Image image(info.output_width, info.output_height, grey ? 1 : 3);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = image.row(info.output_scanline);
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_destroy_decompress(&info);
  return image;
}

File png_of(const Image& image, bool interlaced) {
  const png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  File file;
  png_set_write_fn(
      png, &file,
      [](png_structp p, png_bytep data, size_t n) {
        auto& out = *static_cast<File*>(png_get_io_ptr(p));
        const auto* bytes = reinterpret_cast<const std::byte*>(data);
        out.insert(out.end(), bytes, bytes + n);
      },
      [](png_structp) {});
  const int type = image.channels() == 1   ? PNG_COLOR_TYPE_GRAY
                   : image.channels() == 3 ? PNG_COLOR_TYPE_RGB
                                           : PNG_COLOR_TYPE_RGB_ALPHA;
  png_set_IHDR(png, info, static_cast<png_uint_32>(image.width()),
               static_cast<png_uint_32>(image.height()), 8, type,
               interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  std::vector<png_bytep> rows;
  for (int64_t y = 0; y < image.height(); ++y) rows.push_back(const_cast<uint8_t*>(image.row(y)));
  png_write_image(png, rows.data());
  png_write_end(png, info);
  png_infop* infos = &info;
  png_structp made = png;
  png_destroy_write_struct(&made, infos);
  return file;
}

File webp_of(const Image& image, bool lossless) {
  const int width = static_cast<int>(image.width()), height = static_cast<int>(image.height());
  const int stride = static_cast<int>(image.row_bytes());
  uint8_t* data = nullptr;
  size_t n = 0;
  if (image.channels() == 3)
    n = lossless ? WebPEncodeLosslessRGB(image.data(), width, height, stride, &data)
                 : WebPEncodeRGB(image.data(), width, height, stride, 80, &data);
  else
    n = lossless ? WebPEncodeLosslessRGBA(image.data(), width, height, stride, &data)
                 : WebPEncodeRGBA(image.data(), width, height, stride, 80, &data);
  if (n == 0) throw std::logic_error("libwebp did not encode");
  File file = file_of(data, n);
  WebPFree(data);
  return file;
}

File pnm_of(const Image& image) {
  char head[64];
  const int n = std::snprintf(head, sizeof(head), "P%d %d %d 255\n", image.channels() == 1 ? 5 : 6,
                              static_cast<int>(image.width()), static_cast<int>(image.height()));
  File file = file_of(reinterpret_cast<const uint8_t*>(head), static_cast<size_t>(n));
  const File pixels = file_of(image.data(), static_cast<size_t>(image.n_bytes()));
  file.insert(file.end(), pixels.begin(), pixels.end());
  return file;
}

std::vector<std::pair<std::string, File>> small_files() {
  return {{"jpeg", jpeg_of(picture(21, 18))},
          {"jpeg_444", jpeg_of(picture(17, 9), {.subsampled = false})},
          {"jpeg_progressive", jpeg_of(picture(21, 18), {.progressive = true})},
          {"jpeg_restarts", jpeg_of(picture(40, 18), {.restarts = 1})},
          {"jpeg_grey", jpeg_of(picture(21, 18, 1))},
          {"jpeg_cmyk", jpeg_of(picture(9, 9, 4))},
          {"jpeg_turned", jpeg_of(picture(21, 9), {.orientation = 6})},
          {"png", png_of(picture(13, 9))},
          {"png_interlaced", png_of(picture(13, 9), true)},
          {"png_grey", png_of(picture(13, 9, 1))},
          {"png_alpha", png_of(picture(9, 7, 4))},
          {"webp", webp_of(picture(21, 18), false)},
          {"webp_lossless", webp_of(picture(13, 9))},
          {"webp_alpha", webp_of(picture(13, 9, 4), false)},
          {"ppm", pnm_of(picture(7, 5))},
          {"pgm", pnm_of(picture(7, 5, 1))}};
}

}  // namespace andiron::images::testing
