#pragma once

#include <type_traits>

/// Sums, differences and products that wrap around where C++ leaves an integer's overflow
/// undefined, as NumPy's and PyTorch's do; numbers with a fraction as they are.
namespace andiron {

namespace detail {
template <class T, class F>
constexpr T wrapping(T a, T b, F f) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    // At least unsigned int, since smaller types would be computed as int.
    using U = std::common_type_t<std::make_unsigned_t<T>, unsigned>;
    return static_cast<T>(f(static_cast<U>(a), static_cast<U>(b)));
  } else {
    return static_cast<T>(f(a, b));
  }
}
}  // namespace detail

template <class T>
constexpr T wrapping_add(T a, T b) {
  return detail::wrapping(a, b, [](auto x, auto y) { return x + y; });
}
template <class T>
constexpr T wrapping_subtract(T a, T b) {
  return detail::wrapping(a, b, [](auto x, auto y) { return x - y; });
}
template <class T>
constexpr T wrapping_multiply(T a, T b) {
  return detail::wrapping(a, b, [](auto x, auto y) { return x * y; });
}
/// The least number stays itself.
template <class T>
constexpr T wrapping_negative(T a) {
  if constexpr (std::is_integral_v<T>) return wrapping_subtract(T(0), a);
  else return static_cast<T>(-a);
}

}  // namespace andiron
