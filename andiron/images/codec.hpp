#pragma once

#include <functional>
#include <memory>
#include <span>

#include "andiron/images/decode.hpp"

// What decode.cpp asks of each format. `out` comes as stored, not turned.
namespace andiron::images {

using Bytes = std::span<const std::byte>;

/// A JPEG; its header is read once. Neither copied nor moved.
class JpegFile {
 public:
  explicit JpegFile(Bytes bytes);
  ~JpegFile();
  JpegFile(const JpegFile&) = delete;
  JpegFile& operator=(const JpegFile&) = delete;

  Result<Header> header();
  /// `part` of the decoded image's width and height: what is wanted of it. Returns where in it the
  /// pixels of `out` lie. REQUIRES the header; once.
  Result<Decoded> decode(const DecodeOptions& options,
                         const std::function<Window(int64_t, int64_t)>& part, Image& out);

 private:
  class Reader;
  std::unique_ptr<Reader> reader_;
};

/// Width and height as stored.
Result<Header> png_header(Bytes bytes);
Result<Header> webp_header(Bytes bytes);
Result<Header> pnm_header(Bytes bytes);

/// REQUIRES a header that was read and is within the limits. RGB, grey, or RGBA where there is
/// alpha and a background is wanted.
Result<> decode_png(Bytes bytes, const DecodeOptions& options, const Header& header, Image& out);
Result<> decode_webp(Bytes bytes, const DecodeOptions& options, const Header& header, Image& out);
Result<> decode_pnm(Bytes bytes, const DecodeOptions& options, const Header& header, Image& out);

/// The orientation that a block of EXIF data (a TIFF, with or without "Exif\0\0") names; 1 when it
/// names none or is damaged.
int exif_orientation(Bytes exif);

}  // namespace andiron::images
