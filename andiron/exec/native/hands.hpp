#pragma once

#include <algorithm>
#include <cstdint>

#include "andiron/exec/crew.hpp"
#include "andiron/exec/kernel.hpp"
#include "andiron/exec/native/parallel.hpp"

namespace andiron::exec {

/// Who does a kernel's work: a team of threads, the caller with the crew's help (plans of one
/// thread, see exec/crew.hpp), or the caller alone. A kernel makes one when it is made, and asks
/// for help only where the work is worth it.
class Hands {
 public:
  Hands() = default;
  /// `threads` and `helpers` as in KernelRequest; the work can be cut into `most_parts`.
  Hands(int threads, int helpers, int64_t most_parts) {
    const int64_t most = std::clamp<int64_t>(most_parts, 1, kMostParts);
    if (threads > 1) {
      parts_ = static_cast<int>(std::min<int64_t>(threads, most));
    } else if (helpers > 0 && most > 1) {
      // Twice as many as hands, so that who comes late finds something, too.
      parts_ = static_cast<int>(std::min<int64_t>(2 * (int64_t{helpers} + 1), most));
      crew_ = &Crew::main();
    }
  }
  /// For a kernel of the request, whose caller works alone where its work is not worth a team, or
  /// not worth a crew.
  Hands(const KernelRequest& request, bool worth_team, bool worth_crew, int64_t most_parts)
      : Hands(worth_team ? request.threads : 1, worth_crew ? request.helpers : 0, most_parts) {}
  Hands(const KernelRequest& request, bool worth, int64_t most_parts)
      : Hands(request, worth, worth, most_parts) {}

  /// As many as `run` calls at most.
  int parts() const { return parts_; }
  /// Calls f(part, parts) for each part, side by side; f must not throw.
  template <class F>
  void run(F&& f) const {
    if (crew_ == nullptr) {
      parallel(parts_, f);
    } else {
      crew_->run(parts_, [&](int part) { f(part, parts_); });
    }
  }

 private:
  static constexpr int64_t kMostParts = 4096;
  int parts_ = 1;
  Crew* crew_ = nullptr;
};

}  // namespace andiron::exec
