#include "andiron/exec/crew.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

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

// Moves this thread off a core: where a helper wakes up there, behind the caller that it should
// help, the system may leave it for milliseconds.
void leave_core(int core) {
  cpu_set_t all, others;
  if (pthread_getaffinity_np(pthread_self(), sizeof(all), &all) != 0) return;
  others = all;
  if (core < 0 || core >= CPU_SETSIZE || CPU_COUNT(&all) < 2) return;
  CPU_CLR(core, &others);
  if (pthread_setaffinity_np(pthread_self(), sizeof(others), &others) == 0)
    pthread_setaffinity_np(pthread_self(), sizeof(all), &all);
}

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
  int unanswered = 0;        // rounds since helpers were woken
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

  void wake_helpers() {
    {
      const std::lock_guard lock(mutex);
    }
    wake.notify_all();
    if (++unanswered == kUnanswered) sched_yield();
  }

  // Does what is left of the round of `seen`, or so many of its indices.
  void take(Ticket seen, bool from_back, int most = INT_MAX) {
    const uint64_t round = seen.round();
    while (most-- > 0 && seen.round() == round && seen.begin() < seen.end()) {
      const int index = from_back ? seen.end() - 1 : seen.begin();
      const uint64_t rest = from_back ? seen.without_last() : seen.without_first();
      if (!ticket.compare_exchange_weak(seen.bits, rest)) continue;
      work.load()(argument.load(), index);
      done.fetch_add(1);
      seen.bits = ticket.load();
    }
  }

  void loop() {
    Ticket seen{ticket.load()};
    auto until = std::chrono::steady_clock::now() + kPatience;
    while (!stop.load(std::memory_order_relaxed)) {
      Ticket now{ticket.load(std::memory_order_acquire)};
      for (int i = 0; i < kLooks && now.round() == seen.round(); ++i) {
        relax();
        now.bits = ticket.load(std::memory_order_acquire);
      }
      if (now.round() != seen.round()) {
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
  if (!alone.owns_lock() || s.helpers.empty() || n < 2 || n > 0xffff || start < s.alone_until ||
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
  if (s.asleep.load() == 0) {
    s.unanswered = 0;
  } else if (start - s.last_end < kSoon) {
    s.wake_helpers();
  } else {
    s.take(ticket, false, 1);
    if ((cycles() - start) * static_cast<uint64_t>(n - 1) > kMuch) s.wake_helpers();
  }
  s.take({s.ticket.load()}, false);
  const uint64_t own_end = cycles();
  for (int waits = 0; s.done.load() < n; ++waits)
    waits < kEagerWaits ? relax() : static_cast<void>(sched_yield());
  const uint64_t end = cycles(), waited = end - own_end;
  s.last_end = end;
  if (waited > own_end - start + kShortWait)
    s.alone_until =
        std::max(s.alone_until, end - kAlonePerWait * kSavedUp) + kAlonePerWait * waited;
}

namespace {

// The child of a fork has none of its parent's threads: it makes a crew of its own (see Lane).
struct MainCrew {
  std::mutex mutex;
  Crew* crew = nullptr;
  int threads = 0;
};
MainCrew* main_crew = new MainCrew;

void forget_after_fork() {
  ++n_forks;
  main_crew = new MainCrew;
}

}  // namespace

Crew& Crew::main() {
  [[maybe_unused]] static const int registered =
      pthread_atfork(nullptr, nullptr, forget_after_fork);
  const int threads = default_threads();
  const std::lock_guard lock(main_crew->mutex);
  // A crew that somebody may still hold is never destroyed; the number changes rarely.
  if (main_crew->crew == nullptr || main_crew->threads != threads) {
    main_crew->crew = new Crew(threads - 1);
    main_crew->threads = threads;
  }
  return *main_crew->crew;
}

}  // namespace andiron::exec
