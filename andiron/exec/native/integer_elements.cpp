#include "andiron/exec/native/integer_elements.hpp"

#include <algorithm>
#include <optional>
#include <type_traits>

#include "andiron/base/wrapping.hpp"
#include "andiron/exec/native/hands.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kSharedBytes = 1 << 17;  // of the largest operand
constexpr int64_t kBlock = 8192;

template <class T>
T quotient(T a, T b) {
  if constexpr (sizeof(T) == 4) {
    // Exact in double, and vectors have it there.
    const bool odd = (b == 0) | (b == -1);
    const double q = static_cast<double>(a) / static_cast<double>(odd ? T(1) : b);
    const T turned = wrapping_negative(a);
    return b == 0 ? T(0) : b == -1 ? turned : static_cast<T>(q);
  } else {
    if (b == 0) return 0;
    if (b == -1) return wrapping_negative(a);
    return a / b;
  }
}

// By the width and more: nothing is left, or the sign.
template <class T>
T shifted_left(T a, T n) {
  using U = std::make_unsigned_t<T>;
  const bool inside = static_cast<U>(n) < sizeof(T) * 8;
  return inside ? static_cast<T>(static_cast<U>(a) << (inside ? n : T(0))) : T(0);
}
template <class T>
T shifted_right(T a, T n) {
  const bool inside = static_cast<std::make_unsigned_t<T>>(n) < sizeof(T) * 8;
  return static_cast<T>(a >> (inside ? n : static_cast<T>(sizeof(T) * 8 - 1)));
}

// name, the function of T a and T b
#define ANDIRON_INTEGER_OPS(X)                                                               \
  X("add", wrapping_add(a, b))                                                               \
  X("subtract", wrapping_subtract(a, b))                                                     \
  X("multiply", wrapping_multiply(a, b))                                                     \
  X("maximum", a > b ? a : b)                                                                \
  X("minimum", a < b ? a : b)                                                                \
  X("integer_divide", quotient(a, b))                                                        \
  X("remainder", b == 0 ? T(0) : wrapping_subtract(a, wrapping_multiply(quotient(a, b), b))) \
  X("bitwise_and", static_cast<T>(a & b))                                                    \
  X("bitwise_or", static_cast<T>(a | b))                                                     \
  X("bitwise_xor", static_cast<T>(a ^ b))                                                    \
  X("shift_left", shifted_left(a, b))                                                        \
  X("shift_right", shifted_right(a, b))                                                      \
  X("equal", a == b)                                                                         \
  X("not_equal", a != b)                                                                     \
  X("less", a < b)                                                                           \
  X("less_equal", a <= b)                                                                    \
  X("greater", a > b)                                                                        \
  X("greater_equal", a >= b)

// Of conditions, which are bytes.
#define ANDIRON_LOGICAL_OPS(X)                                \
  X("logical_and", static_cast<uint8_t>((a != 0) & (b != 0))) \
  X("logical_or", static_cast<uint8_t>((a | b) != 0))         \
  X("logical_not", static_cast<uint8_t>(a == 0))

using Loop = void (*)(const void* a, const void* b, void* dst, int64_t n, bool one_a, bool one_b);

template <class T, class F>
void loop(const void* pa, const void* pb, void* dst, int64_t n, bool one_a, bool one_b) {
  using R = decltype(F::of(T(), T()));
  const T *a = static_cast<const T*>(pa), *b = static_cast<const T*>(pb);
  R* d = static_cast<R*>(dst);
  // The result may take the place of an operand, never a part of it.
  if (one_a) {
    const T x = *a;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) d[i] = F::of(x, b[i]);
  } else if (one_b) {
    const T y = *b;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) d[i] = F::of(a[i], y);
  } else {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) d[i] = F::of(a[i], b[i]);
  }
}

#define ANDIRON_LOOP(name, expression)                                 \
  {                                                                    \
    struct F {                                                         \
      static auto of(T a, [[maybe_unused]] T b) { return expression; } \
    };                                                                 \
    if (op == (name)) return loop<T, F>;                               \
  }
