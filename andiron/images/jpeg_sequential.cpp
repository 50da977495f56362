#include "andiron/images/jpeg_sequential.hpp"

#include <algorithm>
#include <cstring>

#include "andiron/base/isa.hpp"

namespace andiron::images::jpeg {

namespace {

// Readable bytes that kernels want behind the end of rows.
constexpr int64_t kRowSlack = 128;
// Behind which place in the file coefficients leave the first four rows and columns.
constexpr int kLastLow = 9;
// Blocks to skip that repay their table.
constexpr int64_t kManySkips = 20'000;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// How many pixels a sample of the component stands for.
int ratio_across(const Scan& scan, size_t c) {
  return scan.components[0].across * scan.components[0].size /
         (scan.components[c].across * scan.components[c].size);
}
int ratio_down(const Scan& scan, size_t c) {
  return scan.components[0].down * scan.components[0].size /
         (scan.components[c].down * scan.components[c].size);
}

// Samples of the component that stand for pixels of the image.
int64_t samples(int64_t pixels, int64_t blocks, int64_t most_blocks, int64_t size) {
  return ceil_div(pixels * blocks * size, most_blocks * 8);
}

// A block whose AC coefficients are 0 is one colour.
void fill(const BlockToPixels& block, int size) {
  const auto dc = static_cast<int16_t>(static_cast<uint16_t>(block.coefficients[0]) *
                                       static_cast<unsigned>(block.steps[0]));
  block.coefficients[0] = 0;
  const auto pixel = static_cast<uint8_t>(std::clamp(((dc + 4) >> 3) + 128, 0, 255));
  if (size == 8) {
    const uint64_t pixels = pixel * 0x0101010101010101U;
    for (int y = 0; y < 8; ++y) std::memcpy(block.dst + y * block.stride, &pixels, 8);
    return;
  }
  for (int y = 0; y < size; ++y)
    std::memset(block.dst + y * block.stride, pixel, static_cast<size_t>(size));
}

}  // namespace

bool SequentialDecoder::takes(const Scan& scan) {
  const auto& parts = scan.components;
  if (parts.empty() || scan.out_width < 1 || scan.out_height < 1) return false;
  for (const Scan::Component& part : parts) {
    if (part.size != 8 && part.size != 4 && part.size != 2 && part.size != 1) return false;
    if (part.steps == nullptr || part.dc_counts == nullptr || part.ac_counts == nullptr)
      return false;
  }
  if (parts.size() == 1) return parts[0].across == 1 && parts[0].down == 1;
  if (parts.size() != 3 || parts[0].across > 2 || parts[0].down > parts[0].across) return false;
  for (size_t c = 1; c < 3; ++c) {
    if (parts[c].across != 1 || parts[c].down != 1 || parts[c].size != parts[1].size) return false;
    const int across = ratio_across(scan, c), down = ratio_down(scan, c);
    if (across < 1 || across > 2 || down < 1 || down > across) return false;
    // libjpeg repeats samples of the smallest images and those of one pixel a block.
    if (across == 2 &&
        (parts[0].size == 1 || samples(scan.width, 1, parts[0].across, parts[c].size) < 3))
      return false;
  }
  return true;
}

bool SequentialDecoder::prepare(const Scan& scan, const Window& window) {
  kernels_ = current_isa() == Isa::avx512 ? &avx512::kernels : &avx2::kernels;
  const Scan::Component& y = scan.components[0];
  across_ = ceil_div(scan.width, y.across * 8);
  down_ = ceil_div(scan.height, y.down * 8);
  mcu_width_ = y.across * y.size;
  mcu_height_ = y.down * y.size;
  const bool upsampled = scan.components.size() == 3 && ratio_across(scan, 1) == 2;
  const int64_t margin = upsampled ? 2 : 0;  // the filter's neighbours
  left_ = std::max<int64_t>(0, window.x - margin) / mcu_width_;
  right_ = std::min(across_, ceil_div(window.x + window.width + margin, mcu_width_));
  for (size_t c = 0; c < scan.components.size(); ++c) {
    const Scan::Component& part = scan.components[c];
    Coder& coder = coders_[c];
    if (!coder.dc.build(part.dc_counts, part.dc_values, true) ||
        !coder.ac.build(part.ac_counts, part.ac_values, false))
      return false;
    coder.last_dc = 0;
    if ((part.size == 1 ? across_ : across_ - (right_ - left_)) * down_ * part.across * part.down >
        kManySkips)
      coder.ac.build_skips();
    Plane& plane = planes_[c];
    plane.before = 1;
    plane.rows = part.down * part.size;
    plane.stride = (right_ - left_) * part.across * part.size + kRowSlack;
    plane.memory.resize(
        static_cast<size_t>((plane.before + plane.rows) * plane.stride + 2 * kRowSlack));
    rows_[c].resize(static_cast<size_t>((right_ - left_) * mcu_width_ + 2 * kRowSlack));
  }
  std::memset(coefficients_, 0, sizeof(coefficients_));
  waiting_size_ = 0;
  rest_ = scan.data;
  next_segment();
  return true;
}

// Takes the stuffed zeros out of the data up to the next marker.
void SequentialDecoder::next_segment() {
  const auto most = rest_.size() + static_cast<size_t>(kBitPadding);
  if (unstuffed_.size() < most) unstuffed_.resize(most);
  uint8_t* to = unstuffed_.data();
  const uint8_t *from = rest_.data(), *end = from + rest_.size();
  marker_ = 0;
  while (from < end) {
    const auto* stop =
        static_cast<const uint8_t*>(std::memchr(from, 0xFF, static_cast<size_t>(end - from)));
    const int64_t n = (stop == nullptr ? end : stop) - from;
    std::memcpy(to, from, static_cast<size_t>(n));
    to += n;
    from += n;
    if (from == end || from + 1 == end) {
      from = end;
      break;
    }
    if (from[1] == 0) {
      *to++ = 0xFF;
      from += 2;
      continue;
    }
    marker_ = from[1];
    from += 2;
    break;
  }
  std::memset(to, 0, static_cast<size_t>(kBitPadding));
  rest_ = {from, static_cast<size_t>(end - from)};
  bits_ = Bits(unstuffed_.data(), to - unstuffed_.data());
}

void SequentialDecoder::add(const BlockToPixels& block, int size) {
  if (waiting_size_ == 0) {
    waiting_ = block;
    waiting_size_ = size;
    slot_ ^= 1;
    return;
  }
  if (size != waiting_size_) {
    flush();
    return add(block, size);
  }
  (size == 8   ? kernels_->pixels8
   : size == 4 ? kernels_->pixels4
               : kernels_->pixels2)(waiting_, block);
  waiting_size_ = 0;
}

void SequentialDecoder::flush() {
  if (waiting_size_ == 0) return;
  alignas(32) int16_t none[kBlock] = {};
  uint8_t nowhere[64];
  BlockToPixels second = {none, waiting_.steps, nowhere, 8, true};
  const int size = waiting_size_;
  add(second, size);
}

// One MCU; `x`: which one of the row. False where it is damaged.
bool SequentialDecoder::mcu(const Scan& scan, int64_t x, bool wanted) {
  for (size_t c = 0; c < scan.components.size(); ++c) {
    const Scan::Component& part = scan.components[c];
    Coder& coder = coders_[c];
    for (int v = 0; v < part.down; ++v)
      for (int h = 0; h < part.across; ++h) {
        int32_t difference = 0;
        if (!coder.dc.dc(bits_, difference)) return false;
        coder.last_dc += static_cast<uint32_t>(difference);
        bits_.refill();
        if (!wanted) {
          if (coder.ac.skip_ac(bits_) < 0) return false;
          continue;
        }
        Plane& plane = planes_[c];
        BlockToPixels block = {
            coefficients_[slot_], part.steps,
            plane.row(v * part.size) + ((x - left_) * part.across + h) * part.size, plane.stride,
            false};
        block.coefficients[0] = static_cast<int16_t>(coder.last_dc);
        const int last =
            part.size == 1 ? coder.ac.skip_ac(bits_) : coder.ac.ac(bits_, block.coefficients);
        if (last < 0) return false;
        if (last == 0) {
          fill(block, part.size);
        } else {
          block.low = last <= kLastLow;
          add(block, part.size);
        }
      }
  }
  return !bits_.overrun();
}

// The filter along rows sees the last sample again beyond the edges of the image.
void SequentialDecoder::pad_edges(const Scan& scan) {
  if (scan.components.size() < 3 || ratio_across(scan, 1) == 1) return;
  for (size_t c = 1; c < 3; ++c) {
    const Scan::Component& part = scan.components[c];
    const int64_t n = samples(scan.width, 1, scan.components[0].across, part.size) -
                      left_ * part.across * part.size;
    for (int64_t y = 0; y < planes_[c].rows; ++y) {
      uint8_t* row = planes_[c].row(y);
      if (left_ == 0) row[-1] = row[0];
      if (right_ == across_) row[n] = row[n - 1];
    }
  }
}

// Samples of component `c` for pixels [from, from + n) of row y, counted from `left_`; `first_row`
// of the image is the first one of this MCU row. REQUIRES an even `from` where there are fewer
// samples than pixels.
const uint8_t* SequentialDecoder::chroma(const Scan& scan, size_t c, int64_t y, int64_t first_row,
                                         int64_t from, int64_t n) {
  Plane& plane = planes_[c];
  if (ratio_across(scan, c) == 1) return plane.row(y - first_row) + from;
  uint8_t* dst = rows_[c].data();
  const int64_t half = ceil_div(n, 2);
  if (ratio_down(scan, c) == 1) {
    kernels_->twice_across(plane.row(y - first_row) + from / 2, half, dst);
    return dst;
  }
  const int64_t last =
      samples(scan.height, 1, scan.components[0].down, scan.components[c].size) - 1;
  const int64_t near = y / 2;
  const int64_t far = std::clamp<int64_t>(y % 2 == 0 ? near - 1 : near + 1, 0, last);
  const int64_t origin = first_row / 2;
  kernels_->twice_both(plane.row(near - origin) + from / 2, plane.row(far - origin) + from / 2,
                       half, dst);
  return dst;
}

// The rows that are complete with this MCU row.
void SequentialDecoder::emit(const Scan& scan, int64_t mcu_row, const Window& window, bool grey,
                             Image& out) {
  const bool filtered = scan.components.size() == 3 && ratio_down(scan, 1) == 2;
  const int64_t first_row = mcu_row * mcu_height_;
  const int64_t late = filtered ? 1 : 0;  // the last row waits for the next MCU row
  const int64_t begin = std::max(window.y, first_row - late);
  const int64_t end =
      std::min(window.y + window.height,
               mcu_row + 1 == down_ ? scan.out_height : first_row + mcu_height_ - late);
  const int64_t from = window.x - left_ * mcu_width_;
  for (int64_t y = begin; y < end; ++y) {
    const uint8_t* luma = planes_[0].row(y - first_row) + from;
    uint8_t* dst = out.row(y - window.y);
    if (scan.components.size() == 3) {
      const uint8_t* cb = chroma(scan, 1, y, first_row, from, window.width);
      kernels_->rgb(luma, cb, chroma(scan, 2, y, first_row, from, window.width), window.width, dst);
    } else if (grey) {
      std::memcpy(dst, luma, static_cast<size_t>(window.width));
    } else {
      for (int64_t x = 0; x < window.width; ++x) std::memset(dst + 3 * x, luma[x], 3);
    }
  }
  if (!filtered) return;
  for (Plane& plane : planes_)
    std::memcpy(plane.row(-1) - 32, plane.row(plane.rows - 1) - 32,
                static_cast<size_t>(plane.stride));
}

bool SequentialDecoder::decode(const Scan& scan, bool whole, bool grey, Window& window,
                               Image& out) {
  if (scan.components.size() == 3 && window.x % 2 != 0) {
    --window.x;
    ++window.width;
  }
  if (!prepare(scan, window)) return false;
  out.reset(window.width, window.height, grey && scan.components.size() == 1 ? 1 : 3);
  const int64_t late = scan.components.size() == 3 && ratio_down(scan, 1) == 2 ? 1 : 0;
  const int64_t first = std::max<int64_t>(0, window.y - late) / mcu_height_;
  const int64_t last =
      std::min(down_, ceil_div(window.y + window.height + late, mcu_height_));  // behind it
  int64_t until_restart = scan.restart_interval;
  int next_marker = 0xD0;
  for (int64_t y = 0; y < (whole ? down_ : last); ++y) {
    const bool row_wanted = y >= first && y < last;
    for (int64_t x = 0; x < across_; ++x) {
      if (scan.restart_interval > 0 && until_restart-- == 0) {
        if (marker_ != next_marker || bits_.left() >= 8) return false;
        next_marker = 0xD0 + (next_marker + 1) % 8;
        until_restart = scan.restart_interval - 1;
        for (Coder& coder : coders_) coder.last_dc = 0;
        next_segment();
      }
      if (!mcu(scan, x, row_wanted && x >= left_ && x < right_)) return false;
    }
    if (!row_wanted) continue;
    flush();
    pad_edges(scan);
    emit(scan, y, window, grey, out);
  }
  return true;
}

}  // namespace andiron::images::jpeg
