#pragma once

#include <memory>

namespace andiron::exec {

/// Threads that help a small plan, which runs on its caller's thread, with a kernel that takes
/// some ten microseconds: a lane's handing over would cost more than it brings. They wait for the
/// next call by spinning for a short while and then sleep. A caller never waits for a helper that
/// has not begun: what nobody takes it does itself, so a sleeping or busy crew costs nothing.
/// Thread safety: any number of callers; one at a time gets help, the others work alone, as do
/// those in the child of a fork, which has none of its parent's threads.
class Crew {
 public:
  explicit Crew(int helpers);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// Calls f(i) for i in [0, n), on the caller and on helpers; allocates nothing. f must not throw.
  template <class F>
  void run(int n, const F& f) {
    share(n, [](const void* work, int i) { (*static_cast<const F*>(work))(i); }, &f);
  }

  /// The process's crew: one helper less than there are default threads.
  static Crew& main();

 private:
  using Work = void (*)(const void*, int);
  void share(int n, Work work, const void* argument);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace andiron::exec
