#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <vector>

#include "andiron/images/codec.hpp"

// PNG by libpng. libpng leaves by longjmp when it meets an error: every call into it stands in
// `guarded`, and between setjmp and longjmp there are no objects with destructors.
namespace andiron::images {

namespace {

// Of texts, profiles and the like, unpacked.
constexpr png_alloc_size_t kMaxChunk = 8U << 20;

class Reader {
 public:
  explicit Reader(Bytes bytes) : bytes_(bytes) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error,
                                  [](png_structp, png_const_charp) {});
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
  }
  ~Reader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // Runs f, which calls libpng and has no destructors; false when libpng met an error.
  template <class F>
  bool guarded(F&& f) {
    if (setjmp(jump_) != 0) return false;
    f();
    return true;
  }

  Result<> header() {
    if (info_ == nullptr) return failure("there is no memory for reading a PNG");
    if (!guarded([this] {
          png_set_user_limits(png_, 0x7FFFFFFF, 0x7FFFFFFF);  // pixels are checked by the caller
          png_set_chunk_malloc_max(png_, kMaxChunk);
          png_set_chunk_cache_max(png_, 100);
          png_set_read_fn(png_, this, on_read);
          png_read_info(png_, info_);
        }))
      return because_of("the header");
    return success();
  }

  int orientation() {
    png_uint_32 n = 0;
    png_bytep exif = nullptr;
    if (!guarded([&] {
          if (png_get_eXIf_1(png_, info_, &n, &exif) == 0) exif = nullptr;
        }) ||
        exif == nullptr)
      return 1;
    return exif_orientation(std::as_bytes(std::span(exif, n)));
  }

  Failure because_of(std::string_view what) const {
    if (past_end_)
      return failure("the PNG is truncated: its {} bytes end in {}", bytes_.size(), what);
    return failure("the PNG is damaged, in {}: {}", what, static_cast<const char*>(message_));
  }

  png_structp png() { return png_; }
  png_infop info() { return info_; }
  bool past_end() const { return past_end_; }

 private:
  static void on_error(png_structp png, png_const_charp text) {
    Reader& self = *static_cast<Reader*>(png_get_error_ptr(png));
    std::snprintf(self.message_, sizeof(self.message_), "%s", text);
    std::longjmp(self.jump_, 1);
  }
  static void on_read(png_structp png, png_bytep to, size_t n) {
    Reader& self = *static_cast<Reader*>(png_get_io_ptr(png));
    if (n > self.bytes_.size() - self.at_) {
      self.past_end_ = true;
      png_error(png, "the data end early");
    }
    std::memcpy(to, self.bytes_.data() + self.at_, n);
    self.at_ += n;
  }

  Bytes bytes_;
  size_t at_ = 0;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::jmp_buf jump_ = {};
  char message_[128] = {};
  bool past_end_ = false;
};

Header header_of(Reader& reader) {
  const png_byte type = png_get_color_type(reader.png(), reader.info());
  const bool transparent = png_get_valid(reader.png(), reader.info(), PNG_INFO_tRNS) != 0;
  const bool alpha = (type & PNG_COLOR_MASK_ALPHA) != 0 || transparent;
  return {.format = Format::png,
          .width = png_get_image_width(reader.png(), reader.info()),
          .height = png_get_image_height(reader.png(), reader.info()),
          .channels = alpha                                ? 4
                      : (type & PNG_COLOR_MASK_COLOR) != 0 ? 3
                                                           : 1,
          .orientation = reader.orientation()};
}

}  // namespace

Result<Header> png_header(Bytes bytes) {
  // The size stands in the first chunk, and libpng reads all chunks before the pixels: a header
  // need not be whole for that.
  Reader reader(bytes);
  if (Result<> read = reader.header(); !read) return read.failure();
  return header_of(reader);
}

Result<> decode_png(Bytes bytes, const DecodeOptions& options, const Header&, Image& out) {
  Reader reader(bytes);
  if (Result<> read = reader.header(); !read) return read.failure();
  const png_structp png = reader.png();
  const png_infop info = reader.info();
  const Header header = header_of(reader);
  const bool colour = (png_get_color_type(png, info) & PNG_COLOR_MASK_COLOR) != 0;
  const bool keep_alpha = header.channels == 4 && options.background.has_value();
  const bool grey = options.colour == Colour::grey && !colour && !keep_alpha;
  const int64_t channels = keep_alpha ? 4 : grey ? 1 : 3;
  size_t row_bytes = 0;
  if (!reader.guarded([&] {
        png_set_expand(png);    // palettes, fewer than 8 bits, tRNS as alpha
        png_set_strip_16(png);  // the upper bytes
        if (!keep_alpha) png_set_strip_alpha(png);
        if (!grey) png_set_gray_to_rgb(png);
        png_set_interlace_handling(png);
        png_read_update_info(png, info);
        row_bytes = png_get_rowbytes(png, info);
      }))
    return reader.because_of("the header");
  out.reset(header.width, header.height, channels);
  if (row_bytes != static_cast<size_t>(out.row_bytes()))
    return failure("the PNG has rows of {} bytes where {} were expected", row_bytes,
                   out.row_bytes());
  // A truncated image may leave rows untouched.
  if (options.allow_truncated) std::memset(out.data(), 0, static_cast<size_t>(out.n_bytes()));
  std::vector<png_bytep> rows(static_cast<size_t>(header.height));
  for (int64_t y = 0; y < header.height; ++y) rows[static_cast<size_t>(y)] = out.row(y);
  png_bytepp first = rows.data();
  if (!reader.guarded([&] { png_read_image(png, first); }) &&
      !(options.allow_truncated && reader.past_end()))
    return reader.because_of("its pixels");
  return success();
}

}  // namespace andiron::images
