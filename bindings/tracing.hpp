#pragma once

namespace andiron::bindings {

/// While one lives on a thread, functions of the user's are traced there: ops on variables become
/// nodes that read them instead of being computed at once, which would freeze their values.
/// Inside of one, `TracingScope(false)` is for code that does compute (a layer's build).
class TracingScope {
 public:
  explicit TracingScope(bool traced = true) : before_(state()) { state() = traced; }
  ~TracingScope() { state() = before_; }
  TracingScope(const TracingScope&) = delete;
  TracingScope& operator=(const TracingScope&) = delete;

  static bool active() { return state(); }

 private:
  static bool& state() {
    static thread_local bool traced = false;
    return traced;
  }
  bool before_;
};

}  // namespace andiron::bindings
