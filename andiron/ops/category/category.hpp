#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "andiron/base/fingerprint.hpp"
#include "andiron/graph/value.hpp"
#include "andiron/tensor/tensor.hpp"

/// Categories as numbers: what the preprocessing layers are made of. A text is its fingerprint
/// (base/fingerprint.hpp) in int64.
namespace andiron::ops {

/// int64 in [0, bins): the hash of each element modulo bins. `hash` is "digits" (integers, as the
/// text of their digits: Keras's), "fingerprint" (texts), or "remainder" (the floor modulus of the
/// integer itself). `salt`: none, or the two words of SipHash's key.
Value hash_bins(const Value& x, int64_t bins, std::string hash = "digits",
                std::vector<int64_t> salt = {});
/// int64 in [0, bins): columns of one shape hashed together, as tf.sparse.cross_hashed does.
Value cross_bins(const std::vector<Value>& columns, int64_t bins);

/// A hash table for `lookup`: `keys` [m] and `ids` [m], m a power of two.
struct LookupTable {
  Tensor keys, ids;
};
/// keys[i] -> ids[i]. REQUIRES different keys.
LookupTable make_lookup_table(const std::vector<int64_t>& keys, const std::vector<int64_t>& ids);
/// The id of each element of x (int32, int64) in a table of make_lookup_table: int64 of x's shape.
/// `missing` where there is none; an error at run time with `strict`.
Value lookup(const Value& x, const Value& keys, const Value& ids, int64_t missing = -1,
             bool strict = false);

/// int32 of x's shape: how many of the ascending boundaries [k] are not above x.
Value bucketize(const Value& x, const Value& boundaries);

/// ids [..., k] -> float32 [..., depth]: 1 where an id occurs, or (`count`) how often; with weights
/// [..., k] the sum of its weights. Negative ids are padding; others must be below depth.
Value multi_hot(const Value& ids, int64_t depth, bool count = false, const Value& weights = {});

// Shared by rooms and kernels.

/// Where lookup's table has no entry.
constexpr int64_t kNoEntry = INT64_MIN;

/// Where the search for a key in a table of `mask` + 1 places begins.
inline uint64_t lookup_place(int64_t key, uint64_t mask) {
  const auto x = static_cast<uint64_t>(key) * 0x9e3779b97f4a7c15;
  return (x ^ (x >> 32)) & mask;
}

/// The id of a key, or kNoEntry.
inline int64_t find_id(const int64_t* keys, const int64_t* ids, uint64_t mask, int64_t key) {
  uint64_t place = lookup_place(key, mask);
  for (uint64_t tried = 0; tried <= mask; ++tried, place = (place + 1) & mask) {
    if (ids[place] == kNoEntry) return kNoEntry;
    if (keys[place] == key) return ids[place];
  }
  return kNoEntry;
}

enum class BinHash : uint8_t { digits, fingerprint, remainder };
/// Throws Error when it is none.
BinHash bin_hash_from(const std::string& name);

/// One element's bin.
inline int64_t bin_of(int64_t x, int64_t bins, BinHash hash, const SipKey* salt) {
  if (hash == BinHash::remainder) {
    const int64_t r = x % bins;
    return r < 0 ? r + bins : r;
  }
  uint64_t h = 0;
  if (salt == nullptr)
    h = hash == BinHash::digits ? fingerprint64_of_digits(x) : static_cast<uint64_t>(x);
  else
    h = hash == BinHash::digits
            ? sip_hash_of_digits(*salt, x)
            : sip_hash(*salt, {reinterpret_cast<const char*>(&x), sizeof(x)});
  return static_cast<int64_t>(h % static_cast<uint64_t>(bins));
}

/// Places of the ascending boundaries that are not above x; NaN is above all.
template <class T>
int32_t bucket_of(T x, const T* boundaries, int64_t k) {
  int64_t low = 0, n = k;
  while (n > 0) {  // first boundary above x
    const int64_t half = n / 2;
    const bool above = x < boundaries[low + half];
    low = above ? low : low + half + 1;
    n = above ? half : n - half - 1;
  }
  return static_cast<int32_t>(low);
}

constexpr uint64_t kCrossKey = 0xDECAFCAFFE;  // TensorFlow's

/// The error of an element that a strict lookup does not find.
[[noreturn]] void fail_lookup(int64_t position);

}  // namespace andiron::ops
