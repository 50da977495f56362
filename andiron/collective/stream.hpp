#pragma once

#include <poll.h>
#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "andiron/base/result.hpp"

namespace andiron::collective {

/// What one attempt to read or write did.
struct IoStep {
  enum class State : uint8_t { moved, blocked, closed, failed };
  State state;
  size_t bytes = 0;    // moved
  short events = 0;    // blocked: what poll(2) has to wait for
  int error = 0;       // failed: errno, or 0
  std::string text{};  // failed without errno

  /// closed or failed: why, as a failure.
  Failure why() const;
};

/// A connection, never waiting. Owns its socket. One thread at a time.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual int fd() const = 0;
  /// Both move a part of what is asked, from the front.
  virtual IoStep read(std::span<const iovec> parts) = 0;
  virtual IoStep write(std::span<const iovec> parts) = 0;
};

/// Takes the socket over.
std::unique_ptr<Stream> plain_stream(int fd);

/// TLS 1.3 with a pre-shared key: no certificates. The TLS handshake takes place in the first reads
/// and writes, and fails when the other side has another key.
Result<std::unique_ptr<Stream>> tls_stream(int fd, bool is_server, const std::string& key);

}  // namespace andiron::collective
