#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace andiron {

enum class DType : uint8_t { f32, f64, bf16, i8, u8, i32, i64, boolean };

inline constexpr DType kAllDTypes[] = {DType::f32, DType::f64, DType::bf16, DType::i8,
                                       DType::u8,  DType::i32, DType::i64,  DType::boolean};

size_t size_of(DType dtype);
/// NumPy's names: float32, float64, bfloat16, int8, uint8, int32, int64, bool.
std::string_view name_of(DType dtype);
/// Throws Error on an unknown name.
DType parse_dtype(std::string_view name);

inline bool is_floating(DType d) {
  return d == DType::f32 || d == DType::f64 || d == DType::bf16;
}
inline bool is_integer(DType d) {
  return d == DType::i8 || d == DType::u8 || d == DType::i32 || d == DType::i64;
}

/// Brain float: the upper 16 bits of a float32, rounded to nearest even.
struct bfloat16 {
  uint16_t bits = 0;

  bfloat16() = default;
  bfloat16(float value) {  // NOLINT: converts like the built-in floating types
    uint32_t word = std::bit_cast<uint32_t>(value);
    if ((word & 0x7FFFFFFFU) > 0x7F800000U) {
      bits = static_cast<uint16_t>((word >> 16) | 0x40U);  // keep a NaN a NaN
    } else {
      bits = static_cast<uint16_t>((word + 0x7FFFU + ((word >> 16) & 1U)) >> 16);
    }
  }
  operator float() const {  // NOLINT
    return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
  }
};

template <class T>
struct DTypeOf;
template <> struct DTypeOf<float> { static constexpr DType value = DType::f32; };
template <> struct DTypeOf<double> { static constexpr DType value = DType::f64; };
template <> struct DTypeOf<bfloat16> { static constexpr DType value = DType::bf16; };
template <> struct DTypeOf<int8_t> { static constexpr DType value = DType::i8; };
template <> struct DTypeOf<uint8_t> { static constexpr DType value = DType::u8; };
template <> struct DTypeOf<int32_t> { static constexpr DType value = DType::i32; };
template <> struct DTypeOf<int64_t> { static constexpr DType value = DType::i64; };
template <> struct DTypeOf<bool> { static constexpr DType value = DType::boolean; };
template <class T>
inline constexpr DType dtype_of = DTypeOf<T>::value;

/// Calls f.template operator()<T>() with the C++ type of `dtype`.
template <class F>
decltype(auto) visit_dtype(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32: return f.template operator()<float>();
    case DType::f64: return f.template operator()<double>();
    case DType::bf16: return f.template operator()<bfloat16>();
    case DType::i8: return f.template operator()<int8_t>();
    case DType::u8: return f.template operator()<uint8_t>();
    case DType::i32: return f.template operator()<int32_t>();
    case DType::i64: return f.template operator()<int64_t>();
    case DType::boolean: break;
  }
  return f.template operator()<bool>();
}

}  // namespace andiron
