#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>

// The entropy coding of sequential JPEG (ITU-T T.81, F.2.2): codes of at most 16 bits, each one
// followed by up to 15 bits of a value. Codes are looked up together with their value where both
// fit into kLookBits.
namespace andiron::images::jpeg {

/// The bits of a segment of entropy-coded data, whose stuffed zero bytes were taken out.
/// REQUIRES kBitPadding readable bytes behind the segment: who reads checks `overrun` once a MCU.
class Bits {
 public:
  Bits() = default;
  Bits(const uint8_t* data, int64_t n_bytes) : at_(data), data_(data), n_bits_(8 * n_bytes) {
    refill();
  }
  /// Makes 56 bits or more readable.
  void refill() {
    uint64_t next = 0;
    std::memcpy(&next, at_, 8);
    word_ |= __builtin_bswap64(next) >> n_;
    at_ += (63 - n_) >> 3;
    n_ |= 56;
  }
  uint64_t peek(int n) const { return word_ >> (64 - n); }
  void drop(int n) {
    word_ <<= n;
    n_ -= n;
  }
  /// n > 0 bits as the standard's EXTEND has them: those that begin with 0 are negative.
  int32_t value(int n) {
    const auto bits = static_cast<int32_t>(peek(n));
    drop(n);
    return bits < 1 << (n - 1) ? bits - (1 << n) + 1 : bits;
  }
  /// Bits that are left, negative when more were read than there are.
  int64_t left() const { return n_bits_ - (8 * (at_ - data_) - n_); }
  bool overrun() const { return left() < 0; }

 private:
  uint64_t word_ = 0;  // the next bits from the top; below them zeros or what follows
  int n_ = 0;
  const uint8_t *at_ = nullptr, *data_ = nullptr;
  int64_t n_bits_ = 0;
};

/// More than the bits of a MCU of six blocks.
constexpr int64_t kBitPadding = 4096;

/// Positions of coefficients in the order of the file; those behind the last one (a damaged file's)
/// go to place 64.
extern const std::array<uint8_t, 80> kZigzag;
/// Coefficients of a block, row by row, and place 64.
constexpr int kBlock = 80;

constexpr int kLookBits = 11, kSkipBits = 12;

class HuffmanTable {
 public:
  /// `counts` [17]: how many codes of each length (from 1); `values`: theirs, in order. False for
  /// what libjpeg refuses too.
  bool build(const uint8_t* counts, const uint8_t* values, bool dc);
  /// Makes skip_ac faster, for images large enough to repay it.
  void build_skips();

  /// The difference of a DC coefficient. REQUIRES 31 readable bits. False: no such code.
  bool dc(Bits& bits, int32_t& difference) const {
    const uint32_t entry = look_[bits.peek(kLookBits)];
    if ((entry & kWhole) != 0) {
      bits.drop(static_cast<int>(entry & 0xFF));
      difference = static_cast<int32_t>(entry) >> 16;
      return true;
    }
    const int32_t symbol = long_symbol(bits, entry);
    difference = symbol > 0 ? bits.value(symbol) : 0;
    return symbol >= 0;
  }

  /// The AC coefficients of a block of zeros. Returns a place in the file behind which there are
  /// none (0: there are none at all), or -1 for what is no block. REQUIRES 56 readable bits; leaves
  /// enough for `dc`.
  int ac(Bits& bits, int16_t* block) const {
    int k = 1;
    while (true) {
      uint32_t entry = look_[bits.peek(kLookBits)];
      if (entry >> 16 != 0) {
        take(bits, entry, k, block);
        if (k >= 64) break;
        entry = look_[bits.peek(kLookBits)];
        if (entry >> 16 != 0) {
          take(bits, entry, k, block);
          bits.refill();
          if (k >= 64) break;
          continue;
        }
      }
      const int32_t symbol = long_symbol(bits, entry);
      if (symbol < 0) return -1;
      const int run = symbol >> 4, size = symbol & 15;
      if (size == 0) {
        if (run != 15) {  // the rest is 0
          bits.refill();
          return k - 1;
        }
        k += 16;
      } else {
        k += run;
        block[kZigzag[static_cast<size_t>(k)]] = static_cast<int16_t>(bits.value(size));
        ++k;
      }
      bits.refill();
      if (k >= 64) break;
    }
    return k == 64 ? 63 : -1;
  }

  /// The same without the coefficients: 0 or -1.
  int skip_ac(Bits& bits) const {
    int k = 1;
    while (true) {
      if (!skips_.empty()) {
        const uint32_t skip = skips_[bits.peek(kSkipBits)];
        const int next = k + static_cast<int>(skip >> 8 & 0xFF);
        if (skip != 0 && next < 64) {
          bits.drop(static_cast<int>(skip & 0xFF));
          k = next;
          bits.refill();
          if ((skip >> 16) != 0) return 0;
          continue;
        }
      }
      const uint32_t entry = look_[bits.peek(kLookBits)];
      if (entry >> 16 != 0) {
        bits.drop(static_cast<int>(entry & 0xFF));
        k += static_cast<int>(entry >> 8 & 15) + 1;
      } else {
        const int32_t symbol = long_symbol(bits, entry);
        if (symbol < 0) return -1;
        const int run = symbol >> 4, size = symbol & 15;
        if (size == 0 && run != 15) {
          bits.refill();
          return 0;
        }
        bits.drop(size);
        k += run + 1;
      }
      bits.refill();
      if (k >= 64) return k == 64 ? 0 : -1;
    }
  }

 private:
  // An entry is 0 where the code is longer than kLookBits or none. Otherwise, from the lowest bit:
  //   AC, code and value fit: 8 bits of length of both, 4 of run, 4 unused, 16 of value (never 0)
  //   DC, code and value fit: the same, kWhole in the place of the run
  //   others: 8 bits of length of the code, 8 of its symbol (for DC with 0 in the upper four)
  static constexpr uint32_t kWhole = 1U << 15;

  static void take(Bits& bits, uint32_t entry, int& k, int16_t* block) {
    bits.drop(static_cast<int>(entry & 0xFF));
    k += static_cast<int>(entry >> 8 & 15);
    block[kZigzag[static_cast<size_t>(k)]] = static_cast<int16_t>(entry >> 16);
    ++k;
  }

  // The symbol of the next code, or -1.
  int32_t long_symbol(Bits& bits, uint32_t entry) const {
    if (entry != 0) {
      bits.drop(static_cast<int>(entry & 0xFF));
      return static_cast<int32_t>(entry >> 8 & 0xFF);
    }
    const auto code = static_cast<int32_t>(bits.peek(16));
    for (size_t n = kLookBits + 1; n <= 16; ++n)
      if (code < end_[n]) {
        bits.drop(static_cast<int>(n));
        return values_[static_cast<size_t>((code >> (16 - n)) + offset_[n])];
      }
    return -1;
  }

  std::array<uint32_t, 1 << kLookBits> look_;
  std::array<int32_t, 17> end_;     // behind the codes of a length, as 16 bits; 0: there are none
  std::array<int32_t, 17> offset_;  // of a code of this length to its value
  std::array<uint8_t, 256> values_;
  // As many symbols as fit: 8 bits of length, 8 of coefficients, 1 of whether the block ends.
  std::vector<uint32_t> skips_;
};

}  // namespace andiron::images::jpeg
