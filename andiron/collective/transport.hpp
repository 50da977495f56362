#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "andiron/base/result.hpp"
#include "andiron/collective/fate.hpp"
#include "andiron/collective/header.hpp"

namespace andiron::collective {

struct Traffic {
  uint64_t payload_sent = 0, payload_received = 0;
  uint64_t header_sent = 0, header_received = 0;
};

/// Messages between the ranks, in order for each pair. One thread at a time uses a transport.
/// A failure is always the fate's fault too, and final.
class Transport {
 public:
  Transport(int rank, int size, Fate& fate) : rank_(rank), size_(size), fate_(fate) {}
  virtual ~Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  Fate& fate() { return fate_; }
  const Traffic& traffic() const { return traffic_; }

  /// Queues a message and sends what fits now; never waits. The payload must stay as it is until
  /// flush() returned.
  virtual Result<> send(int peer, const Header& header, std::span<const std::byte> payload) = 0;
  /// Waits for the next message of `peer`, which must have exactly this header, and sends what is
  /// queued meanwhile. After a failure the payload may hold parts of a message.
  virtual Result<> receive(int peer, const Header& expected, std::span<std::byte> payload,
                           Deadline deadline) = 0;
  /// Waits until all that is queued was handed to the system.
  virtual Result<> flush(Deadline deadline) = 0;
  /// How long to look for a message before the thread sleeps. Spinning takes a core from others.
  virtual void set_spin(std::chrono::microseconds /*time*/) {}

 protected:
  /// Makes this the fate's fault if nothing failed before, and returns the fault that counts.
  Failure fail(FaultKind kind, int culprit, Failure failure) {
    return fate_.fail({kind, culprit, std::move(failure)}).failure;
  }
  Traffic traffic_;

 private:
  int rank_, size_;
  Fate& fate_;
};

}  // namespace andiron::collective
