#include "andiron/exec/lane.hpp"

#include <omp.h>
#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <thread>

#include "andiron/base/waiting.hpp"
#include "andiron/exec/cores.hpp"
#include "andiron/exec/plan.hpp"

namespace andiron::exec {

namespace {

std::mutex default_mutex;
int chosen_threads = 0;

thread_local const void* current_lane = nullptr;
std::atomic<std::shared_ptr<void> (*)()> release_locks = nullptr;

}  // namespace

int default_threads() {
  const std::lock_guard lock(default_mutex);
  if (chosen_threads > 0) return chosen_threads;
  const cpu_set_t cores = process_cores();
  return std::max(1, CPU_COUNT(&cores));
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
    run_on_process_cores();  // and so does its team
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

// By their numbers of threads, for good, since somebody may still hold one. The child of a fork has
// none of its parent's threads: it forgets the lanes (leaking them, since their drivers cannot be
// joined) and makes new ones on first use.
struct MainLanes {
  std::mutex mutex;
  std::map<int, Lane> lanes;
};
MainLanes* main_lanes = new MainLanes;

void forget_after_fork() { main_lanes = new MainLanes; }

}  // namespace

Lane& Lane::main() {
  [[maybe_unused]] static const int registered =
      pthread_atfork(nullptr, nullptr, forget_after_fork);
  const int threads = default_threads();
  const std::lock_guard lock(main_lanes->mutex);
  return main_lanes->lanes.try_emplace(threads, threads).first->second;
}

}  // namespace andiron::exec
