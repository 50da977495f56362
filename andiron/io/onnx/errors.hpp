#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "andiron/base/error.hpp"

namespace andiron::io::onnx {

/// A model is right by the standard, but uses what Andiron does not have: an operator, an
/// attribute, a dtype.
class Unsupported : public Error {
 public:
  using Error::Error;
};

/// A shape (or another operand that the graph is built by) is only known at run time. `names` are
/// the graph inputs that it depends on: an import that is given their values goes on.
class NeedsValue : public Unsupported {
 public:
  NeedsValue(const std::string& message, std::vector<std::string> names)
      : Unsupported(message), names_(std::move(names)) {}
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
};

template <class... Args>
[[noreturn]] void unsupported(fmt::format_string<Args...> format, Args&&... args) {
  throw Unsupported(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace andiron::io::onnx
