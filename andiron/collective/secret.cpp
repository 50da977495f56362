#include "andiron/collective/secret.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <vector>

#include "andiron/base/error.hpp"

namespace andiron::collective {

void prepare_openssl() {
  static const bool done =
      OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, nullptr) == 1;
  if (!done) throw IoError("[collective] OpenSSL cannot be initialized");
}

Digest hmac(std::string_view secret, std::initializer_list<std::span<const std::byte>> parts) {
  prepare_openssl();
  std::vector<std::byte> text;
  for (const std::span<const std::byte> part : parts)
    text.insert(text.end(), part.begin(), part.end());
  Digest out{};
  unsigned n = 0;
  const auto* done = HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
                          reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                          reinterpret_cast<unsigned char*>(out.data()), &n);
  if (done == nullptr || n != kDigestBytes)
    throw IoError("[collective] OpenSSL has no HMAC-SHA256");
  return out;
}

Digest digest(std::string_view text) {
  prepare_openssl();
  Digest out{};
  unsigned n = 0;
  if (EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(out.data()), &n,
                 EVP_sha256(), nullptr) != 1)
    throw IoError("[collective] OpenSSL has no SHA-256");
  return out;
}

bool same(const Digest& a, const Digest& b) {
  return CRYPTO_memcmp(a.data(), b.data(), kDigestBytes) == 0;
}

Digest fresh_nonce() {
  prepare_openssl();
  Digest out{};
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), kDigestBytes) != 1)
    throw IoError("[collective] the system gives no random bytes");
  return out;
}

void wipe(std::string& secret) { OPENSSL_cleanse(secret.data(), secret.size()); }

}  // namespace andiron::collective
