#include "andiron/collective/rendezvous.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <asio/co_spawn.hpp>
#include <asio/connect.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

namespace andiron::collective {

using asio::ip::tcp;
using namespace std::chrono_literals;

namespace {

// Connections that have not shown who they are; a further one ends the oldest.
constexpr size_t kMaxStrangers = 64;
// Ports are bound before addresses are told: where nothing listens for so long, nobody lives.
constexpr auto kRefusedTime = 1s;

asio::awaitable<void> pause(std::chrono::milliseconds time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  asio::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

tcp protocol_of(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  return address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4();
}

void prepare(int fd, Channel channel, const Options& options) {
  int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof on);
  const int send = options.socket_buffer_bytes;
  if (channel != Channel::data || send == 0) return;
  // Behind a window smaller than a segment (64 KiB on loopback) TCP stalls for 0.2 s at a time.
  const int receive = std::max(send, 64 << 10);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send, sizeof send);
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof receive);
}

}  // namespace

Rendezvous::Rendezvous(asio::io_context& io, int listening_fd, const Membership& me,
                       const Options& options, Events events)
    : io_(io),
      acceptor_(io, protocol_of(listening_fd), listening_fd),
      me_(me),
      options_(options),
      events_(std::move(events)),
      patience_(io),
      resolver_(std::make_unique<tcp::resolver>(io)) {}

void Rendezvous::start(const std::vector<std::string>& addresses) {
  auto thrown = when_thrown([this](const std::string& text) {
    if (!stopped_) events_.failed(-1, failure("{}", text));
  });
  asio::co_spawn(io_, accept_all(), thrown);
  for (int peer = 0; peer < me_.rank; ++peer)
    for (const Channel channel : {Channel::control, Channel::data})
      asio::co_spawn(io_, dial(peer, addresses[static_cast<size_t>(peer)], channel), thrown);
  const int next = me_.rank + 1;
  if (next < me_.size)
    asio::co_spawn(io_, look_for(next, addresses[static_cast<size_t>(next)]), thrown);
}

void Rendezvous::stop() {
  stopped_ = true;
  asio::error_code ignored;
  acceptor_.close(ignored);
  resolver_->cancel();
  patience_.cancel();
  // A machine that does not answer would be waited for two minutes.
  for (tcp::socket* socket : connecting_) socket->close(ignored);
  for (const auto& [stream, timer] : alarms_) {
    timer->cancel();
    stream->cancel();
  }
}

Result<Rendezvous::StreamPtr> Rendezvous::guarded(int fd, bool is_server) {
  StreamPtr stream;
  if (options_.tls) {
    Result<std::unique_ptr<Stream>> tls = tls_stream(fd, is_server, me_.tls_key());
    if (!tls) return tls.failure();
    stream = std::make_shared<AsyncStream>(io_, std::move(tls).value());
  } else {
    stream = std::make_shared<AsyncStream>(io_, plain_stream(fd));
  }
  auto timer = std::make_unique<asio::steady_timer>(io_, options_.handshake_timeout);
  timer->async_wait([weak = std::weak_ptr(stream)](const asio::error_code& error) {
    if (const StreamPtr late = weak.lock(); late && !error) late->cancel();
  });
  alarms_[stream.get()] = std::move(timer);
  return stream;
}

void Rendezvous::forget(const StreamPtr& stream) {
  alarms_.erase(stream.get());
  strangers_.remove(stream);
}

asio::awaitable<void> Rendezvous::accept_all() {
  while (!stopped_) {
    tcp::socket socket(io_);
    tcp::endpoint from;
    asio::error_code error;
    co_await acceptor_.async_accept(socket, from, asio::redirect_error(asio::use_awaitable, error));
    if (stopped_) co_return;
    if (error) {  // no descriptors left, or the peer is gone again
      co_await pause(50ms);
      continue;
    }
    const std::string name = from.address().to_string() + ":" + std::to_string(from.port());
    const int fd = socket.release(error);
    if (error) continue;
    asio::co_spawn(io_, let_in(fd, name), when_thrown([this, name](const std::string& text) {
                     events_.refused(name + ": " + text);
                   }));
  }
}

