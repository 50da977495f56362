#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace andiron::collective {

inline constexpr size_t kDigestBytes = 32;
using Digest = std::array<std::byte, kDigestBytes>;

/// Initializes OpenSSL once, without its configuration file and without a hook at exit: our copy is
/// linked statically and may live in a library that is unloaded.
void prepare_openssl();

/// HMAC-SHA256 of the parts, one after another. The parts before the last have fixed lengths.
Digest hmac(std::string_view secret, std::initializer_list<std::span<const std::byte>> parts);
/// SHA-256.
Digest digest(std::string_view text);
/// Compares in constant time.
bool same(const Digest& a, const Digest& b);
/// From the system's generator. Throws IoError when it gives nothing.
Digest fresh_nonce();
/// Overwrites the bytes in a way that no compiler removes.
void wipe(std::string& secret);

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace andiron::collective
