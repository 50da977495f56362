#pragma once

#include <asio/steady_timer.hpp>
#include <atomic>
#include <map>
#include <memory>
#include <string>

#include "andiron/collective/async_stream.hpp"
#include "andiron/collective/fate.hpp"
#include "andiron/collective/options.hpp"

namespace andiron::collective {

/// The control connections: heartbeats tell who lives, the first fault goes to everybody, and who
/// leaves says so. On the io thread only, except where it says otherwise.
class Watch {
 public:
  Watch(asio::io_context& io, int rank, int size, const Options& options, Fate& fate);

  void add(int peer, std::shared_ptr<AsyncStream> stream);
  void start();
  /// Tells all peers why this communicator ended.
  void spread(const Fault& fault);
  /// Tells all peers that nothing follows, and stops watching them.
  void goodbye();
  /// All that is said was handed to the system.
  bool quiet() const;
  void stop();

  /// Thread-safe: how many collectives this rank has begun, for the heartbeats. A fault when a peer
  /// has left that would have to take part.
  void set_sequence(uint64_t sequence);
  /// Thread-safe: the peer that has begun the fewest collectives, as far as heartbeats told; -1
  /// when none is behind this rank.
  int hindmost() const;

 private:
  struct Peer {
    int rank;
    std::shared_ptr<AsyncStream> stream;
    Clock::time_point heard;
    bool left = false;
    std::string out;       // to be written
    bool writing = false;  // a coroutine is at it
  };
  using PeerPtr = std::shared_ptr<Peer>;

  asio::awaitable<void> listen(PeerPtr peer);
  asio::awaitable<void> write_out(PeerPtr peer);
  asio::awaitable<void> beat();
  void say(const PeerPtr& peer, const std::string& frame);
  void hear(Peer& peer, uint8_t type, const std::string& text);
  void lose(const Peer& peer, Failure cause);
  void look_for_silent(Clock::duration late);
  void look_for_leaver();

  asio::io_context& io_;
  int rank_;
  std::chrono::milliseconds timeout_, interval_;
  Fate& fate_;
  asio::steady_timer timer_;
  std::map<int, PeerPtr> peers_;
  std::string verdict_;  // the frame that tells of the fault
  bool stopped_ = false, leaving_ = false;
  std::atomic<uint64_t> sequence_{0};
  std::unique_ptr<std::atomic<uint64_t>[]> sequences_;  // [ranks]
  // Who left first, as (collectives it had begun) << 32 | rank. Stored before sequence_ is read,
  // and read after that was stored, so that one of the two threads sees the other's.
  std::atomic<uint64_t> leaver_{UINT64_MAX};
  int size_;
};

}  // namespace andiron::collective
