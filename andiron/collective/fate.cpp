#include "andiron/collective/fate.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

namespace andiron::collective {

std::string_view name_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::lost:
      return "lost";
    case FaultKind::stalled:
      return "stalled";
    case FaultKind::mismatch:
      return "mismatch";
    case FaultKind::aborted:
      return "aborted";
    case FaultKind::closed:
      return "closed";
  }
  return "unknown";
}

Fate::Fate() : wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_fd_ < 0) system_failure("[collective] cannot make an eventfd").raise();
}

Fate::~Fate() { ::close(wake_fd_); }

const Fault& Fate::fail(Fault fault) {
  {
    std::lock_guard lock(mutex_);
    if (fault_) return *fault_;
    fault_ = std::move(fault);
    failed_.store(true, std::memory_order_release);
    ::eventfd_write(wake_fd_, 1);
    changed_.notify_all();
  }
  if (listener_) listener_(*fault_);
  return *fault_;
}

bool Fate::wait_for(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, time, [&] { return fault_.has_value(); });
}

}  // namespace andiron::collective
