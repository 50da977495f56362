#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "andiron/base/result.hpp"
#include "andiron/images/image.hpp"
#include "andiron/images/resample.hpp"

namespace andiron::images {

enum class Format { jpeg, png, webp, pnm };
std::string_view name_of(Format format);

/// What a file says of itself at its beginning.
struct Header {
  Format format = Format::jpeg;
  int64_t width = 0, height = 0;  ///< as they will be shown: after the orientation of EXIF
  int64_t channels = 0;           ///< 1 grey, 3 colour, 4 with alpha or CMYK
  int orientation = 1;            ///< EXIF's 1 to 8
};

enum class Colour { rgb, grey };

struct DecodeOptions {
  Colour colour = Colour::rgb;
  /// More pixels than that are refused, from the header, before any memory is taken. The default
  /// is Pillow's (a quarter of a gigabyte at 3 bytes a pixel).
  int64_t max_pixels = 89'478'485;
  bool orient = true;  ///< turn the image as EXIF says
  /// What shines through transparent pixels; nothing: alpha is dropped, as Pillow's convert("RGB")
  /// does.
  std::optional<std::array<uint8_t, 3>> background;
  /// Whether data that end early are taken for what is there (the rest is grey or black).
  bool allow_truncated = false;
  /// A JPEG may come at 1/2, 1/4 or 1/8 of its size, as long as it is not smaller than this (as
  /// shown). 0: at its size.
  int64_t min_width = 0, min_height = 0;
};

/// The header of an image in memory. Fails for what is no JPEG, PNG, WebP or PNM, whatever its name
/// says, and for a header that is damaged.
Result<Header> read_header(std::span<const std::byte> bytes);

/// Decodes into `out` (RGB or grey, HWC), which keeps its memory from call to call. With a failure
/// the content of `out` is undefined. Grey is Pillow's: (19595 R + 38470 G + 7471 B + 32768) >> 16.
/// Of an animated WebP the first picture; of 16-bit PNG the upper bytes.
Result<Header> decode(std::span<const std::byte> bytes, const DecodeOptions& options, Image& out);

/// What somebody wants of an image who decides it on the way.
class Wanted {
 public:
  virtual ~Wanted() = default;
  /// Before pixels are decoded: may change the options. `header` is as the image will be shown.
  virtual void begin(const Header& header, DecodeOptions& options) = 0;
  /// Which pixels, not none, of the decoded image, which is of width x height.
  virtual Window part(int64_t width, int64_t height) = 0;
};

/// Where the pixels in `out` lie in an image that was decoded at width x height.
struct Decoded {
  Header header;
  int64_t x = 0, y = 0, width = 0, height = 0;
};

/// The same for the part that is wanted; more than that may come. Rows behind the last one that is
/// wanted are not looked at where the file has its end marker: damage there stays unseen.
Result<Decoded> decode(std::span<const std::byte> bytes, const DecodeOptions& options,
                       Wanted& wanted, Image& out);

}  // namespace andiron::images
