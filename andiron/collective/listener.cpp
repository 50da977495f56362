#include "andiron/collective/listener.hpp"

#include <unistd.h>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <charconv>
#include <utility>

namespace andiron::collective {

using asio::ip::tcp;

Result<Listener> Listener::bind(const std::string& host, uint16_t port) {
  asio::io_context io;
  asio::error_code error;
  tcp::endpoint endpoint(tcp::v4(), port);
  auto fail = [&](const char* doing) {
    return because(failure("{}", error.message()), "[collective] cannot {} '{}', port {}", doing,
                   host, port);
  };
  if (!host.empty()) {
    tcp::resolver resolver(io);
    const auto found = resolver.resolve(host, std::to_string(port), error);
    if (error) return fail("find the host");
    endpoint = found.begin()->endpoint();
  }
  tcp::acceptor acceptor(io);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail("listen at");
  const tcp::endpoint bound = acceptor.local_endpoint(error);
  if (error) return fail("name");
  const std::string name = bound.address().to_string();
  const int fd = acceptor.release(error);
  if (error) return fail("keep");
  return Listener(fd, bound.address().is_v6() ? "[" + name + "]" : name, bound.port());
}

Listener::Listener(Listener&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), host_(std::move(other.host_)), port_(other.port_) {}

Listener& Listener::operator=(Listener&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(host_, other.host_);
  std::swap(port_, other.port_);
  return *this;
}

Listener::~Listener() {
  if (fd_ >= 0) ::close(fd_);
}

std::string Listener::address() const { return host_ + ":" + std::to_string(port_); }

int Listener::release() { return std::exchange(fd_, -1); }

Result<HostPort> parse_address(const std::string& address) {
  const size_t colon = address.rfind(':');
  int port = 0;
  if (colon != std::string::npos)
    std::from_chars(address.data() + colon + 1, address.data() + address.size(), port);
  if (colon == std::string::npos || colon == 0 || port <= 0 || port > 65535)
    return failure("[collective] an address is host:port; got '{}'", address);
  std::string host = address.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return HostPort{host, std::to_string(port)};
}

}  // namespace andiron::collective