template <class T>
Loop loop_of(std::string_view op) {
  ANDIRON_INTEGER_OPS(ANDIRON_LOOP)
  return nullptr;
}

Loop logical_loop_of(std::string_view op) {
  using T = uint8_t;
  ANDIRON_LOGICAL_OPS(ANDIRON_LOOP)
  return nullptr;
}
#undef ANDIRON_LOOP

// How an operand lies beside the result: every `period` elements it starts again.
std::optional<int64_t> period_of(const Sizes& operand, const Sizes& result) {
  const int64_t n = andiron::count_of(operand);
  if (n == 1) return 1;
  size_t first = 0;
  while (first < operand.size() && operand[first] == 1) ++first;
  const size_t rest = operand.size() - first;
  if (rest > result.size() || !std::equal(operand.begin() + static_cast<int64_t>(first),
                                          operand.end(), result.end() - static_cast<int64_t>(rest)))
    return std::nullopt;
  return n;
}

class IntegerElements final : public Kernel {
 public:
  // With one operand the loop gets it twice.
  IntegerElements(Loop loop, const KernelRequest& request, int64_t period_a, int64_t period_b)
      : loop_(loop),
        n_(request.dst[0].count()),
        period_a_(period_a),
        period_b_(period_b),
        b_(request.src.size() - 1),
        src_bytes_(static_cast<int64_t>(size_of(request.src[0].dtype))),
        dst_bytes_(static_cast<int64_t>(size_of(request.dst[0].dtype))) {
    // Rows in which both operands go on, or stay.
    row_ = n_;
    for (int64_t period : {period_a, period_b})
      if (period > 1) row_ = std::min(row_, period);
    hands_ = Hands(request, n_ * std::max(src_bytes_, dst_bytes_) >= kSharedBytes, n_ / kBlock);
  }

  void run(const KernelCall& call) const override {
    const int64_t blocks = (row_ + kBlock - 1) / kBlock, rows = n_ / row_;
    hands_.run([&](int part, int parts) {
      const Range range = part_of(rows * blocks, part, parts);
      for (int64_t i = range.begin; i < range.end; ++i) {
        const int64_t first = i % blocks * kBlock, at = i / blocks * row_ + first;
        loop_(source(call, 0, at, period_a_), source(call, b_, at, period_b_),
              static_cast<std::byte*>(call.dst[0]) + at * dst_bytes_,
              std::min(kBlock, row_ - first), period_a_ == 1, period_b_ == 1);
      }
    });
  }
  std::string_view name() const override { return "integer elements"; }

 private:
  const void* source(const KernelCall& call, size_t i, int64_t at, int64_t period) const {
    return static_cast<const std::byte*>(call.src[i]) + at % period * src_bytes_;
  }

  Loop loop_;
  int64_t n_, row_, period_a_, period_b_;
  size_t b_;
  int64_t src_bytes_, dst_bytes_;
  Hands hands_;
};

}  // namespace

std::unique_ptr<Kernel> make_integer_elements(const KernelRequest& request) {
  const size_t n = request.src.size();
  if (n == 0 || n > 2 || request.dst.size() != 1 || request.dst[0].count() == 0 ||
      !request.node.op->traits.elementwise)
    return nullptr;
  const DType dtype = request.src[0].dtype;
  if (dtype != request.src[n - 1].dtype) return nullptr;
  const std::string_view op = request.node.op->name;
  Loop loop = nullptr;
  if (dtype == DType::boolean) loop = logical_loop_of(op);
  if (dtype == DType::i32 && n == 2) loop = loop_of<int32_t>(op);
  if (dtype == DType::i64 && n == 2) loop = loop_of<int64_t>(op);
  if (loop == nullptr) return nullptr;
  const auto a = period_of(request.src[0].sizes, request.dst[0].sizes);
  const auto b = period_of(request.src[n - 1].sizes, request.dst[0].sizes);
  if (!a || !b) return nullptr;
  return std::make_unique<IntegerElements>(loop, request, *a, *b);
}

}  // namespace andiron::exec
