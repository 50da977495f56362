#include "andiron/images/jpeg_huffman.hpp"

#include <algorithm>

namespace andiron::images::jpeg {

constexpr std::array<uint8_t, 80> kZigzag = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33,
    40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36,
    29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64};

bool HuffmanTable::build(const uint8_t* counts, const uint8_t* values, bool dc) {
  look_.fill(0);
  end_.fill(0);
  offset_.fill(0);
  values_.fill(0);
  skips_.clear();
  int32_t code = 0;
  size_t at = 0;
  for (int length = 1; length <= 16; ++length, code <<= 1) {
    const int32_t n = counts[length];
    if (at + static_cast<size_t>(n) > values_.size()) return false;
    offset_[static_cast<size_t>(length)] = static_cast<int32_t>(at) - code;
    for (int32_t i = 0; i < n; ++i, ++code, ++at) {
      const uint8_t symbol = values[at];
      if (dc && symbol > 15) return false;
      values_[at] = symbol;
      if (length > kLookBits || code >= 1 << length) continue;
      const auto size = static_cast<int>(symbol & 15);
      const int free = kLookBits - length, rest = free - size;
      const auto plain = static_cast<uint32_t>(length) | static_cast<uint32_t>(symbol) << 8;
      const size_t first = static_cast<size_t>(code) << free;
      if (rest < 0 || (size == 0 && !dc)) {
        std::fill_n(look_.begin() + static_cast<std::ptrdiff_t>(first), 1 << free, plain);
        continue;
      }
      const uint32_t whole = static_cast<uint32_t>(length + size) |
                             (dc ? kWhole : static_cast<uint32_t>(symbol >> 4) << 8);
      for (int32_t bits = 0; bits < 1 << size; ++bits) {
        const int32_t value = size > 0 && bits < 1 << (size - 1) ? bits - (1 << size) + 1 : bits;
        std::fill_n(look_.begin() +
                        static_cast<std::ptrdiff_t>(first + (static_cast<size_t>(bits) << rest)),
                    1 << rest, whole | static_cast<uint32_t>(value) << 16);
      }
    }
    if (n > 0 && code >= 1 << length) return false;  // too many; the one of ones is reserved
    end_[static_cast<size_t>(length)] = n > 0 ? code << (16 - length) : 0;
  }
  return true;
}

void HuffmanTable::build_skips() {
  skips_.assign(size_t{1} << kSkipBits, 0);
  for (uint32_t i = 0; i < skips_.size(); ++i) {
    uint32_t length = 0, coefficients = 0, ends = 0;
    while (ends == 0) {
      // What follows the known bits reads as 0: an entry counts only if it needs none of that.
      const uint32_t next = (i << length) & ((1U << kSkipBits) - 1U);
      const uint32_t entry = look_[next >> (kSkipBits - kLookBits)];
      if (entry == 0) break;
      const bool whole = entry >> 16 != 0;
      const uint32_t run = entry >> (whole ? 8 : 12) & 15;
      const uint32_t size = whole ? 0 : entry >> 8 & 15;
      const uint32_t n = (entry & 0xFF) + size;
      if (length + n > kSkipBits) break;
      length += n;
      if (!whole && size == 0 && run != 15)
        ends = 1;
      else
        coefficients += run + 1;
    }
    if (length > 0) skips_[i] = length | coefficients << 8 | ends << 16;
  }
}

}  // namespace andiron::images::jpeg
