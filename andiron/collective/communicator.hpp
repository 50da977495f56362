#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "andiron/base/result.hpp"
#include "andiron/collective/algorithms.hpp"
#include "andiron/collective/element.hpp"
#include "andiron/collective/fate.hpp"
#include "andiron/collective/header.hpp"
#include "andiron/collective/listener.hpp"
#include "andiron/collective/options.hpp"

namespace andiron::collective {

/// What a collective is for. All ranks must name the same; it stands in every message.
struct Label {
  uint64_t step = 0;
  uint32_t bucket = 0;
};

/// What one kind of collective has cost on this rank.
struct Cost {
  uint64_t calls = 0;
  double seconds = 0;  // from the beginning to the end of each
  Traffic traffic;
};
using Costs = std::array<Cost, kKinds>;

/// A collective that was started. Copies are the same request.
class Request {
 public:
  struct State;
  Request() = default;
  explicit Request(std::shared_ptr<State> state) : state_(std::move(state)) {}
  bool valid() const { return state_ != nullptr; }
  bool done() const;
  /// Waits for the end. Every request ends: done, failed, or late.
  Result<> wait() const;
  /// False when it had not ended in that time.
  bool wait_for(std::chrono::milliseconds time) const;

 private:
  std::shared_ptr<State> state_;
};

/// The ranks of one attempt of one run, and what they do together. Collectives run one after
/// another in the order in which they were called, which must be the same on all ranks.
///
/// Thread-safe, except close() and destruction. Memory that is given to a collective belongs to the
/// caller and must live until it ended. After the first fault every collective fails at once with
/// the same reason, on all ranks.
class Communicator {
 public:
  /// Returns when all ranks are connected. `addresses` has "host:port" of every rank's listener;
  /// `secret` (16 bytes at least) is known to this job only; `attempt` tells apart the tries of one
  /// run. `fault`, if given, gets what kept the ranks apart.
  static Result<std::unique_ptr<Communicator>> connect(Listener listener, int rank,
                                                       const std::vector<std::string>& addresses,
                                                       std::string secret, std::string run_id,
                                                       uint64_t attempt, Options options = {},
                                                       std::optional<Fault>* fault = nullptr);
  /// Over another transport, whose fate must live longer.
  Communicator(std::unique_ptr<Transport> transport, Options options, uint64_t run_key);
  /// Ends what is under way, says goodbye; returns within a second.
  ~Communicator();
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  int rank() const;
  int size() const;

  /// data[i] becomes the sum over the ranks: the same bits on all.
  Result<> allreduce(Element element, std::span<std::byte> data, Label label = {},
                     Wire wire = Wire::same);
  template <class T>
  Result<> allreduce(std::span<T> data, Label label = {}, Wire wire = Wire::same) {
    return allreduce(element_of<T>(), std::as_writable_bytes(data), label, wire);
  }
  /// Any number of bytes from each rank; see Gathered.
  Result<> allgather(std::span<const std::byte> mine, Gathered& out, Label label = {});
  /// The same in memory of the caller's, with the same slots on all ranks; see Slots.
  Result<> allgather(Slots& slots, Label label = {});
  /// The root's data to all. The sizes must be equal.
  Result<> broadcast(std::span<std::byte> data, int root, Label label = {});
  /// The same where only the root knows how many bytes there are.
  Result<> broadcast_bytes(std::vector<std::byte>& data, int root, Label label = {});
  Result<> barrier(Label label = {});

  // The same on the communicator's thread, while the caller goes on.
  Request allreduce_start(Element element, std::span<std::byte> data, Label label = {},
                          Wire wire = Wire::same);
  template <class T>
  Request allreduce_start(std::span<T> data, Label label = {}, Wire wire = Wire::same) {
    return allreduce_start(element_of<T>(), std::as_writable_bytes(data), label, wire);
  }
  Request allgather_start(std::span<const std::byte> mine, Gathered& out, Label label = {});
  Request allgather_start(Slots& slots, Label label = {});
  Request broadcast_start(std::span<std::byte> data, int root, Label label = {});
  Request barrier_start(Label label = {});

  /// Ends the communicator on all ranks; `why` is what they get to read.
  void abort(const std::string& why);
  /// Waits for nobody: what is under way is aborted. The destructor does it too.
  void close();
  /// What ended it, if something did.
  std::optional<Fault> fault() const;
  /// So far.
  Costs costs() const;
  /// The latest connections that were refused, for the log.
  std::vector<std::string> refused() const;

 private:
  template <class T>
  static constexpr Element element_of() {
    if constexpr (std::is_same_v<T, float>)
      return Element::f32;
    else if constexpr (std::is_same_v<T, double>)
      return Element::f64;
    else {
      static_assert(std::is_same_v<T, int64_t>, "sums are of float, double and int64_t");
      return Element::i64;
    }
  }
  struct Impl;
  explicit Communicator(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace andiron::collective
