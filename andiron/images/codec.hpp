#pragma once

#include <span>

#include "andiron/images/decode.hpp"

// What decode.cpp asks of each format. `out` comes as stored, not turned.
namespace andiron::images {

using Bytes = std::span<const std::byte>;

/// Width and height as stored.
Result<Header> jpeg_header(Bytes bytes);
Result<Header> png_header(Bytes bytes);
Result<Header> webp_header(Bytes bytes);
Result<Header> pnm_header(Bytes bytes);

/// REQUIRES a header that was read and is within the limits. min_width and min_height are as
/// stored. RGB, grey, or RGBA where there is alpha and a background is wanted.
Result<> decode_jpeg(Bytes bytes, const DecodeOptions& options, Image& out);
Result<> decode_png(Bytes bytes, const DecodeOptions& options, const Header& header, Image& out);
Result<> decode_webp(Bytes bytes, const DecodeOptions& options, const Header& header, Image& out);
Result<> decode_pnm(Bytes bytes, const DecodeOptions& options, const Header& header, Image& out);

/// The orientation that a block of EXIF data (a TIFF, with or without "Exif\0\0") names; 1 when it
/// names none or is damaged.
int exif_orientation(Bytes exif);

}  // namespace andiron::images
