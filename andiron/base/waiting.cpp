#include "andiron/base/waiting.hpp"

#include <utility>

namespace andiron {

namespace {

thread_local WhileWaiting* innermost = nullptr;

}  // namespace

WhileWaiting::WhileWaiting(std::function<void()> look)
    : look_(std::move(look)), outer_(std::exchange(innermost, this)), last_(Clock::now()) {}

WhileWaiting::~WhileWaiting() { innermost = outer_; }

bool WhileWaiting::is_set() noexcept { return innermost != nullptr; }

void WhileWaiting::look() {
  if (innermost == nullptr) return;
  // A wait may be many short ones.
  const Clock::time_point now = Clock::now();
  if (now - innermost->last_ < kEvery) return;
  innermost->last_ = now;
  innermost->look_();
}

}  // namespace andiron
