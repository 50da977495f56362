#pragma once

#include <functional>
#include <memory>

namespace andiron::exec {

/// One driver thread that owns one OpenMP team. Plans run on a lane, never on the caller's thread:
/// every thread that opens a parallel region gets a team of its own, and a forked child must not
/// use its parent's.
class Lane {
 public:
  explicit Lane(int threads);
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  int threads() const;
  /// Called by each `run` that has to wait, before it does; what it returns lives until the wait is
  /// over. For programs whose threads may hold a lock that a host function on the lane needs.
  static void on_wait(std::shared_ptr<void> (*release)());
  /// Runs `work` on the driver thread and waits; exceptions travel back. Callers are served one
  /// after another. Called from the lane itself it runs at once.
  void run(const std::function<void()>& work);

  /// The lane over all default threads, made on first use of so many and anew in a forked child.
  static Lane& main();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace andiron::exec
