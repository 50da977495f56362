#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "andiron/collective/transport.hpp"

namespace andiron::collective {

/// Memory that a communicator's collectives share, one after another.
struct Workspace {
  std::vector<std::byte> scratch;
  std::vector<uint32_t> sent, received;  // [ranks]
};

/// One collective under way: puts its header before each message and counts them.
class Operation {
 public:
  Operation(Transport& transport, const Header& base, Deadline deadline, Workspace& workspace);

  int rank() const { return transport_.rank(); }
  int size() const { return transport_.size(); }
  const Header& header() const { return base_; }
  /// For collectives that learn it on the way.
  void set_total(uint64_t bytes) { base_.total = bytes; }

  /// As Transport's.
  Result<> send(int peer, std::span<const std::byte> payload);
  Result<> receive(int peer, std::span<std::byte> payload);
  Result<> flush() { return transport_.flush(deadline_); }
  /// At least n bytes. Another call may move them.
  std::span<std::byte> scratch(size_t n);

 private:
  Transport& transport_;
  Header base_;
  Deadline deadline_;
  Workspace& workspace_;
};

}  // namespace andiron::collective
