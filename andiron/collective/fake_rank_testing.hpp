#pragma once

#include <string>
#include <vector>

#include "andiron/collective/handshake.hpp"
#include "andiron/collective/header.hpp"

namespace andiron::collective {

/// The highest rank, played by a test: it shakes hands as it should, and does then what the test
/// says. Everything it writes while it shakes hands is kept, to be replayed.
class FakeRank {
 public:
  /// Connects to the other ranks' listeners.
  FakeRank(Membership me, const std::vector<std::string>& addresses);

  /// Why it was not let in; empty when it was.
  const std::string& refusal() const { return refusal_; }
  /// Bytes to a peer, as they are.
  void write(int peer, Channel channel, std::span<const std::byte> bytes);
  void write(int peer, const Header& header, std::span<const std::byte> payload = {});
  /// Ends the connections to a peer, or all, without a word.
  void cut(int peer, Channel channel);
  void die();
  /// What was said to rank 0 while shaking hands on the control connection.
  const std::vector<std::byte>& recorded() const { return recorded_; }

 private:
  std::unique_ptr<Stream>& at(int peer, Channel channel) {
    return streams_[static_cast<size_t>(peer) * kChannels + static_cast<size_t>(channel)];
  }
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<std::byte> recorded_;
  std::string refusal_;
};

/// A connection to host:port without a word.
std::unique_ptr<Stream> connect_raw(const std::string& address);
/// Writes; false when the other side has closed.
bool write_raw(Stream& stream, std::span<const std::byte> bytes);
/// Whether the other side closes within the time; what it says is dropped.
bool closes_within(Stream& stream, std::chrono::milliseconds time);

}  // namespace andiron::collective
