#pragma once

#include <cmath>
#include <limits>
#include <numbers>

#include "andiron/base/philox.hpp"

/// Random numbers by position: element i of a stream depends on the key and i only, so that tiles,
/// threads and order don't matter. One Philox block holds four elements.
namespace andiron::ops {

/// The stream of one random op at one step.
inline uint64_t stream_key(int64_t seed, int64_t counter) {
  return mix_key(static_cast<uint64_t>(seed), static_cast<uint64_t>(counter));
}

/// Calls f(i, words, lane) for i in [begin, begin + n): element i is words[lane] of its block.
template <class F>
void for_each_draw(uint64_t key, int64_t begin, int64_t n, F f) {
  const Philox philox{key};
  for (int64_t i = begin; i < begin + n;) {
    const auto words = philox(static_cast<uint64_t>(i / 4));
    for (int64_t lane = i % 4; lane < 4 && i < begin + n; ++lane, ++i)
      f(i, words, static_cast<size_t>(lane));
  }
}

/// Uniform in [low, high), also after rounding.
inline float uniform_between(uint32_t word, float low, float high) {
  // An explicit fma: the same bits whatever the compiler would contract.
  const float value = std::fma(uniform_float(word), high - low, low);
  return value < high ? value : std::nextafter(high, low);
}

/// Standard normal (Box and Muller, 1958): lanes 0, 1 and 2, 3 are pairs.
inline float standard_normal(const std::array<uint32_t, 4>& words, size_t lane) {
  const size_t pair = lane & ~size_t{1};
  // 1 - u lies in (0, 1]: the logarithm is finite.
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform_float(words[pair])));
  const double angle = 2.0 * std::numbers::pi * uniform_float(words[pair + 1]);
  return static_cast<float>(radius * (lane == pair ? std::cos(angle) : std::sin(angle)));
}

}  // namespace andiron::ops
