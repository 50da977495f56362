#pragma once

#include <span>
#include <vector>

#include "andiron/images/image.hpp"
#include "andiron/images/jpeg_huffman.hpp"
#include "andiron/images/jpeg_kernels.hpp"
#include "andiron/images/resample.hpp"

namespace andiron::images::jpeg {

/// A JPEG of 8 bits, sequential, all of it in one scan: what its header says, as libjpeg read it.
struct Scan {
  struct Component {
    int across = 1, down = 1;  ///< blocks in a MCU
    int size = 8;              ///< pixels that a block becomes, across and down: 8, 4, 2 or 1
    const uint16_t* steps = nullptr;                           ///< [64], row by row
    const uint8_t *dc_counts = nullptr, *dc_values = nullptr;  ///< as HuffmanTable::build wants
    const uint8_t *ac_counts = nullptr, *ac_values = nullptr;
  };
  int64_t width = 0, height = 0;          ///< in the file
  int64_t out_width = 0, out_height = 0;  ///< decoded at this size
  std::vector<Component> components;      ///< Y, or Y Cb Cr
  int64_t restart_interval = 0;           ///< MCUs; 0: none
  std::span<const uint8_t> data;          ///< from behind the scan's header to the end of the file
};

/// Decodes undamaged files several times as fast as libjpeg does and to the same bits: codes are
/// looked up with their values, and pixels that nobody wants are not computed. Whatever looks
/// unusual is left to libjpeg. Keeps its memory from call to call. Not thread safe.
class SequentialDecoder {
 public:
  /// Whether there is a way here for that sampling and those sizes.
  static bool takes(const Scan& scan);

  /// The pixels of `window` of the decoded image; may add a column at its left, which `window` says
  /// afterwards. RGB, or grey if there is one component and `grey`. `whole`: read the data to their
  /// end, even where the window has all its rows before. False (with `out` undefined) where the
  /// data are damaged or unusual. REQUIRES takes(scan); window within the image, not empty.
  bool decode(const Scan& scan, bool whole, bool grey, Window& window, Image& out);

 private:
  struct Plane {
    std::vector<uint8_t> memory;
    int64_t stride = 0, rows = 0, before = 0;  // `before`: rows that stay from the last MCU row
    uint8_t* row(int64_t y) { return memory.data() + 64 + (y + before) * stride; }
  };
  struct Coder {
    HuffmanTable dc, ac;
    uint32_t last_dc = 0;
  };

  bool prepare(const Scan& scan, const Window& window);
  void next_segment();
  bool mcu(const Scan& scan, int64_t x, bool wanted);
  void add(const BlockToPixels& block, int size);
  void flush();
  void emit(const Scan& scan, int64_t mcu_row, const Window& window, bool grey, Image& out);
  void pad_edges(const Scan& scan);
  const uint8_t* chroma(const Scan& scan, size_t c, int64_t y, int64_t first_row, int64_t from,
                        int64_t n);

  const Kernels* kernels_ = nullptr;
  Coder coders_[3];
  Plane planes_[3];
  std::vector<uint8_t> rows_[3];  // a row of each, upsampled
  std::vector<uint8_t> unstuffed_;
  std::span<const uint8_t> rest_;
  Bits bits_;
  int64_t across_ = 0, down_ = 0;  // MCUs of the image
  int64_t left_ = 0, right_ = 0;   // MCUs across that are wanted
  int64_t mcu_width_ = 0, mcu_height_ = 0;
  int marker_ = 0;  // that ended the last segment
  alignas(32) int16_t coefficients_[2][kBlock] = {};
  int slot_ = 0;  // of coefficients_, for the next block
  BlockToPixels waiting_ = {};
  int waiting_size_ = 0;  // 0: nothing waits
};

}  // namespace andiron::images::jpeg
