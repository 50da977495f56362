#pragma once

#include <cstdint>

namespace andiron::ops {

/// The upper bits of a well mixed hash, scaled: no division, no bias worth speaking of.
inline int32_t bucket_of(uint64_t hash, int64_t buckets) {
  return static_cast<int32_t>(
      (static_cast<unsigned __int128>(hash) * static_cast<uint64_t>(buckets)) >> 64);
}

}  // namespace andiron::ops
