#include "andiron/nn/class_name.hpp"

namespace andiron::nn {

namespace {

bool upper(char c) { return c >= 'A' && c <= 'Z'; }
bool lower(char c) { return c >= 'a' && c <= 'z'; }
bool digit(char c) { return c >= '0' && c <= '9'; }
// Bytes of UTF-8 beyond ASCII are taken for letters.
bool word(char c) {
  return upper(c) || lower(c) || digit(c) || c == '_' || static_cast<unsigned char>(c) >= 128;
}

// re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name): a word that begins with a capital.
std::string before_words(const std::string& name) {
  std::string out;
  for (size_t i = 0; i < name.size();) {
    out += name[i++];
    if (i + 1 >= name.size() || !upper(name[i]) || !lower(name[i + 1])) continue;
    out += '_';
    out += name[i++];
    while (i < name.size() && lower(name[i])) out += name[i++];
  }
  return out;
}

// re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
std::string before_capitals(const std::string& name) {
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    if (i > 0 && lower(name[i - 1]) && upper(name[i])) out += '_';
    out += upper(name[i]) ? static_cast<char>(name[i] - 'A' + 'a') : name[i];
  }
  return out;
}

}  // namespace

std::string snake_case(std::string_view class_name) {
  std::string words;
  for (char c : class_name)
    if (word(c)) words += c;
  return before_capitals(before_words(words));
}

}  // namespace andiron::nn
