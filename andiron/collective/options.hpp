#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

namespace andiron::collective {

struct Options {
  /// Until all ranks have met.
  std::chrono::milliseconds rendezvous_timeout{60'000};
  /// What a connection may take until it has shown that it knows the secret.
  std::chrono::milliseconds handshake_timeout{5'000};
  /// A peer that was not heard of for so long is stalled. A killed one is noticed at once.
  std::chrono::milliseconds heartbeat_timeout{30'000};
  /// For each collective, from its beginning on this rank: peers that live may be busy so long.
  std::chrono::milliseconds operation_timeout{600'000};
  /// Encrypts all connections (TLS 1.3, keyed by the secret). Without it peers are authenticated
  /// when they connect, and what follows travels in the clear.
  bool tls = false;
  /// Of the data connections; 0 leaves it to the system. Received bytes get 64 KiB at least.
  int socket_buffer_bytes = 0;
  /// How long a caller that waits in a collective looks for messages before it sleeps. Collectives
  /// on the communicator's own thread do not spin: that would take time from the computation.
  std::chrono::microseconds spin{50};
  /// Gets a line for each refused connection, from a thread of the communicator; stderr when empty.
  std::function<void(const std::string&)> log;
  /// Asked now and then while ranks meet; true gives up (Ctrl-C).
  std::function<bool()> interrupted;
};

}  // namespace andiron::collective
