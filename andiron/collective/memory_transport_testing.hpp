#pragma once

#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "andiron/collective/transport.hpp"

namespace andiron::collective {

/// Ranks in one process, without sockets: messages are copied into queues that never fill.
class MemoryNetwork {
 public:
  explicit MemoryNetwork(int size) : size_(size) {}
  /// The transport of one rank. The network must outlive it.
  std::unique_ptr<Transport> rank(int r);
  Fate& fate() { return fate_; }

 private:
  friend class MemoryTransport;
  struct Message {
    Header header;
    std::vector<std::byte> payload;
  };
  int size_;
  Fate fate_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::pair<int, int>, std::deque<Message>> queues_;  // by sender, receiver
};

}  // namespace andiron::collective
