#include <csetjmp>
#include <cstdio>
// libjpeg's header needs the two above.
#include <jerror.h>
#include <jpeglib.h>

#include <algorithm>

#include "andiron/images/codec.hpp"
#include "andiron/images/jpeg_sequential.hpp"

// JPEG: libjpeg-turbo reads the header, SequentialDecoder the pixels of undamaged files of one scan
// (nearly all photos), and libjpeg those of all others, with its words on what is wrong. It leaves
// by longjmp when it meets an error: every call into it stands in `guarded`, and between setjmp and
// longjmp there are no objects with destructors.
namespace andiron::images {

// Scans of a progressive file: each one walks over the whole image, and a small file can have
// thousands.
constexpr int kMaxScans = 500;

class JpegFile::Reader {
 public:
  explicit Reader(Bytes bytes) : bytes_(bytes), end_(bytes.size()) {
    info_.err = jpeg_std_error(&errors_);
    info_.client_data = this;
    errors_.error_exit = [](j_common_ptr info) {
      Reader& self = *static_cast<Reader*>(info->client_data);
      (*info->err->format_message)(info, self.message_);
      std::longjmp(self.jump_, 1);
    };
    errors_.emit_message = [](j_common_ptr info, int level) {
      if (level < 0) static_cast<Reader*>(info->client_data)->warned(info);
    };
    errors_.output_message = [](j_common_ptr) {};
    created_ = guarded([this] { jpeg_create_decompress(&info_); });
    progress_.progress_monitor = [](j_common_ptr info) {
      if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > kMaxScans)
        ERREXITS(info, JERR_BAD_PROGRESSION, "");
    };
    source_.init_source = [](j_decompress_ptr) {};
    source_.term_source = [](j_decompress_ptr) {};
    source_.resync_to_restart = jpeg_resync_to_restart;
    source_.fill_input_buffer = [](j_decompress_ptr info) -> boolean {
      static const JOCTET kEnd[] = {0xFF, JPEG_EOI};
      static_cast<Reader*>(info->client_data)->past_end_ = true;
      info->src->next_input_byte = kEnd;
      info->src->bytes_in_buffer = 2;
      return TRUE;
    };
    source_.skip_input_data = [](j_decompress_ptr info, long n) {
      if (n <= 0) return;
      const size_t left = info->src->bytes_in_buffer;
      const size_t skipped = std::min(left, static_cast<size_t>(n));
      info->src->next_input_byte += skipped;
      info->src->bytes_in_buffer -= skipped;
    };
    source_.next_input_byte = reinterpret_cast<const JOCTET*>(bytes.data());
    source_.bytes_in_buffer = bytes.size();
    if (!created_) return;
    info_.src = &source_;
    info_.progress = &progress_;
  }
  ~Reader() {
    if (created_) jpeg_destroy_decompress(&info_);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // Runs f, which calls libjpeg and has no destructors; false when libjpeg met an error.
  template <class F>
  bool guarded(F&& f) {
    if (setjmp(jump_) != 0) return false;
    f();
    return true;
  }

  Result<> header() {
    if (!created_ || !guarded([this] {
          jpeg_save_markers(&info_, JPEG_APP0 + 1, 0xFFFF);
          jpeg_read_header(&info_, TRUE);
        }))
      return because_of("the header");
    const int n = info_.num_components;
    if (n != 1 && n != 3 && n != 4) return failure("a JPEG of {} components", n);
    return success();
  }

  int orientation() const {
    for (const jpeg_marker_struct* m = info_.marker_list; m != nullptr; m = m->next)
      if (m->data_length > 6 && std::equal(m->data, m->data + 6, "Exif\0\0"))
        return exif_orientation(std::as_bytes(std::span(m->data, m->data_length)));
    return 1;
  }

  Failure because_of(std::string_view what) const {
    if (past_end_) return failure("the JPEG is truncated: its {} bytes end in {}", end_, what);
    return failure("the JPEG is damaged, in {}: {}", what, static_cast<const char*>(message_));
  }

  jpeg_decompress_struct& info() { return info_; }
  /// What follows the header.
  std::span<const uint8_t> data() const {
    return {source_.next_input_byte, source_.bytes_in_buffer};
  }
  bool has_end_marker() const {
    return bytes_.size() > 2 && bytes_[bytes_.size() - 2] == std::byte{0xFF} &&
           bytes_.back() == std::byte{JPEG_EOI};
  }
  /// Whether scans are missing at the end of a file of several.
  bool lost_scans() const {
    if (!past_end_ || jpeg_has_multiple_scans(const_cast<j_decompress_ptr>(&info_)) == FALSE)
      return false;
    if (info_.coef_bits == nullptr) return true;
    for (int c = 0; c < info_.num_components;
         ++c)  // bits of each coefficient that are still to come
      for (int k = 0; k < DCTSIZE2; ++k)
        if (info_.coef_bits[c][k] != 0) return true;
    return false;
  }
  /// Data that ended too early, or codes that are none; libjpeg goes on with grey.
  bool lost_data() const { return lost_data_; }

 private:
  void warned(j_common_ptr info) {
    switch (info->err->msg_code) {
      case JWRN_HIT_MARKER:
      case JWRN_HUFF_BAD_CODE:
      case JWRN_BOGUS_PROGRESSION:
      case JWRN_MUST_RESYNC:
        if (!lost_data_) (*info->err->format_message)(info, message_);
        lost_data_ = true;
        break;
      default:
        break;  // extra bytes between markers, unknown versions: harmless
    }
  }

  jpeg_decompress_struct info_ = {};
  jpeg_error_mgr errors_ = {};
  jpeg_source_mgr source_ = {};
  jpeg_progress_mgr progress_ = {};
  std::jmp_buf jump_ = {};
  char message_[JMSG_LENGTH_MAX] = {};
  Bytes bytes_;
  size_t end_;
  bool created_ = false, past_end_ = false, lost_data_ = false;
};

namespace {

// The largest of 8, 4, 2 by which the image may be divided.
unsigned denominator(const jpeg_decompress_struct& info, const DecodeOptions& options) {
  if (options.min_width <= 0 || options.min_height <= 0) return 1;
  for (const unsigned d : {8U, 4U, 2U})
    if ((info.image_width + d - 1) / d >= static_cast<uint64_t>(options.min_width) &&
        (info.image_height + d - 1) / d >= static_cast<uint64_t>(options.min_height))
      return d;
  return 1;
}

// What Pillow makes of CMYK and YCCK, which it takes for inverted, as Adobe writes them:
// R = K - K (255 - C) / 255, rounded.
void cmyk_to_rgb(const uint8_t* src, int64_t n, uint8_t* dst) {
  for (int64_t i = 0; i < n; ++i, src += 4, dst += 3) {
    const unsigned k = src[3];
    for (int c = 0; c < 3; ++c) {
      const unsigned product = (255U - src[c]) * k + 128U;
      const unsigned black = ((product >> 8) + product) >> 8;
      dst[c] = static_cast<uint8_t>(k > black ? k - black : 0U);
    }
  }
}

// The scan as SequentialDecoder wants it; false: it is another kind of file. REQUIRES the header,
// and sizes that jpeg_calc_output_dimensions has found.
bool as_scan(const jpeg_decompress_struct& info, std::span<const uint8_t> data, jpeg::Scan& scan) {
  const int n = info.num_components;
  const bool usual = info.data_precision == 8 && info.progressive_mode == FALSE &&
                     info.arith_code == FALSE && info.comps_in_scan == n && info.Ss == 0 &&
                     info.Se == DCTSIZE2 - 1 && info.Ah == 0 && info.Al == 0 &&
                     (n == 1 ? info.jpeg_color_space == JCS_GRAYSCALE
                             : n == 3 && info.jpeg_color_space == JCS_YCbCr);
  if (!usual) return false;
  scan.width = info.image_width;
  scan.height = info.image_height;
  scan.out_width = info.output_width;
  scan.out_height = info.output_height;
  scan.restart_interval = info.restart_interval;
  scan.data = data;
  scan.components.assign(static_cast<size_t>(n), {});
  for (int c = 0; c < n; ++c) {
    const jpeg_component_info& from = info.comp_info[c];
    if (info.cur_comp_info[c] != &from) return false;
    const auto in_range = [](int table, int most) { return table >= 0 && table < most; };
    if (!in_range(from.quant_tbl_no, NUM_QUANT_TBLS) || !in_range(from.dc_tbl_no, NUM_HUFF_TBLS) ||
        !in_range(from.ac_tbl_no, NUM_HUFF_TBLS))
      return false;
    const JQUANT_TBL* steps = info.quant_tbl_ptrs[from.quant_tbl_no];
    const JHUFF_TBL *dc = info.dc_huff_tbl_ptrs[from.dc_tbl_no],
                    *ac = info.ac_huff_tbl_ptrs[from.ac_tbl_no];
    if (steps == nullptr || dc == nullptr || ac == nullptr) return false;
    // The only component's blocks stand row by row, whatever its factors.
    scan.components[static_cast<size_t>(c)] = {.across = n == 1 ? 1 : from.h_samp_factor,
                                               .down = n == 1 ? 1 : from.v_samp_factor,
                                               .size = from.DCT_scaled_size,
                                               .steps = steps->quantval,
                                               .dc_counts = dc->bits,
                                               .dc_values = dc->huffval,
                                               .ac_counts = ac->bits,
                                               .ac_values = ac->huffval};
  }
  return jpeg::SequentialDecoder::takes(scan);
}

}  // namespace

JpegFile::JpegFile(Bytes bytes) : reader_(std::make_unique<Reader>(bytes)) {}
JpegFile::~JpegFile() = default;

Result<Header> JpegFile::header() {
  if (Result<> read = reader_->header(); !read) return read.failure();
  const jpeg_decompress_struct& info = reader_->info();
  return Header{.format = Format::jpeg,
                .width = info.image_width,
                .height = info.image_height,
                .channels = info.num_components,
                .orientation = reader_->orientation()};
}

Result<Decoded> JpegFile::decode(const DecodeOptions& options,
                                 const std::function<Window(int64_t, int64_t)>& part, Image& out) {
  Reader& reader = *reader_;
  jpeg_decompress_struct& info = reader.info();
  const bool cmyk = info.num_components == 4;
  const bool grey = info.num_components == 1 && options.colour == Colour::grey;
  info.out_color_space = cmyk ? JCS_CMYK : grey ? JCS_GRAYSCALE : JCS_RGB;
  info.scale_num = 1;
  info.scale_denom = denominator(info, options);
  if (!reader.guarded([&] { jpeg_calc_output_dimensions(&info); }))
    return reader.because_of("its sizes");
  const int64_t width = info.output_width, height = info.output_height;
  Decoded decoded = {.width = width, .height = height};
  // Large tables and rows, kept from file to file.
  thread_local jpeg::SequentialDecoder sequential;
  thread_local jpeg::Scan scan;
  if (as_scan(info, reader.data(), scan)) {
    Window window = part(width, height);
    if (sequential.decode(scan, !reader.has_end_marker(), grey, window, out)) {
      decoded.x = window.x;
      decoded.y = window.y;
      return decoded;
    }
  }
  if (!reader.guarded([&] { jpeg_start_decompress(&info); }))
    return reader.because_of("its tables");
  if (reader.lost_scans() && !options.allow_truncated) return reader.because_of("its scans");
  out.reset(width, height, grey ? 1 : 3);
  Image line;
  if (cmyk) line.reset(width, 1, 4);
  JSAMPROW rows[16];
  if (!reader.guarded([&] {
        while (info.output_scanline < info.output_height) {
          const int64_t y = info.output_scanline;
          if (cmyk) {
            rows[0] = line.data();
            if (jpeg_read_scanlines(&info, rows, 1) == 1)
              cmyk_to_rgb(line.data(), width, out.row(y));
            continue;
          }
          const int64_t n = std::min<int64_t>(16, height - y);
          for (int64_t i = 0; i < n; ++i) rows[i] = out.row(y + i);
          jpeg_read_scanlines(&info, rows, static_cast<JDIMENSION>(n));
        }
      }))
    return reader.because_of("its pixels");
  if (reader.lost_data() && !options.allow_truncated) return reader.because_of("its pixels");
  return decoded;
}

}  // namespace andiron::images
