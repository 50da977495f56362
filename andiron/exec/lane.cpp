#include "andiron/exec/lane.hpp"

#include <omp.h>
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "andiron/base/waiting.hpp"
#include "andiron/exec/plan.hpp"

namespace andiron::exec {

namespace {

std::mutex default_mutex;
int chosen_threads = 0;

int available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

thread_local const void* current_lane = nullptr;
std::atomic<std::shared_ptr<void> (*)()> release_locks = nullptr;

}  // namespace

int default_threads() {
  const std::lock_guard lock(default_mutex);
  return chosen_threads > 0 ? chosen_threads : available_cores();
}

void set_default_threads(int threads) {
  const std::lock_guard lock(default_mutex);
  chosen_threads = std::max(0, threads);
}

struct Lane::State {
  int threads;
  std::mutex mutex;
  std::condition_variable wake, done;
  const std::function<void()>* work = nullptr;
  bool finished = false, stop = false;
  std::exception_ptr error;
  std::mutex callers;
  std::thread driver;

  void loop() {
    current_lane = this;
    omp_set_dynamic(0);
    omp_set_num_threads(threads);
    std::unique_lock lock(mutex);
    while (true) {
      wake.wait(lock, [&] { return work != nullptr || stop; });
      if (stop) return;
      lock.unlock();
      std::exception_ptr caught;
      try {
        (*work)();
      } catch (...) {
        caught = std::current_exception();
      }
      lock.lock();
      error = caught;
      work = nullptr;
      finished = true;
      done.notify_one();
    }
  }
};

Lane::Lane(int threads) : state_(std::make_unique<State>()) {
  state_->threads = threads;
  State* state = state_.get();
  state_->driver = std::thread([state] { state->loop(); });
}

Lane::~Lane() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
  }
  state_->wake.notify_one();
  state_->driver.join();
}

int Lane::threads() const { return state_->threads; }

void Lane::on_wait(std::shared_ptr<void> (*release)()) { release_locks = release; }

void Lane::run(const std::function<void()>& work) {
  if (current_lane == state_.get()) {
    work();
    return;
  }
  auto* const release = release_locks.load();
  const std::shared_ptr<void> released = release == nullptr ? nullptr : release();
  const std::lock_guard one_caller(state_->callers);
  std::unique_lock lock(state_->mutex);
  state_->work = &work;
  state_->finished = false;
  state_->wake.notify_one();
  wait_until(state_->done, lock, [&] { return state_->finished; });
  if (state_->error) std::rethrow_exception(std::exchange(state_->error, nullptr));
}

namespace {

// The child of a fork has none of its parent's threads: it forgets the lane (leaking it, since its
// driver cannot be joined) and makes a new one on first use.
struct MainLane {
  std::mutex mutex;
  Lane* lane = nullptr;
};
MainLane* main_lane = new MainLane;

void forget_after_fork() { main_lane = new MainLane; }

}  // namespace

Lane& Lane::main() {
  [[maybe_unused]] static const int registered =
      pthread_atfork(nullptr, nullptr, forget_after_fork);
  const int threads = default_threads();
  const std::lock_guard lock(main_lane->mutex);
  // A lane that somebody may still hold is never destroyed; the number changes rarely.
  if (main_lane->lane == nullptr || main_lane->lane->threads() != threads)
    main_lane->lane = new Lane(threads);
  return *main_lane->lane;
}

}  // namespace andiron::exec
