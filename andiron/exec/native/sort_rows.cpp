#include <algorithm>
#include <bit>
#include <numeric>

#include "andiron/exec/native/along_axis.hpp"
#include "andiron/exec/native/parallel.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kParallelElements = 4096;
constexpr int64_t kRadixElements = 512;  // fewer are compared
constexpr int kDigitBits = 11, kDigits = 3;

// Whole numbers in the order of the floats: NaN last, 0 and -0 equal.
uint32_t key_of(float x) {
  if (x != x) return 0xFFFFFFFFU;
  const auto bits = std::bit_cast<uint32_t>(x + 0.0F);  // -0 + 0 is 0
  return (bits >> 31) != 0 ? ~bits : bits | 0x80000000U;
}
uint32_t key_of(int32_t x) { return static_cast<uint32_t>(x) ^ 0x80000000U; }

// Keys carry their positions below, so that equal ones keep their order whatever sorts them.
using Entry = uint64_t;
uint32_t position_of(Entry e) { return static_cast<uint32_t>(e); }

void radix_sort(Entry* entries, Entry* other, int64_t n) {
  constexpr uint32_t kBuckets = 1U << kDigitBits;
  uint32_t count[kDigits][kBuckets] = {};
  const auto digit = [](Entry e, int d) {
    return static_cast<uint32_t>(e >> (32 + d * kDigitBits)) & (kBuckets - 1);
  };
  for (int64_t i = 0; i < n; ++i)
    for (int d = 0; d < kDigits; ++d) ++count[d][digit(entries[i], d)];
  for (int d = 0; d < kDigits; ++d) {
    // All in one bucket: they are in order by this digit.
    if (count[d][digit(entries[0], d)] == static_cast<uint32_t>(n)) continue;
    std::exclusive_scan(count[d], count[d] + kBuckets, count[d], 0U);
    for (int64_t i = 0; i < n; ++i) other[count[d][digit(entries[i], d)]++] = entries[i];
    std::copy_n(other, n, entries);
  }
}

template <class T>
class SortRows final : public Kernel {
 public:
  SortRows(const AxisView& v, bool descending, int threads) : v_(v), descending_(descending) {
    threads_ = v.outer * v.n * v.inner < kParallelElements ? 1 : threads;
    threads_ = static_cast<int>(std::clamp<int64_t>(threads_, 1, v.outer * v.inner));
  }
  size_t scratch_bytes() const override {
    return static_cast<size_t>(threads_ * 2 * v_.n) * sizeof(Entry);
  }
  void run(const KernelCall& call) const override {
    parallel(threads_, [&](int part, int parts) {
      const Range range = part_of(v_.outer * v_.inner, part, parts);
      Entry* entries = reinterpret_cast<Entry*>(call.scratch) + part * 2 * v_.n;
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
    for (int64_t j = 0; j < v_.n; ++j)
      entries[j] = static_cast<Entry>(key_of(x[j * v_.inner]) ^ turn) << 32 | static_cast<Entry>(j);
    if (v_.n < kRadixElements) {
      std::sort(entries, entries + v_.n);
    } else {
      radix_sort(entries, entries + v_.n, v_.n);
    }
    for (int64_t j = 0; j < v_.n; ++j) {
      const uint32_t from = position_of(entries[j]);
      values[j * v_.inner] = x[from * v_.inner];
      indices[j * v_.inner] = static_cast<int32_t>(from);
    }
  }

  AxisView v_;
  bool descending_;
  int threads_;
};

}  // namespace

std::unique_ptr<Kernel> make_sort(const KernelRequest& request) {
  const Operand& x = request.src[0];
  if (x.count() == 0) return nullptr;
  const AxisView v = along_axis(x.sizes, request.node.attr<int64_t>("axis"));
  const bool descending = request.node.attr<bool>("descending");
  if (x.dtype == DType::f32)
    return std::make_unique<SortRows<float>>(v, descending, request.threads);
  if (x.dtype == DType::i32)
    return std::make_unique<SortRows<int32_t>>(v, descending, request.threads);
  return nullptr;
}

}  // namespace andiron::exec
