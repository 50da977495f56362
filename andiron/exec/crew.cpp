#include "andiron/exec/crew.hpp"

#include <pthread.h>

#include <atomic>
#include <chrono>
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

inline void relax() { __builtin_ia32_pause(); }

// What a helper needs to know of a round in one word: its number, how many indices it has, the
// next one to take.
struct Ticket {
  uint64_t bits;
  static Ticket of(uint64_t round, int n) { return {round << 32 | static_cast<uint64_t>(n) << 16}; }
  uint64_t round() const { return bits >> 32; }
  int n() const { return static_cast<int>(bits >> 16 & 0xffffU); }
  int next() const { return static_cast<int>(bits & 0xffffU); }
};

}  // namespace

// Only who has taken an index touches the round's work, and the caller leaves a round when all
// indices are done, so work and argument outlive their use.
struct Crew::State {
  std::mutex callers;
  std::atomic<uint64_t> ticket{0};
  std::atomic<int> done{0};
  std::atomic<Work> work{nullptr};
  std::atomic<const void*> argument{nullptr};

  std::mutex mutex;
  std::condition_variable wake;
  std::atomic<int> asleep{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> helpers;

  // Does what is left of the round of `seen`.
  void take(Ticket seen) {
    const uint64_t round = seen.round();
    while (seen.round() == round && seen.next() < seen.n()) {
      if (!ticket.compare_exchange_weak(seen.bits, seen.bits + 1)) continue;
      work.load()(argument.load(), seen.next());
      done.fetch_add(1);
      seen.bits = ticket.load();
    }
  }

  void loop() {
    Ticket seen{ticket.load()};
    auto until = std::chrono::steady_clock::now() + kPatience;
    while (!stop.load(std::memory_order_relaxed)) {
      const Ticket now{ticket.load(std::memory_order_acquire)};
      if (now.round() != seen.round()) {
        take(now);
        seen = now;
        until = std::chrono::steady_clock::now() + kPatience;
        continue;
      }
      for (int i = 0; i < 32; ++i) relax();
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
  if (!alone.owns_lock() || s.helpers.empty() || n < 2 || n > 0xffff) {
    for (int i = 0; i < n; ++i) work(argument, i);
    return;
  }
  s.work.store(work);
  s.argument.store(argument);
  s.done.store(0);
  const Ticket ticket = Ticket::of(Ticket{s.ticket.load()}.round() + 1, n);
  s.ticket.store(ticket.bits);
  if (s.asleep.load() > 0) {
    { const std::lock_guard lock(s.mutex); }
    s.wake.notify_all();
  }
  s.take(ticket);
  while (s.done.load() < n) relax();
}

namespace {

// The child of a fork has none of its parent's threads: it makes a crew of its own (see Lane).
struct MainCrew {
  std::mutex mutex;
  Crew* crew = nullptr;
  int threads = 0;
};
MainCrew* main_crew = new MainCrew;

void forget_after_fork() { main_crew = new MainCrew; }

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
