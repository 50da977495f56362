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

// As stored.
Result<Header> stored_header(Bytes bytes) {
  if (bytes.empty()) return failure("the image has 0 bytes");
  const std::optional<Format> format = format_of(bytes);
  if (!format)
    return failure("{} bytes are {}; JPEG, PNG, WebP and PNM are read", bytes.size(),
                   other_kind(bytes));
  switch (*format) {
    case Format::jpeg:
      return jpeg_header(bytes);
    case Format::png:
      return png_header(bytes);
    case Format::webp:
      return webp_header(bytes);
    case Format::pnm:
      break;
  }
  return pnm_header(bytes);
}

Result<> decode_stored(Bytes bytes, const DecodeOptions& options, const Header& header,
                       Image& out) {
  switch (header.format) {
    case Format::jpeg:
      return decode_jpeg(bytes, options, out);
    case Format::png:
      return decode_png(bytes, options, header, out);
    case Format::webp:
      return decode_webp(bytes, options, header, out);
    case Format::pnm:
      break;
  }
  return decode_pnm(bytes, options, header, out);
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
  Result<Header> header = stored_header(bytes);
  if (header && turns_sideways(header.value().orientation))
    std::swap(header.value().width, header.value().height);
  return header;
}

Result<Header> decode(Bytes bytes, const DecodeOptions& options, Image& out) {
  Result<Header> stored = stored_header(bytes);
  if (!stored) return stored;
  Header header = stored.value();
  if (header.width < 1 || header.height < 1)
    return failure("the {} is {} x {} pixels", name_of(header.format), header.width, header.height);
  if (header.height > options.max_pixels / header.width)
    return failure("the {} is {} x {} pixels, more than max_pixels={}", name_of(header.format),
                   header.width, header.height, options.max_pixels);
  const int orientation = options.orient ? header.orientation : 1;
  DecodeOptions as_stored = options;
  if (turns_sideways(orientation)) std::swap(as_stored.min_width, as_stored.min_height);
  if (Result<> done = decode_stored(bytes, as_stored, header, out); !done) return done.failure();
  if (out.channels() == 4) composite(out, *options.background);
  if (out.channels() == 3 && options.colour == Colour::grey) to_grey(out);
  if (orientation != 1) {
    Image scratch;
    orient(out, orientation, scratch);
  }
  if (turns_sideways(orientation)) std::swap(header.width, header.height);
  return header;
}

}  // namespace andiron::images
