#include "andiron/base/result.hpp"

#include <cstring>
#include <string_view>

namespace andiron {

int Failure::errno_code() const {
  for (const Failure* f = this; f != nullptr; f = f->cause_.get())
    if (f->errno_code_ != 0) return f->errno_code_;
  return 0;
}

std::string Failure::report() const {
  std::string text;
  for (const Failure* f = this; f != nullptr; f = f->cause_.get()) {
    if (f != this) text += "\n  because ";
    std::string_view file = f->place_.file_name();
    file.remove_prefix(std::min(file.rfind('/') + 1, file.size()));
    text += f->message_;
    if (f->errno_code_ != 0) {
      text += fmt::format(": {} (errno {}, {}:{})", std::strerror(f->errno_code_), f->errno_code_,
                          file, f->place_.line());
    } else {
      text += fmt::format(" ({}:{})", file, f->place_.line());
    }
  }
  return text;
}

void Failure::raise() const { throw IoError(report(), errno_code()); }

}  // namespace andiron
