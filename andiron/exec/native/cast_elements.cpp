#include "andiron/exec/native/cast_elements.hpp"

#include <immintrin.h>

#include <limits>
#include <type_traits>

#include "andiron/exec/native/hands.hpp"
#include "andiron/exec/native/vector_ops.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kSharedElements = 65536;
constexpr int64_t kGrain = 4096;

using Loop = void (*)(void* dst, const void* src, int64_t n);

// Bool is read and written as the byte that it is.
template <class T>
using Stored = std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>;

// The largest float below `bound`, a power of two.
template <class S>
constexpr S below(S bound) {
  return bound - bound / S(2) * std::numeric_limits<S>::epsilon();
}

// Towards zero; NaN becomes 0, what is out of range the nearest bound. Without a conversion that
// C++ leaves undefined, and such that vectors need no more than a minimum, a maximum and two masks.
template <class D, class S>
D to_integer(S x) {
  constexpr S kLow = static_cast<S>(std::numeric_limits<D>::min());
  constexpr S kBound = static_cast<S>(std::numeric_limits<D>::max() / 2 + 1) * S(2);
  S inside = x == x ? x : S(0);
  inside = inside > kLow ? inside : kLow;
  inside = inside < below(kBound) ? inside : below(kBound);
  // The other bits of what is too large: all of them are ones then.
  return static_cast<D>(static_cast<D>(inside) |
                        (x >= kBound ? std::numeric_limits<D>::max() : D(0)));
}

template <class S, class D>
void convert(void* dst, const void* src, int64_t n) {
  const auto* x = static_cast<const Stored<S>*>(src);
  auto* y = static_cast<Stored<D>*>(dst);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (std::is_same_v<D, bool>) {
      y[i] = x[i] != Stored<S>(0);
    } else if constexpr (std::is_integral_v<D> && std::is_floating_point_v<S>) {
      y[i] = to_integer<D>(x[i]);
    } else {
      y[i] = static_cast<D>(x[i]);
    }
  }
}

// By instructions, since GCC makes three times as many of the above.
void float_to_int(void* dst, const void* src, int64_t n) {
  const auto* x = static_cast<const float*>(src);
  auto* y = static_cast<int32_t*>(dst);
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m256 v = _mm256_loadu_ps(x + i);
    // The least number where it is out of range, whose other bits the largest one has.
    const __m256i least = _mm256_cvttps_epi32(v);
    const __m256 large = _mm256_cmp_ps(v, _mm256_set1_ps(2147483648.0F), _CMP_GE_OQ);
    const __m256 number = _mm256_cmp_ps(v, v, _CMP_ORD_Q);
    const __m256i right = _mm256_xor_si256(least, _mm256_castps_si256(large));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(y + i),
                        _mm256_and_si256(right, _mm256_castps_si256(number)));
  }
  convert<float, int32_t>(y + i, x + i, n - i);
}

void to_bf16(void* dst, const void* src, int64_t n) {
  vector_table().to_bf16(dst, static_cast<const float*>(src), n);
}
void from_bf16(void* dst, const void* src, int64_t n) {
  vector_table().from_bf16(static_cast<float*>(dst), src, n);
}

// Null for bfloat16 with what is not float32.
Loop loop_of(DType from, DType to) {
  if (to == DType::bf16) return from == DType::f32 ? to_bf16 : nullptr;
  if (from == DType::bf16) return to == DType::f32 ? from_bf16 : nullptr;
  if (from == DType::f32 && to == DType::i32) return float_to_int;
  return visit_dtype(from, [&]<class S>() -> Loop {
    return visit_dtype(to, []<class D>() -> Loop {
      if constexpr (std::is_same_v<S, bfloat16> || std::is_same_v<D, bfloat16>)
        return nullptr;
      else
        return convert<S, D>;
    });
  });
}

class CastElements final : public Kernel {
 public:
  CastElements(Loop loop, const KernelRequest& request)
      : loop_(loop),
        n_(request.dst[0].count()),
        src_bytes_(static_cast<int64_t>(size_of(request.src[0].dtype))),
        dst_bytes_(static_cast<int64_t>(size_of(request.dst[0].dtype))) {
    hands_ = Hands(request, n_ >= kSharedElements, n_ / kGrain);
  }

  void run(const KernelCall& call) const override {
    hands_.run([&](int part, int parts) {
      const Range range = part_of(n_, part, parts, kGrain);
      if (range.begin == range.end) return;
      loop_(static_cast<std::byte*>(call.dst[0]) + range.begin * dst_bytes_,
            static_cast<const std::byte*>(call.src[0]) + range.begin * src_bytes_,
            range.end - range.begin);
    });
  }
  std::string_view name() const override { return "cast"; }

 private:
  Loop loop_;
  int64_t n_, src_bytes_, dst_bytes_;
  Hands hands_;
};

}  // namespace

std::unique_ptr<Kernel> make_cast(const KernelRequest& request) {
  if (!request.node.is("cast")) return nullptr;
  const Loop loop = loop_of(request.src[0].dtype, request.dst[0].dtype);
  if (loop == nullptr) return nullptr;
  return std::make_unique<CastElements>(loop, request);
}

}  // namespace andiron::exec
