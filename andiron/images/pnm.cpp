#include <cctype>
#include <cstring>

#include "andiron/images/codec.hpp"

// Binary PGM (P5) and PPM (P6) of 8 bits: what raw pixels travel in (rows of Spark's "image"
// source, arrays).
namespace andiron::images {

namespace {

struct Reader {
  Bytes bytes;
  size_t at = 2;

  // A number after spaces and comments; -1 when there is none.
  int64_t number() {
    while (at < bytes.size() && (std::isspace(byte()) != 0 || byte() == '#')) {
      if (byte() == '#')
        while (at < bytes.size() && byte() != '\n') ++at;
      else
        ++at;
    }
    int64_t value = -1;
    for (; at < bytes.size() && std::isdigit(byte()) != 0; ++at) {
      value = (value < 0 ? 0 : value * 10) + (byte() - '0');
      if (value > INT32_MAX) return -1;
    }
    return value;
  }
  int byte() const { return static_cast<unsigned char>(bytes[at]); }
};

Result<Header> read(Reader& reader) {
  const int64_t width = reader.number(), height = reader.number(), most = reader.number();
  if (width < 1 || height < 1 || most < 1 || reader.at >= reader.bytes.size())
    return failure("the PNM is damaged, in the header");
  if (most != 255) return failure("a PNM with values up to {}; 255 is read", most);
  ++reader.at;  // one space
  return Header{.format = Format::pnm,
                .width = width,
                .height = height,
                .channels = reader.bytes[1] == std::byte{'5'} ? 1 : 3};
}

}  // namespace

Result<Header> pnm_header(Bytes bytes) {
  Reader reader{bytes};
  return read(reader);
}

Result<> decode_pnm(Bytes bytes, const DecodeOptions& options, const Header& header, Image& out) {
  Reader reader{bytes};
  if (Result<Header> again = read(reader); !again) return again.failure();
  const Bytes pixels = bytes.subspan(reader.at);
  const auto wanted = static_cast<size_t>(header.width * header.height * header.channels);
  if (pixels.size() < wanted && !options.allow_truncated)
    return failure("the PNM is truncated: {} of {} bytes of pixels", pixels.size(), wanted);
  const size_t there = std::min(pixels.size(), wanted);
  const bool spread = header.channels == 1 && options.colour == Colour::rgb;
  out.reset(header.width, header.height, spread ? 3 : header.channels);
  std::memset(out.data(), 0, static_cast<size_t>(out.n_bytes()));
  if (!spread) {
    std::memcpy(out.data(), pixels.data(), there);
    return success();
  }
  for (size_t i = 0; i < there; ++i)
    std::memset(out.data() + 3 * i, static_cast<int>(pixels[i]), 3);
  return success();
}

}  // namespace andiron::images
