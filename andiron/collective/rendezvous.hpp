#pragma once

#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <list>
#include <map>
#include <set>

#include "andiron/collective/handshake.hpp"
#include "andiron/collective/listener.hpp"
#include "andiron/collective/options.hpp"

namespace andiron::collective {

/// Makes the connections between the ranks: dials the lower ranks, and lets in the higher ones. It
/// goes on refusing strangers until it is stopped. On the io thread only.
class Rendezvous {
 public:
  struct Events {
    std::function<void(int peer, Channel, std::shared_ptr<AsyncStream>)> connected;
    /// A peer cannot be reached: it refuses this rank, or nothing listens at its address.
    std::function<void(int peer, Failure)> failed;
    /// A connection was refused.
    std::function<void(const std::string&)> refused;
  };

  /// Takes the listening socket over. `me` and `options` must outlive it.
  Rendezvous(asio::io_context& io, int listening_fd, const Membership& me, const Options& options,
             Events events);

  void start(const std::vector<std::string>& addresses);
  void stop();

 private:
  using StreamPtr = std::shared_ptr<AsyncStream>;

  asio::awaitable<void> accept_all();
  asio::awaitable<void> let_in(int fd, std::string from);
  asio::awaitable<void> dial(int peer, std::string address, Channel channel);
  asio::awaitable<Greeting> dial_once(int peer, const std::string& address, Channel channel);
  /// Higher ranks dial; one that died before it did would be missed by nobody for long.
  asio::awaitable<void> look_for(int peer, std::string address);
  /// A connected socket. What says that nobody is there begins with "nothing listens".
  asio::awaitable<Result<int>> connect_to(HostPort target, std::string address);
  /// A stream over the socket, which is cancelled when it takes too long to show who it is.
  Result<StreamPtr> guarded(int fd, bool is_server);
  void forget(const StreamPtr& stream);

  asio::io_context& io_;
  asio::ip::tcp::acceptor acceptor_;
  const Membership& me_;
  const Options& options_;
  Events events_;
  std::set<std::pair<int, Channel>> taken_;
  std::list<StreamPtr> strangers_;  // unauthenticated, the oldest first
  std::map<AsyncStream*, std::unique_ptr<asio::steady_timer>> alarms_;
  std::set<asio::ip::tcp::socket*> connecting_;
  asio::steady_timer patience_;
  std::unique_ptr<asio::ip::tcp::resolver> resolver_;
  bool stopped_ = false;
};

/// For co_spawn: an exception in a coroutine becomes a call of `failed`.
template <class F>
auto when_thrown(F failed) {
  return [failed = std::move(failed)](const std::exception_ptr& error) {
    if (!error) return;
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      failed(std::string(e.what()));
    }
  };
}

}  // namespace andiron::collective
