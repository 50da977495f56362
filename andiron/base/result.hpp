#pragma once

#include <fmt/format.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

#include "andiron/base/error.hpp"

namespace andiron {

/// Why a file or network function could not do its work: what was tried, what the system said, in
/// which line, and the failure below that caused it. Cheap to copy.
class Failure {
 public:
  Failure(std::string message, int errno_code, std::source_location place,
          std::shared_ptr<const Failure> cause = nullptr)
      : message_(std::move(message)),
        errno_code_(errno_code),
        place_(place),
        cause_(std::move(cause)) {}

  const std::string& message() const { return message_; }
  /// The first errno down the chain; 0 when the system said nothing.
  int errno_code() const;
  const Failure* cause() const { return cause_.get(); }
  /// The whole chain, one line each: "[checkpoint] cannot save 'x'\n  because cannot write 'x/y':
  /// No space left on device (errno 28, atomic_file.cpp:41)".
  std::string report() const;
  /// Throws IoError(report()).
  [[noreturn]] void raise() const;

 private:
  std::string message_;
  int errno_code_;
  std::source_location place_;
  std::shared_ptr<const Failure> cause_;
};

/// A format string that remembers the line in which it stands.
template <class... Args>
struct PlacedFormat {
  template <class S>
  consteval PlacedFormat(const S& text,  // NOLINT: converts from a literal
                         std::source_location where = std::source_location::current())
      : format(text), place(where) {}
  fmt::format_string<Args...> format;
  std::source_location place;
};

/// A failure of our own rules: a damaged file, a peer that answers nonsense.
template <class... Args>
Failure failure(PlacedFormat<std::type_identity_t<Args>...> f, Args&&... args) {
  return Failure(fmt::format(f.format, std::forward<Args>(args)...), 0, f.place);
}

/// A failed system call: keeps errno.
template <class... Args>
Failure system_failure(PlacedFormat<std::type_identity_t<Args>...> f, Args&&... args) {
  const int code = errno;
  return Failure(fmt::format(f.format, std::forward<Args>(args)...), code, f.place);
}

/// What the caller was doing when `cause` happened.
template <class... Args>
Failure because(Failure cause, PlacedFormat<std::type_identity_t<Args>...> f, Args&&... args) {
  return Failure(fmt::format(f.format, std::forward<Args>(args)...), 0, f.place,
                 std::make_shared<const Failure>(std::move(cause)));
}

/// A value, or the failure that explains why there is none. For file and network functions.
template <class T = void>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT: `return value;`
  Result(Failure failure)                        // NOLINT: `return failure(...)`
      : failure_(std::make_shared<const Failure>(std::move(failure))) {}

  bool ok() const { return failure_ == nullptr; }
  explicit operator bool() const { return ok(); }
  /// REQUIRES !ok().
  const Failure& failure() const { return *failure_; }
  /// REQUIRES ok().
  T& value() & { return *value_; }
  const T& value() const& { return *value_; }
  T&& value() && { return std::move(*value_); }
  /// The value; throws IoError with the chain of causes when there is none.
  T value_or_throw() && {
    if (!ok()) failure_->raise();
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
  std::shared_ptr<const Failure> failure_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Failure failure)  // NOLINT: `return failure(...)`
      : failure_(std::make_shared<const Failure>(std::move(failure))) {}

  bool ok() const { return failure_ == nullptr; }
  explicit operator bool() const { return ok(); }
  /// REQUIRES !ok().
  const Failure& failure() const { return *failure_; }
  void value_or_throw() && {
    if (!ok()) failure_->raise();
  }

 private:
  std::shared_ptr<const Failure> failure_;
};

inline Result<> success() { return {}; }

}  // namespace andiron
