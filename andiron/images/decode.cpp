#include "andiron/images/decode.hpp"

#include <cstring>

#include "andiron/images/codec.hpp"
#include "andiron/images/orient.hpp"

namespace andiron::images {

namespace {

bool starts_with(Bytes bytes, std::string_view magic, size_t at = 0) {
  return bytes.size() >= at + magic.size() &&
         std::memcmp(bytes.data() + at, magic.data(), magic.size()) == 0;
}

// What people name .jpg although it is none.
std::string_view other_kind(Bytes bytes) {
  using namespace std::string_view_literals;
  if (starts_with(bytes, "GIF8")) return "a GIF";
  if (starts_with(bytes, "BM")) return "a BMP";
  if (starts_with(bytes, "II*\0"sv) || starts_with(bytes, "MM\0*"sv)) return "a TIFF";
  if (starts_with(bytes, "ftyp", 4)) return "HEIC, AVIF or a film";
  if (starts_with(bytes, "%PDF")) return "a PDF";
  if (starts_with(bytes, "<")) return "a text (HTML or XML)";
  if (starts_with(bytes, "{")) return "a text (JSON)";
  return "no image that is known";
}

std::optional<Format> format_of(Bytes bytes) {
  if (starts_with(bytes, "\xFF\xD8\xFF")) return Format::jpeg;
  if (starts_with(bytes, "\x89PNG\r\n\x1A\n")) return Format::png;
  if (starts_with(bytes, "RIFF") && starts_with(bytes, "WEBP", 8)) return Format::webp;
  if (starts_with(bytes, "P5") || starts_with(bytes, "P6")) return Format::pnm;
  return std::nullopt;
}

// A file of some format whose header is read once.
struct Opened {
  std::optional<JpegFile> jpeg;
  Header header;  // as stored
};

Result<> open(Bytes bytes, Opened& opened) {
  if (bytes.empty()) return failure("the image has 0 bytes");
  const std::optional<Format> format = format_of(bytes);
  if (!format)
    return failure("{} bytes are {}; JPEG, PNG, WebP and PNM are read", bytes.size(),
                   other_kind(bytes));
  Result<Header> header = *format == Format::jpeg   ? opened.jpeg.emplace(bytes).header()
                          : *format == Format::png  ? png_header(bytes)
                          : *format == Format::webp ? webp_header(bytes)
                                                    : pnm_header(bytes);
  if (!header) return header.failure();
  opened.header = header.value();
  return success();
}

// RGBA over an opaque colour, as Pillow's alpha_composite; in place.
void composite(Image& image, const std::array<uint8_t, 3>& background) {
  const int64_t n = image.width() * image.height();
  const uint8_t* src = image.data();
  uint8_t* dst = image.data();
  for (int64_t i = 0; i < n; ++i, src += 4, dst += 3) {
    const unsigned alpha = src[3];
    for (int c = 0; c < 3; ++c) {
      const unsigned sum = src[c] * alpha * 128U + background[c] * (255U - alpha) * 128U;
      const unsigned rounded = sum + (0x80U << 7);
      dst[c] = static_cast<uint8_t>((((rounded >> 8) + rounded) >> 8) >> 7);
    }
  }
  image.reset(image.width(), image.height(), 3);
}

void to_grey(Image& image) {
  const int64_t n = image.width() * image.height();
  const uint8_t* src = image.data();
  uint8_t* dst = image.data();
  for (int64_t i = 0; i < n; ++i, src += 3)
    dst[i] =
        static_cast<uint8_t>((src[0] * 19595U + src[1] * 38470U + src[2] * 7471U + 0x8000U) >> 16);
  image.reset(image.width(), image.height(), 1);
}

}  // namespace

std::string_view name_of(Format format) {
  switch (format) {
    case Format::jpeg:
      return "jpeg";
    case Format::png:
      return "png";
    case Format::webp:
      return "webp";
    case Format::pnm:
      break;
  }
  return "pnm";
}

Result<Header> read_header(Bytes bytes) {
  Opened opened;
  if (Result<> done = open(bytes, opened); !done) return done.failure();
  if (turns_sideways(opened.header.orientation))
    std::swap(opened.header.width, opened.header.height);
  return opened.header;
}

Result<Decoded> decode(Bytes bytes, const DecodeOptions& given, Wanted& wanted, Image& out) {
  Opened file;
  if (Result<> done = open(bytes, file); !done) return done.failure();
  const Header& stored = file.header;
  if (stored.width < 1 || stored.height < 1)
    return failure("the {} is {} x {} pixels", name_of(stored.format), stored.width, stored.height);
  if (stored.height > given.max_pixels / stored.width)
    return failure("the {} is {} x {} pixels, more than max_pixels={}", name_of(stored.format),
                   stored.width, stored.height, given.max_pixels);
  const int orientation = given.orient ? stored.orientation : 1;
  const bool sideways = turns_sideways(orientation);
  Decoded decoded = {.header = stored};
  if (sideways) std::swap(decoded.header.width, decoded.header.height);
  DecodeOptions options = given;
  wanted.begin(decoded.header, options);
  if (sideways) std::swap(options.min_width, options.min_height);
  if (file.jpeg) {
    // What must be turned is wanted as a whole.
    Result<Decoded> pixels = file.jpeg->decode(
        options,
        [&](int64_t width, int64_t height) {
          return orientation == 1 ? wanted.part(width, height) : Window{0, 0, width, height};
        },
        out);
    if (!pixels) return pixels;
    const Header shown = decoded.header;
    decoded = pixels.value();
    decoded.header = shown;
  } else {
    const Result<> done =
        (stored.format == Format::png    ? decode_png
         : stored.format == Format::webp ? decode_webp
                                         : decode_pnm)(bytes, options, stored, out);
    if (!done) return done.failure();
    decoded.width = out.width();
    decoded.height = out.height();
  }
  if (out.channels() == 4) composite(out, *options.background);
  if (out.channels() == 3 && options.colour == Colour::grey) to_grey(out);
  if (orientation != 1) {
    Image scratch;
    orient(out, orientation, scratch);
  }
  if (sideways) std::swap(decoded.width, decoded.height);
  return decoded;
}

namespace {

class All : public Wanted {
 public:
  void begin(const Header&, DecodeOptions&) override {}
  Window part(int64_t width, int64_t height) override { return {0, 0, width, height}; }
};

}  // namespace

Result<Header> decode(Bytes bytes, const DecodeOptions& options, Image& out) {
  All all;
  Result<Decoded> decoded = decode(bytes, options, all, out);
  if (!decoded) return decoded.failure();
  return decoded.value().header;
}

}  // namespace andiron::images
