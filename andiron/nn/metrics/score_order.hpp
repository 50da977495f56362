#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

namespace andiron::metrics {

/// Unsigned keys whose order is that of the scores, highest score first; -0 and 0 are equal.
inline uint32_t descending_key(float score) {
  const uint32_t bits = std::bit_cast<uint32_t>(score + 0.0F);
  return bits & 0x80000000U ? bits : ~bits & 0x7FFFFFFFU;
}
inline uint64_t descending_key(double score) {
  const uint64_t bits = std::bit_cast<uint64_t>(score + 0.0);
  return bits >> 63 ? bits : ~bits & 0x7FFFFFFFFFFFFFFFULL;
}

/// Sorts by `key(element)`, an unsigned integer, stable, by its digits of 11 bits from the lowest.
/// Digits that are the same in all elements cost one look only.
template <class T, class Key>
void radix_sort(std::vector<T>& values, Key key) {
  using Unsigned = decltype(key(values[0]));
  constexpr int kBits = 11, kDigits = (sizeof(Unsigned) * 8 + kBits - 1) / kBits;
  constexpr Unsigned kMask = (1U << kBits) - 1;
  std::vector<std::array<size_t, kMask + 1>> counts(kDigits);
  for (const T& v : values)
    for (int d = 0; d < kDigits; ++d)
      ++counts[static_cast<size_t>(d)][(key(v) >> (d * kBits)) & kMask];
  std::vector<T> other(values.size());
  for (int d = 0; d < kDigits; ++d) {
    auto& at = counts[static_cast<size_t>(d)];
    size_t sum = 0, largest = 0;
    for (size_t& c : at) {
      largest = std::max(largest, c);
      sum += std::exchange(c, sum);
    }
    if (largest == values.size()) continue;
    for (const T& v : values) other[at[(key(v) >> (d * kBits)) & kMask]++] = v;
    values.swap(other);
  }
}

}  // namespace andiron::metrics
