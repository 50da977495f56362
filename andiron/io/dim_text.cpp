#include "andiron/io/dim_text.hpp"

#include <charconv>
#include <string_view>

#include "andiron/base/error.hpp"

namespace andiron::io {

namespace {

bool is_name(std::string_view text) {
  auto letter = [](char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; };
  if (text.empty() || (!letter(text[0]) && text[0] != '_')) return false;
  for (char c : text)
    if (!letter(c) && c != '_' && (c < '0' || c > '9')) return false;
  return true;
}

Dim parse_factor(std::string_view text, const std::string& whole) {
  if (is_name(text)) return Dim::symbol(std::string(text));
  int64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc() || end != text.data() + text.size() || size < -kMaxDim || size > kMaxDim)
    fail("'{}' is not a dimension", whole);
  return size;
}

// Calls f for each piece between separators.
template <class F>
void split(std::string_view text, char separator, F f) {
  for (;;) {
    const size_t at = text.find(separator);
    f(text.substr(0, at));
    if (at == std::string_view::npos) return;
    text.remove_prefix(at + 1);
  }
}

}  // namespace

Dim parse_dim(const std::string& text) {
  if (text.size() > 1000) fail("a dimension of {} characters is too long", text.size());
  Dim sum = 0;
  int n_factors = 0;
  split(text, '+', [&](std::string_view term) {
    Dim product = 1;
    int64_t bound = 1;
    split(term, '*', [&](std::string_view factor) {
      const Dim d = parse_factor(factor, text);
      if (++n_factors > 64) fail("'{}' has too many factors", text);
      if (d.known() &&
          (__builtin_mul_overflow(bound, d.size(), &bound) || bound > kMaxDim || bound < -kMaxDim))
        fail("'{}' is too large for a dimension", text);
      product = product * d;
    });
    sum = sum + product;
  });
  return sum;
}

}  // namespace andiron::io
