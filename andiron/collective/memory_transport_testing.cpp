#include "andiron/collective/memory_transport_testing.hpp"

#include <cstring>

namespace andiron::collective {

class MemoryTransport : public Transport {
 public:
  MemoryTransport(MemoryNetwork& network, int rank)
      : Transport(rank, network.size_, network.fate_), n_(network) {}

  Result<> send(int peer, const Header& header, std::span<const std::byte> payload) override {
    std::lock_guard lock(n_.mutex_);
    n_.queues_[{rank(), peer}].push_back({header, {payload.begin(), payload.end()}});
    traffic_.payload_sent += payload.size();
    traffic_.header_sent += sizeof(Header);
    n_.changed_.notify_all();
    return success();
  }

  Result<> receive(int peer, const Header& expected, std::span<std::byte> payload,
                   Deadline deadline) override {
    std::unique_lock lock(n_.mutex_);
    auto& queue = n_.queues_[{peer, rank()}];
    while (queue.empty()) {
      if (fate().failed()) return fate().fault().failure;
      if (Clock::now() > deadline)
        return fail(FaultKind::stalled, peer, failure("rank {} sent nothing", peer));
      n_.changed_.wait_for(lock, std::chrono::milliseconds(5));
    }
    if (Result<> ok = check(queue.front().header, expected, rank()); !ok)
      return fail(FaultKind::mismatch, peer, ok.failure());
    if (!payload.empty()) std::memcpy(payload.data(), queue.front().payload.data(), payload.size());
    traffic_.payload_received += payload.size();
    queue.pop_front();
    return success();
  }

  Result<> flush(Deadline) override { return success(); }

 private:
  MemoryNetwork& n_;
};

std::unique_ptr<Transport> MemoryNetwork::rank(int r) {
  return std::make_unique<MemoryTransport>(*this, r);
}

}  // namespace andiron::collective
