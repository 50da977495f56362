#include "andiron/base/fingerprint.hpp"

#include <bit>
#include <charconv>
#include <cstring>
#include <utility>

namespace andiron {

namespace {

static_assert(std::endian::native == std::endian::little, "bytes are read as little-endian words");

template <class T>
T word_at(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}
uint64_t word64(const char* at) { return word_at<uint64_t>(at); }

// FarmHash's names for its constants and steps.
constexpr uint64_t k0 = 0xc3a5c85c97cb3127;
constexpr uint64_t k1 = 0xb492b66fbe98f273;
constexpr uint64_t k2 = 0x9ae16a3b2f90404f;

uint64_t shift_mix(uint64_t v) { return v ^ (v >> 47); }

uint64_t hash_pair(uint64_t u, uint64_t v, uint64_t mul) {
  const uint64_t a = shift_mix((u ^ v) * mul);
  return shift_mix((v ^ a) * mul) * mul;
}

uint64_t hash_up_to_16(const char* s, size_t n) {
  const uint64_t mul = k2 + n * 2;
  if (n >= 8) {
    const uint64_t a = word64(s) + k2, b = word64(s + n - 8);
    return hash_pair(std::rotr(b, 37) * mul + a, (std::rotr(a, 25) + b) * mul, mul);
  }
  if (n >= 4) {
    const uint64_t a = word_at<uint32_t>(s);
    return hash_pair(n + (a << 3), word_at<uint32_t>(s + n - 4), mul);
  }
  if (n == 0) return k2;
  const auto byte = [s](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(s[i])); };
  const uint32_t y = byte(0) + (byte(n / 2) << 8);
  const uint32_t z = static_cast<uint32_t>(n) + (byte(n - 1) << 2);
  return shift_mix(y * k2 ^ z * k0) * k2;
}

uint64_t hash_17_to_32(const char* s, size_t n) {
  const uint64_t mul = k2 + n * 2;
  const uint64_t a = word64(s) * k1, b = word64(s + 8);
  const uint64_t c = word64(s + n - 8) * mul, d = word64(s + n - 16) * k2;
  return hash_pair(std::rotr(a + b, 43) + std::rotr(c, 30) + d, a + std::rotr(b + k2, 18) + c, mul);
}

uint64_t hash_33_to_64(const char* s, size_t n) {
  const uint64_t mul = k2 + n * 2;
  const uint64_t a = word64(s) * k2, b = word64(s + 8);
  const uint64_t c = word64(s + n - 8) * mul, d = word64(s + n - 16) * k2;
  const uint64_t y = std::rotr(a + b, 43) + std::rotr(c, 30) + d;
  const uint64_t z = hash_pair(y, a + std::rotr(b + k2, 18) + c, mul);
  const uint64_t e = word64(s + 16) * mul, f = word64(s + 24);
  const uint64_t g = (y + word64(s + n - 32)) * mul, h = (z + word64(s + n - 24)) * mul;
  return hash_pair(std::rotr(e + f, 43) + std::rotr(g, 30) + h, e + std::rotr(f + a, 18) + g, mul);
}

using Pair = std::pair<uint64_t, uint64_t>;

// 32 bytes into two words that begin as a and b.
Pair mix_32(const char* s, uint64_t a, uint64_t b) {
  a += word64(s);
  b = std::rotr(b + a + word64(s + 24), 21);
  const uint64_t before = a;
  a += word64(s + 8);
  a += word64(s + 16);
  b += std::rotr(a, 44);
  return {a + word64(s + 24), b + before};
}

uint64_t hash_long(const char* s, size_t n) {
  uint64_t x = 81, y = 81 * k1 + 113, z = shift_mix(y * k2 + 113) * k2;
  Pair v = {0, 0}, w = {0, 0};
  x = x * k2 + word64(s);
  const char* const last = s + n - 64;  // overlaps the block before
  const char* const end = s + (n - 1) / 64 * 64;
  for (; s != end; s += 64) {
    x = std::rotr(x + y + v.first + word64(s + 8), 37) * k1;
    y = std::rotr(y + v.second + word64(s + 48), 42) * k1;
    x ^= w.second;
    y += v.first + word64(s + 40);
    z = std::rotr(z + w.first, 33) * k1;
    v = mix_32(s, v.second * k1, x + w.first);
    w = mix_32(s + 32, z + w.second, y + word64(s + 16));
    std::swap(z, x);
  }
  const uint64_t mul = k1 + ((z & 0xff) << 1);
  w.first += (n - 1) & 63;
  v.first += w.first;
  w.first += v.first;
  x = std::rotr(x + y + v.first + word64(last + 8), 37) * mul;
  y = std::rotr(y + v.second + word64(last + 48), 42) * mul;
  x ^= w.second * 9;
  y += v.first * 9 + word64(last + 40);
  z = std::rotr(z + w.first, 33) * mul;
  v = mix_32(last, v.second * mul, x + w.first);
  w = mix_32(last + 32, z + w.second, y + word64(last + 16));
  std::swap(z, x);
  return hash_pair(hash_pair(v.first, w.first, mul) + shift_mix(y) * k0 + z,
                   hash_pair(v.second, w.second, mul) + x, mul);
}

struct Digits {
  char bytes[20];
  size_t n;
  explicit Digits(int64_t value)
      : n(static_cast<size_t>(std::to_chars(bytes, bytes + sizeof(bytes), value).ptr - bytes)) {}
  std::string_view text() const { return {bytes, n}; }
};

struct SipState {
  uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1, v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0, v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1, v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2, v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }
  void take(uint64_t word) {
    v3 ^= word;
    round(), round();
    v0 ^= word;
  }
};

}  // namespace

uint64_t fingerprint64(std::string_view text) {
  const size_t n = text.size();
  if (n <= 16) return hash_up_to_16(text.data(), n);
  if (n <= 32) return hash_17_to_32(text.data(), n);
  return n <= 64 ? hash_33_to_64(text.data(), n) : hash_long(text.data(), n);
}

uint64_t fingerprint64_of_digits(int64_t value) { return fingerprint64(Digits(value).text()); }

uint64_t sip_hash(const SipKey& key, std::string_view bytes) {
  SipState s = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
                key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
  size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) s.take(word64(bytes.data() + at));
  uint64_t last = static_cast<uint64_t>(bytes.size()) << 56;
  for (size_t i = 0; at + i < bytes.size(); ++i)
    last |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[at + i])) << (8 * i);
  s.take(last);
  s.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) s.round();
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t sip_hash_of_digits(const SipKey& key, int64_t value) {
  return sip_hash(key, Digits(value).text());
}

uint64_t joined_fingerprint(uint64_t first, uint64_t second) {
  constexpr uint64_t kMul = 0xc6a4a7935bd1e995;
  uint64_t out = first ^ kMul;
  out ^= shift_mix(second * kMul) * kMul;
  out *= kMul;
  return shift_mix(shift_mix(out) * kMul);
}

}  // namespace andiron
