#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <numeric>

#include "andiron/exec/native/along_axis.hpp"
#include "andiron/exec/native/hands.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kSharedElements = 4096;
constexpr int64_t kCounted = 128;          // rows up to this long are sorted by counting
constexpr int64_t kLargeDigits = 1 << 13;  // from here on three digits of 11 bits pay

// Whole numbers in the order of the floats: NaN last, 0 and -0 equal.
uint32_t key_of(float x) {
  if (x != x) return 0xFFFFFFFFU;
  const auto bits = std::bit_cast<uint32_t>(x + 0.0F);  // -0 + 0 is 0
  return (bits >> 31) != 0 ? ~bits : bits | 0x80000000U;
}
uint32_t key_of(int32_t x) { return static_cast<uint32_t>(x) ^ 0x80000000U; }

// Keys carry their positions below.
using Entry = uint64_t;
uint32_t position_of(Entry e) { return static_cast<uint32_t>(e); }

// Digit by digit from the last, between the two lists; returns the one that is in order at the end.
template <int kBits, int kDigits>
Entry* radix_sort(Entry* entries, Entry* other, int64_t n) {
  constexpr uint32_t kBuckets = 1U << kBits;
  uint32_t count[kDigits][kBuckets] = {};
  const auto digit = [](Entry e, int d) {
    return static_cast<uint32_t>(e >> (32 + d * kBits)) & (kBuckets - 1);
  };
  for (int64_t i = 0; i < n; ++i)
    for (int d = 0; d < kDigits; ++d) ++count[d][digit(entries[i], d)];
  for (int d = 0; d < kDigits; ++d) {
    // All in one bucket: they are in order by this digit.
    if (count[d][digit(entries[0], d)] == static_cast<uint32_t>(n)) continue;
    std::exclusive_scan(count[d], count[d] + kBuckets, count[d], 0U);
    for (int64_t i = 0; i < n; ++i) other[count[d][digit(entries[i], d)]++] = entries[i];
    std::swap(entries, other);
  }
  return entries;
}

/// rank[i] = how many of n keys come before key[i]: the smaller ones, and equal ones with a smaller
/// place. Eight at a time beside each of all. REQUIRES room for the next multiple of 8.
void count_ranks(int32_t* key, int32_t* rank, int64_t n) {
  const int64_t padded = (n + 7) / 8 * 8;
  for (int64_t i = n; i < padded; ++i) key[i] = INT32_MAX;  // before none
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  for (int64_t first = 0; first < padded; first += 8) {
    const __m256i k = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(key + first));
    // Those before the eight: counted unless greater.
    __m256i count = _mm256_set1_epi32(static_cast<int>(first));
    for (int64_t j = 0; j < first; ++j)
      count = _mm256_add_epi32(count, _mm256_cmpgt_epi32(_mm256_set1_epi32(key[j]), k));
    for (int64_t j = first; j < first + 8; ++j) {
      const __m256i other = _mm256_set1_epi32(key[j]);
      const __m256i earlier =
          _mm256_cmpgt_epi32(lanes, _mm256_set1_epi32(static_cast<int>(j - first)));
      const __m256i equal = _mm256_and_si256(_mm256_cmpeq_epi32(k, other), earlier);
      count = _mm256_sub_epi32(count, _mm256_or_si256(_mm256_cmpgt_epi32(k, other), equal));
    }
    for (int64_t j = first + 8; j < padded; ++j)
      count = _mm256_sub_epi32(count, _mm256_cmpgt_epi32(k, _mm256_set1_epi32(key[j])));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(rank + first), count);
  }
}

template <class T>
class SortRows final : public Kernel {
 public:
  SortRows(const KernelRequest& request, const AxisView& v, bool descending)
      : v_(v),
        descending_(descending),
        hands_(request, v.outer * v.n * v.inner >= kSharedElements, v.outer * v.inner) {}
  size_t scratch_bytes() const override {
    return v_.n <= kCounted ? 0 : static_cast<size_t>(hands_.parts() * 2 * v_.n) * sizeof(Entry);
  }
  void run(const KernelCall& call) const override {
    hands_.run([&](int part, int parts) {
      const Range range = part_of(v_.outer * v_.inner, part, parts);
      Entry* entries = nullptr;
      if (v_.n > kCounted) entries = reinterpret_cast<Entry*>(call.scratch) + part * 2 * v_.n;
      for (int64_t i = range.begin; i < range.end; ++i) row(call, i, entries);
    });
  }
  std::string_view name() const override { return "sort rows"; }

 private:
  void row(const KernelCall& call, int64_t i, Entry* entries) const {
    const int64_t first = i / v_.inner * v_.n * v_.inner + i % v_.inner;
    const T* x = static_cast<const T*>(call.src[0]) + first;
    T* values = static_cast<T*>(call.dst[0]) + first;
    int32_t* indices = static_cast<int32_t*>(call.dst[1]) + first;
    const uint32_t turn = descending_ ? 0xFFFFFFFFU : 0U;
    const int64_t n = v_.n, step = v_.inner;
    if (n <= kCounted) {
      int32_t key[kCounted], rank[kCounted];
      for (int64_t j = 0; j < n; ++j)
        key[j] = static_cast<int32_t>(key_of(x[j * step]) ^ turn ^ 0x80000000U);
      count_ranks(key, rank, n);
      for (int64_t j = 0; j < n; ++j) {
        values[rank[j] * step] = x[j * step];
        indices[rank[j] * step] = static_cast<int32_t>(j);
      }
      return;
    }
    for (int64_t j = 0; j < n; ++j)
      entries[j] = static_cast<Entry>(key_of(x[j * step]) ^ turn) << 32 | static_cast<Entry>(j);
    const Entry* sorted = n < kLargeDigits ? radix_sort<8, 4>(entries, entries + n, n)
                                           : radix_sort<11, 3>(entries, entries + n, n);
    for (int64_t j = 0; j < n; ++j) {
      const uint32_t from = position_of(sorted[j]);
      values[j * step] = x[from * step];
      indices[j * step] = static_cast<int32_t>(from);
    }
  }

  AxisView v_;
  bool descending_;
  Hands hands_;
};

}  // namespace

std::unique_ptr<Kernel> make_sort(const KernelRequest& request) {
  const Operand& x = request.src[0];
  if (x.count() == 0) return nullptr;
  const AxisView v = along_axis(x.sizes, request.node.attr<int64_t>("axis"));
  const bool descending = request.node.attr<bool>("descending");
  if (x.dtype == DType::f32) return std::make_unique<SortRows<float>>(request, v, descending);
  if (x.dtype == DType::i32) return std::make_unique<SortRows<int32_t>>(request, v, descending);
  return nullptr;
}

}  // namespace andiron::exec
