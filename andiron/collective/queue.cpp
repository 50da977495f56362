#include "andiron/collective/queue.hpp"

namespace andiron::collective {

Queue::Queue(Transport& transport, const Options& options, uint64_t run_key,
             std::function<void(uint64_t)> begun)
    : transport_(transport), options_(options), run_key_(run_key), begun_(std::move(begun)) {}

Result<> Queue::run(Task task) {
  {
    std::lock_guard lock(mutex_);
    if (!running_ && entries_.empty() && !stopping_) {
      running_ = true;
      task.header.run = run_key_;
      task.header.sequence = sequence_++;
    } else {
      task.header.magic = 0;  // not our turn
    }
  }
  if (task.header.magic == 0) {
    task.header.magic = Header::kMagic;
    return start(task).wait();
  }
  Result<> result = execute(task, options_.spin);
  std::lock_guard lock(mutex_);
  running_ = false;
  changed_.notify_all();
  return result;
}

Request Queue::start(Task task) {
  auto state = std::make_shared<Request::State>();
  std::lock_guard lock(mutex_);
  if (stopping_) {
    state->finish(failure("[collective] the communicator is closed"));
    return Request(state);
  }
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  task.header.run = run_key_;
  task.header.sequence = sequence_++;
  entries_.push_back({task, state});
  changed_.notify_all();
  return Request(state);
}

void Queue::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return (stopping_ || !entries_.empty()) && !running_; });
    if (entries_.empty()) return;
    Entry entry = std::move(entries_.front());
    entries_.pop_front();
    running_ = true;
    lock.unlock();
    Result<> result = execute(entry.task, std::chrono::microseconds(0));
    lock.lock();
    running_ = false;
    changed_.notify_all();
    // Last: who waited for it may close the communicator at once, and nothing is under way then.
    entry.state->finish(std::move(result));
  }
}

void Queue::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

size_t Queue::pending() const {
  std::lock_guard lock(mutex_);
  return entries_.size() + (running_ ? 1 : 0);
}

Costs Queue::costs() const {
  std::lock_guard lock(mutex_);
  return costs_;
}

Result<> Queue::execute(const Task& task, std::chrono::microseconds spin) {
  Fate& fate = transport_.fate();
  if (fate.failed()) return explain(task, fate.fault());
  const Clock::time_point start = Clock::now();
  const Traffic before = transport_.traffic();
  if (begun_) begun_(task.header.sequence + 1);
  transport_.set_spin(spin);
  Result<> result;
  try {
    Operation op(transport_, task.header, start + options_.operation_timeout, workspace_);
    result = call(op, task);
  } catch (const std::exception& e) {  // memory
    result = failure("{}", e.what());
    fate.fail({FaultKind::aborted, transport_.rank(), result.failure()});
  }
  const Traffic& after = transport_.traffic();
  {
    std::lock_guard lock(mutex_);
    Cost& cost = costs_[static_cast<size_t>(task.header.kind)];
    ++cost.calls;
    cost.seconds += std::chrono::duration<double>(Clock::now() - start).count();
    cost.traffic.payload_sent += after.payload_sent - before.payload_sent;
    cost.traffic.payload_received += after.payload_received - before.payload_received;
    cost.traffic.header_sent += after.header_sent - before.header_sent;
    cost.traffic.header_received += after.header_received - before.header_received;
  }
  if (!result) return explain(task, fate.fault());
  return success();
}

Result<> Queue::call(Operation& op, const Task& task) {
  switch (task.header.kind) {
    case Kind::allreduce:
      return allreduce(op, task.data);
    case Kind::allgather:
      if (task.slots != nullptr) return allgather(op, *task.slots);
      return allgather(op, task.mine, *task.gathered);
    case Kind::broadcast:
      return broadcast(op, task.data);
    case Kind::barrier:
      return barrier(op);
  }
  return success();
}

Failure Queue::explain(const Task& task, const Fault& fault) {
  return because(fault.failure, "[collective] rank {}: {} failed", transport_.rank(),
                 describe(task.header));
}

}  // namespace andiron::collective
