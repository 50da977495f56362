#include "andiron/exec/crew.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "andiron/exec/cores.hpp"
#include "andiron/exec/plan.hpp"

namespace andiron::exec {

namespace {

// About as long as a caller in Python takes from one prediction to the next.
constexpr auto kPatience = std::chrono::microseconds(200);

// How often a helper looks for work before it looks at the clock, and a caller for the helpers' end
// before it offers them its core.
constexpr int kLooks = 32, kEagerWaits = 1024;
// Rounds after which a helper that was woken must have begun: else it may stand behind the caller
// on one core, and the caller lets it go first.
constexpr int kUnanswered = 4;
// Where others use the cores, too, a helper may lose its own in the middle of a share, for
// milliseconds. Waiting for that may take this part of the time in the long run; then callers work
// alone. What has been saved up, in cycles, forgives the first waits: cores are slow after a rest.
constexpr uint64_t kAlonePerWait = 16, kSavedUp = 1'000'000;
// A longer wait is no other program's doing: the process or the whole machine was stopped.
constexpr uint64_t kLongestWait = 300'000'000;
// A wait in cycles that happens on idle cores as well.
constexpr uint64_t kShortWait = 100'000;
// To wake a helper takes its caller some 8 us, and the helper comes some 30 us later. That is worth
// it in a row of rounds, of which one begins so soon after the other, and where so much is left to
// do, in cycles.
constexpr uint64_t kSoon = 500'000, kMuch = 250'000;

// How many forks this process comes from: a crew of before one has no threads, and its helpers may
// have held its locks.
std::atomic<int> n_forks{0};

inline uint64_t cycles() { return __builtin_ia32_rdtsc(); }
inline void relax() { __builtin_ia32_pause(); }

// What a helper needs to know of a round in one word: its number, and which indices are left. The
// caller takes them from the front and helpers from the back, so that round after round each has
// the same part of the data in its own cache.
struct Ticket {
  uint64_t bits;
  static Ticket of(uint64_t round, int n) { return {round << 32 | static_cast<uint64_t>(n) << 16}; }
  uint64_t round() const { return bits >> 32; }
  int begin() const { return static_cast<int>(bits & 0xffffU); }
  int end() const { return static_cast<int>(bits >> 16 & 0xffffU); }
  uint64_t without_first() const { return bits + 1; }
  uint64_t without_last() const { return bits - (1U << 16); }
};

}  // namespace

// Only who has taken an index touches the round's work, and the caller leaves a round when all
// indices are done, so work and argument outlive their use.
struct Crew::State {
  const int born = n_forks.load();
  std::mutex callers;
  uint64_t alone_until = 0;  // of who holds `callers`, like the next two
  uint64_t last_end = 0;     // of a round
  uint8_t unanswered = 0;    // rounds since helpers were woken; from 255 on anew
  alignas(64) std::atomic<uint64_t> ticket{0};
  std::atomic<int> done{0};
  std::atomic<Work> work{nullptr};
  std::atomic<const void*> argument{nullptr};
  std::atomic<int> core{-1};  // the caller's

