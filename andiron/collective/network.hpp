#pragma once

#include <memory>
#include <string>
#include <vector>

#include "andiron/collective/fate.hpp"
#include "andiron/collective/handshake.hpp"
#include "andiron/collective/listener.hpp"
#include "andiron/collective/options.hpp"

namespace andiron::collective {

/// The thread behind a communicator: meets the peers, refuses strangers, watches who lives, and
/// carries faults. Its destructor says goodbye and returns within half a second.
class Network {
 public:
  /// Returns when all ranks are connected. `fate` must outlive the network.
  static Result<std::unique_ptr<Network>> join(Listener listener,
                                               const std::vector<std::string>& addresses,
                                               Membership me, Options options, Fate& fate);
  ~Network();

  /// The data connections by rank, once.
  std::vector<std::unique_ptr<Stream>> take_data_streams();
  /// How many collectives this rank has begun.
  void set_sequence(uint64_t sequence);
  /// The peer that has begun the fewest collectives, if fewer than this rank; else -1.
  int hindmost() const;
  /// The latest refused connections.
  std::vector<std::string> refused() const;

 private:
  struct Impl;
  explicit Network(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace andiron::collective
