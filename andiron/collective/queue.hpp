#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "andiron/collective/communicator.hpp"
#include "andiron/collective/operation.hpp"

namespace andiron::collective {

/// A collective to be done: the header and the memory.
struct Task {
  Header header;
  std::span<std::byte> data;        // allreduce, broadcast
  std::span<const std::byte> mine;  // allgather
  Gathered* gathered = nullptr;
  Slots* slots = nullptr;  // or allgather in these
};

struct Request::State {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  Result<> result;

  void finish(Result<> r) {
    std::lock_guard lock(mutex);
    result = std::move(r);
    done = true;
    changed.notify_all();
  }
};

/// Runs tasks one after another in the order of their arrival: on its own thread, or on the
/// caller's when nothing is before it, which saves two changes of threads.
class Queue {
 public:
  /// `begun(n)` is called when the n-th collective begins.
  Queue(Transport& transport, const Options& options, uint64_t run_key,
        std::function<void(uint64_t)> begun);
  ~Queue() { stop(); }

  Result<> run(Task task);
  Request start(Task task);
  /// Ends the thread. What is under way fails, since the fate has a fault by then.
  void stop();
  size_t pending() const;
  Costs costs() const;

 private:
  struct Entry {
    Task task;
    std::shared_ptr<Request::State> state;
  };
  void work();
  /// Runs on the one thread whose turn it is.
  Result<> execute(const Task& task, std::chrono::microseconds spin);
  Result<> call(Operation& op, const Task& task);
  Failure explain(const Task& task, const Fault& fault);

  Transport& transport_;
  const Options& options_;
  uint64_t run_key_;
  std::function<void(uint64_t)> begun_;
  Workspace workspace_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Entry> entries_;
  uint64_t sequence_ = 0;
  bool running_ = false, stopping_ = false;
  Costs costs_;
  std::thread thread_;  // made when it is first needed
};

}  // namespace andiron::collective
