#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "andiron/collective/secret.hpp"
#include "andiron/collective/stream.hpp"

namespace andiron::collective {

namespace {

constexpr size_t kRecord = 16 << 10;
constexpr char kIdentity[] = "andiron";

std::string openssl_text() {
  std::string text;
  while (const unsigned long code = ERR_get_error()) {
    char line[256];
    ERR_error_string_n(code, line, sizeof line);
    text += (text.empty() ? "" : "; ") + std::string(line);
  }
  return text.empty() ? "TLS failed without a reason" : text;
}

// OpenSSL's own socket BIO writes without MSG_NOSIGNAL: a closed peer would end the process.
int bio_write(BIO* bio, const char* data, int n) {
  BIO_clear_retry_flags(bio);
  const auto fd = static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio)));
  const ssize_t sent = ::send(fd, data, static_cast<size_t>(n), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int bio_read(BIO* bio, char* data, int n) {
  BIO_clear_retry_flags(bio);
  const auto fd = static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio)));
  const ssize_t got = ::recv(fd, data, static_cast<size_t>(n), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(got);
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "andiron socket");
    BIO_meth_set_write(m, bio_write);
    BIO_meth_set_read(m, bio_read);
    BIO_meth_set_ctrl(m, bio_control);
    return m;
  }();
  return method;
}

class TlsStream : public Stream {
 public:
  // A key of kDigestBytes.
  TlsStream(int fd, std::string key) : fd_(fd), key_(std::move(key)) {}

  ~TlsStream() override {
    if (ssl_ != nullptr) SSL_free(ssl_);
    if (context_ != nullptr) SSL_CTX_free(context_);
    ::close(fd_);
    wipe(key_);
  }
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  Result<> start(bool is_server) {
    prepare_openssl();
    ERR_clear_error();
    context_ = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    if (context_ == nullptr) return failure("cannot make a TLS context: {}", openssl_text());
    SSL_CTX_set_min_proto_version(context_, TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(context_, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256");
    SSL_CTX_set_psk_client_callback(context_, offer_key);
    SSL_CTX_set_psk_server_callback(context_, find_key);
    SSL_CTX_set_num_tickets(context_, 0);
    SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                   SSL_MODE_AUTO_RETRY);
    ssl_ = SSL_new(context_);
    BIO* bio = BIO_new(bio_method());
    if (ssl_ == nullptr || bio == nullptr)
      return failure("cannot make a TLS connection: {}", openssl_text());
    BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(fd_)));
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_, bio, bio);
    SSL_set_app_data(ssl_, this);
    is_server ? SSL_set_accept_state(ssl_) : SSL_set_connect_state(ssl_);
    return success();
  }

  int fd() const override { return fd_; }

  IoStep read(std::span<const iovec> parts) override {
    size_t moved = 0;
    for (const iovec& part : parts) {
      if (part.iov_len == 0) continue;
      size_t n = 0;
      ERR_clear_error();
      const int status = SSL_read_ex(ssl_, part.iov_base, part.iov_len, &n);
      if (status <= 0) return moved > 0 ? moved_bytes(moved) : stuck(status);
      moved += n;
      if (n < part.iov_len) break;
    }
    return moved_bytes(moved);
  }

  IoStep write(std::span<const iovec> parts) override {
    // A header and what fits beside it make one record. A write that has to be repeated is repeated
    // with the same bytes, since our callers go on where the last one stopped.
    record_.clear();
    const void* data = parts.empty() ? nullptr : parts[0].iov_base;
    size_t size = parts.empty() ? 0 : std::min(parts[0].iov_len, kRecord);
    if (parts.size() > 1 && size < kRecord) {
      for (const iovec& part : parts) {
        const auto* begin = static_cast<const std::byte*>(part.iov_base);
        const size_t n = std::min(part.iov_len, kRecord - record_.size());
        record_.insert(record_.end(), begin, begin + n);
      }
      data = record_.data();
      size = record_.size();
    }
    size_t n = 0;
    ERR_clear_error();
    const int status = SSL_write_ex(ssl_, data, size, &n);
    return status > 0 ? moved_bytes(n) : stuck(status);
  }

 private:
  static IoStep moved_bytes(size_t n) { return {.state = IoStep::State::moved, .bytes = n}; }

  IoStep stuck(int status) {
    const int system_error = errno;
    switch (SSL_get_error(ssl_, status)) {
      case SSL_ERROR_WANT_READ:
        return {.state = IoStep::State::blocked, .events = POLLIN};
      case SSL_ERROR_WANT_WRITE:
        return {.state = IoStep::State::blocked, .events = POLLOUT};
      case SSL_ERROR_ZERO_RETURN:
        return {.state = IoStep::State::closed};
      case SSL_ERROR_SYSCALL:
        if (system_error == 0) return {.state = IoStep::State::closed};
        return {.state = IoStep::State::failed, .error = system_error};
      default: {
        const bool cut = ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
        const std::string text = openssl_text();
        if (cut) return {.state = IoStep::State::closed};
        return {.state = IoStep::State::failed, .text = "TLS: " + text};
      }
    }
  }

  static unsigned put_key(SSL* ssl, unsigned char* key, unsigned room) {
    const auto* self = static_cast<const TlsStream*>(SSL_get_app_data(ssl));
    if (self->key_.size() > room) return 0;
    std::memcpy(key, self->key_.data(), self->key_.size());
    return static_cast<unsigned>(self->key_.size());
  }

  static unsigned offer_key(SSL* ssl, const char*, char* identity, unsigned identity_room,
                            unsigned char* key, unsigned room) {
    if (identity_room < sizeof kIdentity) return 0;
    std::memcpy(identity, kIdentity, sizeof kIdentity);
    return put_key(ssl, key, room);
  }

  static unsigned find_key(SSL* ssl, const char* identity, unsigned char* key, unsigned room) {
    if (identity == nullptr || std::strcmp(identity, kIdentity) != 0) return 0;
    return put_key(ssl, key, room);
  }

  int fd_;
  std::string key_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  std::vector<std::byte> record_;
};

}  // namespace

Result<std::unique_ptr<Stream>> tls_stream(int fd, bool is_server, const std::string& key) {
  auto stream = std::make_unique<TlsStream>(fd, key);
  if (Result<> started = stream->start(is_server); !started) return started.failure();
  return std::unique_ptr<Stream>(std::move(stream));
}

}  // namespace andiron::collective
