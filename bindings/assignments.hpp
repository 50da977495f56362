#pragma once

#include <utility>
#include <vector>

#include "andiron/graph/value.hpp"
#include "andiron/graph/variable.hpp"

namespace andiron::bindings {

/// While one lives on a thread, what a traced function assigns to variables is written down: from
/// then on they have these values in the trace.
class Assignments {
 public:
  Assignments() : before_(current()) { current() = this; }
  ~Assignments() { current() = before_; }
  Assignments(const Assignments&) = delete;
  Assignments& operator=(const Assignments&) = delete;

  /// The innermost one of this thread, or null.
  static Assignments*& current() {
    static thread_local Assignments* innermost = nullptr;
    return innermost;
  }

  void assign(const VariablePtr& variable, const Value& value) {
    for (auto& [v, latest] : list_)
      if (v == variable) {
        latest = value;
        return;
      }
    list_.emplace_back(variable, value);
  }
  const std::vector<std::pair<VariablePtr, Value>>& list() const { return list_; }

 private:
  std::vector<std::pair<VariablePtr, Value>> list_;
  Assignments* before_;
};

/// What a traced function reads: what it assigned before, else the variable as it is when the graph
/// runs.
inline Value read_traced(const VariablePtr& variable) {
  if (const Assignments* assignments = Assignments::current())
    for (const auto& [v, value] : assignments->list())
      if (v == variable) return value;
  return read(variable);
}

}  // namespace andiron::bindings
