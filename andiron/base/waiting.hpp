#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>

namespace andiron {

/// While it lives, its thread calls `look` ten times a second as long as it waits for a lane or for
/// other workers: programs look for Ctrl-C there. What is waited for may use the waiter's memory,
/// so `look` must not throw; it makes the wait end by ending that.
class WhileWaiting {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kEvery{100};

  explicit WhileWaiting(std::function<void()> look);
  ~WhileWaiting();
  WhileWaiting(const WhileWaiting&) = delete;
  WhileWaiting& operator=(const WhileWaiting&) = delete;

  /// Whether this thread has one: then it waits in slices of `kEvery`, and calls this after each.
  static bool is_set() noexcept;
  static void look();

 private:
  std::function<void()> look_;
  WhileWaiting* outer_;
  Clock::time_point last_;
};

/// As changed.wait(lock, done).
template <class Done>
void wait_until(std::condition_variable& changed, std::unique_lock<std::mutex>& lock, Done done) {
  if (!WhileWaiting::is_set()) return changed.wait(lock, done);
  while (!changed.wait_for(lock, WhileWaiting::kEvery, done)) {
    lock.unlock();
    WhileWaiting::look();
    lock.lock();
  }
}

}  // namespace andiron
