#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace andiron::train {

/// Which images could not be read, each counted once. Thread safe.
class BadImages {
 public:
  static constexpr size_t kMessages = 10;

  void add(int64_t image, const std::string& message) {
    const std::lock_guard lock(mutex_);
    const auto at = static_cast<size_t>(image);
    if (seen_.size() <= at) seen_.resize(at + 1);
    if (seen_[at]) return;
    seen_[at] = true;
    ++count_;
    messages_.emplace(image, message);
    // The first by number, in whatever order threads met them.
    if (messages_.size() > kMessages) messages_.erase(std::prev(messages_.end()));
  }
  int64_t count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }
  std::vector<std::string> messages() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> found;
    for (const auto& [image, message] : messages_) found.push_back(message);
    return found;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<bool> seen_;
  std::map<int64_t, std::string> messages_;
  int64_t count_ = 0;
};

}  // namespace andiron::train
