#pragma once

#include <cstdint>
#include <string>

#include "andiron/base/result.hpp"

namespace andiron::collective {

/// A bound port at which peers will arrive. Bind first, tell the others, then connect: who arrives
/// early waits in the system's queue.
class Listener {
 public:
  /// `host` is an address or name of this machine, or empty for all of its interfaces (then only
  /// IPv4); port 0 lets the system choose.
  static Result<Listener> bind(const std::string& host, uint16_t port = 0);
  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&& other) noexcept;
  ~Listener();

  uint16_t port() const { return port_; }
  /// "host:port" as bound; with all interfaces the host is what others must put in.
  std::string address() const;
  bool open() const { return fd_ >= 0; }
  /// Gives the socket away; the listener is closed then.
  int release();

 private:
  Listener(int fd, std::string host, uint16_t port)
      : fd_(fd), host_(std::move(host)), port_(port) {}
  int fd_;
  std::string host_;
  uint16_t port_;
};

struct HostPort {
  std::string host, port;
};
/// "host:port" or "[v6]:port".
Result<HostPort> parse_address(const std::string& address);

}  // namespace andiron::collective
