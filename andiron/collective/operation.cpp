#include "andiron/collective/operation.hpp"

namespace andiron::collective {

Operation::Operation(Transport& transport, const Header& base, Deadline deadline,
                     Workspace& workspace)
    : transport_(transport), base_(base), deadline_(deadline), workspace_(workspace) {
  workspace_.sent.assign(static_cast<size_t>(size()), 0);
  workspace_.received.assign(static_cast<size_t>(size()), 0);
}

Result<> Operation::send(int peer, std::span<const std::byte> payload) {
  Header header = base_;
  header.sender = static_cast<uint32_t>(rank());
  header.message = workspace_.sent[static_cast<size_t>(peer)]++;
  header.bytes = payload.size();
  return transport_.send(peer, header, payload);
}

Result<> Operation::receive(int peer, std::span<std::byte> payload) {
  Header expected = base_;
  expected.sender = static_cast<uint32_t>(peer);
  expected.message = workspace_.received[static_cast<size_t>(peer)]++;
  expected.bytes = payload.size();
  return transport_.receive(peer, expected, payload, deadline_);
}

std::span<std::byte> Operation::scratch(size_t n) {
  if (workspace_.scratch.size() < n) workspace_.scratch.resize(n);
  return workspace_.scratch;
}

}  // namespace andiron::collective
