#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>
#include <memory>

#include "andiron/images/codec.hpp"

namespace andiron::images {

namespace {

const uint8_t* data_of(Bytes bytes) { return reinterpret_cast<const uint8_t*>(bytes.data()); }

struct DeleteDemuxer {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};
using Demuxer = std::unique_ptr<WebPDemuxer, DeleteDemuxer>;

Demuxer demuxer_of(Bytes bytes) {
  const WebPData data = {data_of(bytes), bytes.size()};
  return Demuxer(WebPDemux(&data));
}

int orientation_of(Bytes bytes) {
  const Demuxer demuxer = demuxer_of(bytes);
  if (demuxer == nullptr) return 1;
  WebPChunkIterator chunk = {};
  int orientation = 1;
  if (WebPDemuxGetChunk(demuxer.get(), "EXIF", 1, &chunk) != 0)
    orientation = exif_orientation(std::as_bytes(std::span(chunk.chunk.bytes, chunk.chunk.size)));
  WebPDemuxReleaseChunkIterator(&chunk);
  return orientation;
}

Failure because_of(VP8StatusCode status, size_t n) {
  switch (status) {
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
      return failure("the WebP is truncated: its {} bytes end too early", n);
    case VP8_STATUS_OUT_OF_MEMORY:
      return failure("there is no memory for decoding the WebP");
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return failure("the WebP uses a feature that is not supported");
    default:
      return failure("the WebP is damaged");
  }
}

// The first picture of an animation, on its canvas.
Result<> decode_first_frame(Bytes bytes, const Header& header, Image& rgba) {
  const Demuxer demuxer = demuxer_of(bytes);
  if (demuxer == nullptr) return failure("the animated WebP is truncated or damaged");
  WebPIterator frame = {};
  if (WebPDemuxGetFrame(demuxer.get(), 1, &frame) == 0) {
    WebPDemuxReleaseIterator(&frame);
    return failure("the animated WebP has no frame");
  }
  Result<> done = success();
  rgba.reset(header.width, header.height, 4);
  std::fill_n(rgba.data(), rgba.n_bytes(), uint8_t{0});
  if (frame.x_offset < 0 || frame.y_offset < 0 ||
      int64_t{frame.x_offset} + frame.width > header.width ||
      int64_t{frame.y_offset} + frame.height > header.height) {
    done = failure("the animated WebP is damaged: a frame leaves its canvas");
  } else {
    uint8_t* to = rgba.row(frame.y_offset) + int64_t{4} * frame.x_offset;
    const auto stride = static_cast<int>(rgba.row_bytes());
    const auto room = static_cast<size_t>(rgba.data() + rgba.n_bytes() - to);
    if (WebPDecodeRGBAInto(frame.fragment.bytes, frame.fragment.size, to, room, stride) == nullptr)
      done = failure("the animated WebP is truncated or damaged, in its first frame");
  }
  WebPDemuxReleaseIterator(&frame);
  return done;
}

}  // namespace

Result<Header> webp_header(Bytes bytes) {
  WebPBitstreamFeatures features = {};
  const VP8StatusCode status = WebPGetFeatures(data_of(bytes), bytes.size(), &features);
  if (status != VP8_STATUS_OK) return because_of(status, bytes.size());
  return Header{.format = Format::webp,
                .width = features.width,
                .height = features.height,
                .channels = features.has_alpha != 0 ? 4 : 3,
                .orientation = orientation_of(bytes)};
}

Result<> decode_webp(Bytes bytes, const DecodeOptions& options, const Header& header, Image& out) {
  WebPDecoderConfig config = {};
  if (WebPInitDecoderConfig(&config) == 0) return failure("another version of libwebp was linked");
  const VP8StatusCode read = WebPGetFeatures(data_of(bytes), bytes.size(), &config.input);
  if (read != VP8_STATUS_OK) return because_of(read, bytes.size());
  const bool keep_alpha = config.input.has_alpha != 0 && options.background.has_value();
  if (config.input.has_animation != 0) {
    Image rgba;
    if (Result<> done = decode_first_frame(bytes, header, keep_alpha ? out : rgba);
        !done || keep_alpha)
      return done;
    out.reset(header.width, header.height, 3);
    const uint8_t* from = rgba.data();
    for (uint8_t* to = out.data(); to != out.data() + out.n_bytes(); to += 3, from += 4)
      std::copy_n(from, 3, to);
    return success();
  }
  out.reset(header.width, header.height, keep_alpha ? 4 : 3);
  if (options.allow_truncated) std::fill_n(out.data(), out.n_bytes(), uint8_t{0});
  config.output.colorspace = keep_alpha ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {out.data(), static_cast<int>(out.row_bytes()),
                          static_cast<size_t>(out.n_bytes())};
  const VP8StatusCode status = WebPDecode(data_of(bytes), bytes.size(), &config);
  WebPFreeDecBuffer(&config.output);
  const bool cut = status == VP8_STATUS_NOT_ENOUGH_DATA || status == VP8_STATUS_SUSPENDED;
  if (status != VP8_STATUS_OK && !(cut && options.allow_truncated))
    return because_of(status, bytes.size());
  return success();
}

}  // namespace andiron::images
