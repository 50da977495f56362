#include "andiron/io/crc32c.hpp"

#include <nmmintrin.h>

#include <cstring>

namespace andiron::io {

uint32_t crc32c(std::span<const std::byte> bytes, uint32_t so_far) {
  uint64_t crc = ~so_far;
  const std::byte* p = bytes.data();
  size_t n = bytes.size();
  for (; n >= 8; n -= 8, p += 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    crc = _mm_crc32_u64(crc, word);
  }
  for (; n > 0; --n, ++p) crc = _mm_crc32_u8(static_cast<uint32_t>(crc), static_cast<uint8_t>(*p));
  return ~static_cast<uint32_t>(crc);
}

}  // namespace andiron::io