asio::awaitable<void> Rendezvous::let_in(int fd, std::string from) {
  Result<StreamPtr> made = guarded(fd, true);
  if (!made) {
    events_.refused(from + ": " + made.failure().report());
    co_return;
  }
  const StreamPtr stream = made.value();
  strangers_.push_back(stream);
  if (strangers_.size() > kMaxStrangers) strangers_.front()->cancel();
  Result<Hello> hello = co_await admit(*stream, me_, [this](const Hello& h) {
    return taken_.emplace(static_cast<int>(h.from), static_cast<Channel>(h.channel)).second;
  });
  forget(stream);
  if (stopped_) co_return;
  if (!hello) {
    events_.refused(from + ": " + hello.failure().report());
    co_return;
  }
  const auto channel = static_cast<Channel>(hello.value().channel);
  prepare(fd, channel, options_);
  events_.connected(static_cast<int>(hello.value().from), channel, stream);
}

asio::awaitable<Greeting> Rendezvous::dial_once(int peer, const std::string& address,
                                                Channel channel) {
  Result<HostPort> target = parse_address(address);
  if (!target) co_return Greeting{target.failure(), true};
  Result<int> fd = co_await connect_to(std::move(target).value(), address);
  if (!fd) co_return Greeting{fd.failure()};
  Result<StreamPtr> made = guarded(fd.value(), false);
  if (!made) co_return Greeting{made.failure(), true};
  const StreamPtr stream = made.value();
  Greeting greeting = co_await greet(*stream, me_, peer, channel);
  forget(stream);
  if (greeting.result && !stopped_) {
    prepare(fd.value(), channel, options_);
    events_.connected(peer, channel, stream);
  }
  co_return greeting;
}

asio::awaitable<Result<int>> Rendezvous::connect_to(HostPort target, std::string address) {
  asio::error_code error;
  // Numbers need no resolver, which has a thread of its own.
  std::vector<tcp::endpoint> endpoints;
  const asio::ip::address number = asio::ip::make_address(target.host, error);
  if (!error) {
    endpoints.emplace_back(number, static_cast<uint16_t>(std::stoi(target.port)));
  } else {
    const auto found = co_await resolver_->async_resolve(
        target.host, target.port, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return failure("cannot find host '{}': {}", target.host, error.message());
    for (const auto& entry : found) endpoints.push_back(entry.endpoint());
  }
  tcp::socket socket(io_);
  connecting_.insert(&socket);
  co_await asio::async_connect(socket, endpoints, asio::redirect_error(asio::use_awaitable, error));
  connecting_.erase(&socket);
  if (error == asio::error::connection_refused)
    co_return failure("nothing listens at {}: that rank is gone", address);
  if (error) co_return failure("cannot connect to {}: {}", address, error.message());
  const int fd = socket.release(error);
  if (error) co_return failure("cannot keep the socket: {}", error.message());
  co_return fd;
}

asio::awaitable<void> Rendezvous::look_for(int peer, std::string address) {
  const Result<HostPort> target = parse_address(address);
  std::chrono::milliseconds wait = kRefusedTime;
  while (target && !stopped_ && taken_.count({peer, Channel::control}) == 0) {
    asio::error_code ignored;
    patience_.expires_after(wait);
    co_await patience_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (stopped_ || taken_.count({peer, Channel::control}) != 0) co_return;
    const Result<int> fd = co_await connect_to(target.value(), address);
    if (fd) ::close(fd.value());
    if (stopped_) co_return;
    if (!fd && fd.failure().message().starts_with("nothing listens")) {
      events_.failed(peer, because(fd.failure(), "rank {} has not come", peer));
      co_return;
    }
    wait *= 2;  // each time is a line in its log, should it only be late
  }
}

asio::awaitable<void> Rendezvous::dial(int peer, std::string address, Channel channel) {
  const auto start = std::chrono::steady_clock::now();
  std::chrono::milliseconds wait = 20ms;
  while (!stopped_) {
    const Greeting greeting = co_await dial_once(peer, address, channel);
    if (greeting.result || stopped_) co_return;
    const auto spent = std::chrono::steady_clock::now() - start;
    const bool gone = greeting.result.failure().message().starts_with("nothing listens");
    // Others, as a full queue of strangers, may pass.
    if (greeting.final || (gone && spent > kRefusedTime) || spent > options_.rendezvous_timeout) {
      events_.failed(peer, because(greeting.result.failure(), "cannot connect to rank {} at {}",
                                   peer, address));
      co_return;
    }
    co_await pause(wait);
    wait = std::min(wait * 2, std::chrono::milliseconds(500));
  }
}

}  // namespace andiron::collective
