#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string_view>

#include "andiron/base/result.hpp"

namespace andiron::collective {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

enum class FaultKind : uint8_t {
  lost,      // a peer's connection closed: it was killed, crashed, or the network cut
  stalled,   // a peer is silent, or did not take part within the deadline
  mismatch,  // a peer takes part in another collective than this rank
  aborted,   // a rank gave up and said why
  closed,    // this rank closed its communicator
};
std::string_view name_of(FaultKind kind);

/// What ended a communicator, and by whose doing.
struct Fault {
  FaultKind kind;
  int culprit;  // a rank, or -1 when none is to blame
  Failure failure;
};

/// The first fault of a communicator, for all its threads. Thread-safe. What is set stays.
class Fate {
 public:
  Fate();
  ~Fate();
  Fate(const Fate&) = delete;
  Fate& operator=(const Fate&) = delete;

  bool failed() const noexcept { return failed_.load(std::memory_order_acquire); }
  /// Sets the fault when there is none yet, and tells the listener. Returns the fault that counts.
  const Fault& fail(Fault fault);
  /// Waits until something failed; false when nothing did in that time.
  bool wait_for(std::chrono::milliseconds time);
  /// REQUIRES failed().
  const Fault& fault() const { return *fault_; }
  /// Readable as soon as something failed, for poll(2).
  int wake_fd() const { return wake_fd_; }
  /// Called once, by the thread that failed first. Set before other threads know this object.
  void on_failure(std::function<void(const Fault&)> listener) { listener_ = std::move(listener); }

 private:
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Fault> fault_;
  std::function<void(const Fault&)> listener_;
  int wake_fd_ = -1;
};

}  // namespace andiron::collective
