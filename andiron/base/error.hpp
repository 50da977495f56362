#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace andiron {

/// A user's mistake: thrown when a graph is built, a file is opened or an argument is checked.
/// The message names the op, the rule and what came: "[conv] groups=3 does not divide C=16".
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
};

/// The argument has the wrong type (a TypeError in Python); everything else is a ValueError.
class TypeError : public Error {
 public:
  using Error::Error;
};

/// A file or a connection did not do what was asked (an OSError in Python). `errno_code` is 0 when
/// the system said nothing, as for a damaged file.
class IoError : public Error {
 public:
  explicit IoError(const std::string& message, int errno_code = 0)
      : Error(message), errno_code_(errno_code) {}
  int errno_code() const { return errno_code_; }

 private:
  int errno_code_;
};

template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace andiron

/// An invariant of our own that no user input can break. Active in every build: the checks stand
/// outside of hot loops. It throws (std::logic_error) rather than aborting the user's process.
#define ANDIRON_ASSERT(condition)                                                     \
  do {                                                                                \
    if (!(condition)) [[unlikely]]                                                    \
      throw std::logic_error(fmt::format("internal error: {} ({}:{}); please report", \
                                         #condition, __FILE_NAME__, __LINE__));       \
  } while (false)