  alignas(64) std::mutex mutex;
  std::condition_variable wake;
  std::atomic<int> asleep{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> helpers;

  // Of who holds `callers`. A time further away than any wait makes it is of another clock's: one
  // that began anew.
  bool works_alone(uint64_t now) {
    if (alone_until > now && alone_until - now > kAlonePerWait * kLongestWait) alone_until = 0;
    return now < alone_until;
  }

  void wake_helpers() {
    {
      const std::lock_guard lock(mutex);
    }
    wake.notify_all();
    if (++unanswered == kUnanswered) sched_yield();
  }

  // Does what is left of the round of `seen`, or so many of its indices. Returns how many.
  int take(Ticket seen, bool from_back, int most = INT_MAX) {
    const uint64_t round = seen.round();
    int taken = 0;
    while (taken < most && seen.round() == round && seen.begin() < seen.end()) {
      const int index = from_back ? seen.end() - 1 : seen.begin();
      const uint64_t rest = from_back ? seen.without_last() : seen.without_first();
      if (!ticket.compare_exchange_weak(seen.bits, rest)) continue;
      work.load()(argument.load(), index);
      done.fetch_add(1);
      ++taken;
      seen.bits = ticket.load();
    }
    return taken;
  }

  void loop() {
    run_on_process_cores();
    Ticket seen{ticket.load()};
    auto until = std::chrono::steady_clock::now() + kPatience;
    while (!stop.load(std::memory_order_relaxed)) {
      Ticket now{ticket.load(std::memory_order_acquire)};
      for (int i = 0; i < kLooks && now.round() == seen.round(); ++i) {
        relax();
        now.bits = ticket.load(std::memory_order_acquire);
      }
      if (now.round() != seen.round()) {
        // Where it woke up behind its caller the system may leave it for milliseconds.
        if (const int at = core.load(); at == sched_getcpu()) leave_core(at);
        take(now, true);
        seen = now;
        until = std::chrono::steady_clock::now() + kPatience;
        continue;
      }
      if (std::chrono::steady_clock::now() < until) continue;
      std::unique_lock lock(mutex);
      asleep.fetch_add(1);
      wake.wait(lock, [&] { return stop.load() || Ticket{ticket.load()}.round() != seen.round(); });
      asleep.fetch_sub(1);
      until = std::chrono::steady_clock::now() + kPatience;
    }
  }
};

Crew::Crew(int helpers) : state_(std::make_unique<State>()) {
  State* state = state_.get();
  for (int i = 0; i < helpers; ++i) state->helpers.emplace_back([state] { state->loop(); });
}

Crew::~Crew() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
  }
  state_->wake.notify_all();
  for (std::thread& t : state_->helpers) t.join();
}

void Crew::share(int n, Work work, const void* argument) {
  State& s = *state_;
  const std::unique_lock alone(s.callers, std::try_to_lock);
  const uint64_t start = cycles();
  if (!alone.owns_lock() || s.helpers.empty() || n < 2 || n > 0xffff || s.works_alone(start) ||
      s.born != n_forks.load(std::memory_order_relaxed)) {
    for (int i = 0; i < n; ++i) work(argument, i);
    return;
  }
  s.work.store(work);
  s.argument.store(argument);
  s.done.store(0);
  s.core.store(sched_getcpu(), std::memory_order_relaxed);
  const Ticket ticket = Ticket::of(Ticket{s.ticket.load()}.round() + 1, n);
  s.ticket.store(ticket.bits);
  int taken = 0;
  if (s.asleep.load() == 0) {
    s.unanswered = 0;
  } else if (start - s.last_end < kSoon) {
    s.wake_helpers();
  } else {
    taken = s.take(ticket, false, 1);
    if ((cycles() - start) * static_cast<uint64_t>(n - 1) > kMuch) s.wake_helpers();
  }
  taken += s.take({s.ticket.load()}, false);
  if (taken < n) s.unanswered = 0;
  const uint64_t own_end = cycles();
  for (int waits = 0; s.done.load() < n; ++waits)
    waits < kEagerWaits ? relax() : static_cast<void>(sched_yield());
  const uint64_t end = cycles(), waited = end - own_end;
  s.last_end = end;
  if (waited > own_end - start + kShortWait)
    s.alone_until = std::max(s.alone_until, end - kAlonePerWait * kSavedUp) +
                    kAlonePerWait * std::min(waited, kLongestWait);
}

namespace {

// By their numbers of threads, for good, since somebody may still hold one. The child of a fork has
// none of its parent's threads: it makes crews of its own (see Lane).
struct MainCrews {
  std::mutex mutex;
  std::map<int, Crew> crews;
};
MainCrews* main_crews = new MainCrews;

void forget_after_fork() {
  ++n_forks;
  main_crews = new MainCrews;
}

}  // namespace

Crew& Crew::main() {
  [[maybe_unused]] static const int registered =
      pthread_atfork(nullptr, nullptr, forget_after_fork);
  const int threads = default_threads();
  const std::lock_guard lock(main_crews->mutex);
  return main_crews->crews.try_emplace(threads, threads - 1).first->second;
}

}  // namespace andiron::exec
