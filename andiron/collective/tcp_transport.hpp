#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "andiron/collective/stream.hpp"
#include "andiron/collective/transport.hpp"

namespace andiron::collective {

/// Messages over one connection for each peer, on the thread that calls: while it waits for one
/// peer it sends to all, and the fate wakes it.
class TcpTransport : public Transport {
 public:
  /// streams[rank] is the connection to each peer; empty at the own rank.
  TcpTransport(int rank, Fate& fate, std::vector<std::unique_ptr<Stream>> streams);

  Result<> send(int peer, const Header& header, std::span<const std::byte> payload) override;
  Result<> receive(int peer, const Header& expected, std::span<std::byte> payload,
                   Deadline deadline) override;
  Result<> flush(Deadline deadline) override;
  /// Asked who holds everybody up when time is over: a rank, or -1 for whom this rank waits for.
  void set_suspect(std::function<int()> suspect) { suspect_ = std::move(suspect); }
  void set_spin(std::chrono::microseconds time) override { spin_ = time; }

 private:
  struct Outgoing {
    Header header;
    std::span<const std::byte> payload;
    size_t sent = 0;
  };
  struct Peer {
    std::unique_ptr<Stream> stream;
    std::vector<Outgoing> queue;  // [first, end) are unsent; emptied when first reaches the end
    size_t first = 0;
    short write_events = 0;  // what the last blocked write waits for
    bool idle() const { return first == queue.size(); }
  };
  class Waiter;

  /// Sends what can be sent now, to everybody. Whether anything moved.
  Result<bool> push();
  Result<bool> push(int peer);
  Failure broken(int peer, const IoStep& step, const char* doing);

  std::vector<Peer> peers_;
  int busy_ = 0;  // peers that are not idle
  std::function<int()> suspect_;
  std::chrono::microseconds spin_{0};
  std::vector<pollfd> polled_;
};

}  // namespace andiron::collective
