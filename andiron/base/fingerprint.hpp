#pragma once

#include <array>
#include <cstdint>
#include <string_view>

/// Hashes of texts that are the same on every machine and in every version: files keep them.
namespace andiron {

/// FarmHash's Fingerprint64 (farmhashna::Hash64; Geoff Pike, Google, 2014), which TensorFlow and
/// Keras hash texts with.
uint64_t fingerprint64(std::string_view text);
/// The fingerprint of an integer written in decimal digits, as Keras hashes integers.
uint64_t fingerprint64_of_digits(int64_t value);

/// SipHash-2-4 under a key of 128 bits. Aumasson and Bernstein, SipHash: a fast short-input PRF,
/// 2012.
using SipKey = std::array<uint64_t, 2>;
uint64_t sip_hash(const SipKey& key, std::string_view bytes);
uint64_t sip_hash_of_digits(const SipKey& key, int64_t value);

/// One fingerprint of two, in this order (TensorFlow's FingerprintCat64).
uint64_t joined_fingerprint(uint64_t first, uint64_t second);

}  // namespace andiron
