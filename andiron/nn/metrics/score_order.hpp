#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>
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

/// Sorts unsigned keys by their four highest digits of 11 bits that differ, and what is equal in
/// these (few, unless scores differ in their last bits only) by comparing.
template <class Key>
void sort_keys(std::vector<Key>& keys) {
  constexpr int kBits = 11, kDigits = (sizeof(Key) * 8 + kBits - 1) / kBits, kMost = 4;
  constexpr Key kMask = (1U << kBits) - 1;
  if (keys.size() < 512) return std::sort(keys.begin(), keys.end());
  Key any = 0, all = ~Key(0);
  for (Key k : keys) {
    any |= k;
    all &= k;
  }
  std::vector<int> shifts;  // of the digits that differ
  for (int d = 0; d < kDigits; ++d)
    if (((any ^ all) >> (d * kBits)) & kMask) shifts.push_back(d * kBits);
  const size_t more = shifts.size() > kMost ? shifts.size() - kMost : 0;
  shifts.erase(shifts.begin(), shifts.begin() + static_cast<std::ptrdiff_t>(more));
  std::vector<std::array<size_t, kMask + 1>> counts(shifts.size());
  for (Key k : keys)
    for (size_t d = 0; d < shifts.size(); ++d) ++counts[d][(k >> shifts[d]) & kMask];
  std::vector<Key> other(keys.size());
  for (size_t d = 0; d < shifts.size(); ++d) {
    size_t sum = 0;
    for (size_t& c : counts[d]) sum += std::exchange(c, sum);
    for (Key k : keys) other[counts[d][(k >> shifts[d]) & kMask]++] = k;
    keys.swap(other);
  }
  if (more == 0) return;
  for (size_t begin = 0, end = 0; begin < keys.size(); begin = end) {
    for (end = begin + 1; end < keys.size() && keys[end] >> shifts[0] == keys[begin] >> shifts[0];)
      ++end;
    if (end - begin > 1)
      std::sort(keys.begin() + static_cast<std::ptrdiff_t>(begin),
                keys.begin() + static_cast<std::ptrdiff_t>(end));
  }
}

}  // namespace andiron::metrics
