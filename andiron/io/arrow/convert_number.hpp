#pragma once

#include <bit>
#include <cmath>
#include <utility>

#include "andiron/base/error.hpp"
#include "andiron/io/arrow/convert.hpp"

// What the files of Converter share: single numbers.
namespace andiron::io::arrow {

inline float half_to_float(uint16_t half) {
  const uint32_t sign = (half & 0x8000U) << 16, exponent = half >> 10 & 0x1FU;
  const uint32_t fraction = half & 0x3FFU;
  if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000U | fraction << 13);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
  const float small = static_cast<float>(fraction) * 0x1p-24F;  // subnormal, exactly
  return sign != 0 ? -small : small;
}

/// Calls f.template operator()<T>() with the C++ type of a plain kind; half floats are uint16_t
/// there.
template <class F>
decltype(auto) visit_plain(Kind kind, F&& f) {
  switch (kind) {
    case Kind::i8:
      return f.template operator()<int8_t>();
    case Kind::u8:
      return f.template operator()<uint8_t>();
    case Kind::i16:
      return f.template operator()<int16_t>();
    case Kind::u16:
    case Kind::f16:
      return f.template operator()<uint16_t>();
    case Kind::i32:
      return f.template operator()<int32_t>();
    case Kind::u32:
      return f.template operator()<uint32_t>();
    case Kind::i64:
      return f.template operator()<int64_t>();
    case Kind::u64:
      return f.template operator()<uint64_t>();
    case Kind::f32:
      return f.template operator()<float>();
    default:
      return f.template operator()<double>();
  }
}

/// Whether D holds the number (integers exactly, floats rounded); writes it there.
template <class D, class S>
bool convert_number(S value, D& out) {
  if constexpr (std::is_same_v<D, bool> || std::is_same_v<S, bool>) {
    out = static_cast<D>(static_cast<float>(value != S{}));
  } else if constexpr (std::is_integral_v<D> && std::is_integral_v<S>) {
    if (!std::in_range<D>(value)) return false;
    out = static_cast<D>(value);
  } else if constexpr (std::is_integral_v<D>) {
    const auto v = static_cast<double>(value);
    constexpr double kLow = static_cast<double>(std::numeric_limits<D>::min());
    const double high = std::ldexp(1.0, std::numeric_limits<D>::digits);
    if (!(v > kLow - 1.0 && v < high)) return false;  // NaN too
    out = static_cast<D>(v);
  } else {
    out = static_cast<D>(value);
  }
  return true;
}

/// Writes the array's elements to `out` (as many, of any dtype), nulls by the column's policy.
/// `get(i)` is element i where it is not null.
template <class Get>
void put(const Array& array, const ColumnOptions& options, Tensor& out,
         const std::function<int64_t(int64_t)>& row_of, Get&& get) {
  const bool nulls = array.count_nulls() > 0;
  visit_dtype(out.dtype(), [&]<class D>() {
    D* dst = out.data<D>();
    D fill{};
    const bool filled = options.fill && convert_number(*options.fill, fill);
    for (int64_t i = 0; i < array.length; ++i) {
      if (nulls && array.is_null(i)) {
        if (!filled)
          fail("[arrow] column '{}': row {} is null; say what nulls become", options.name,
               row_of(i));
        dst[i] = fill;
      } else if (const auto value = get(i); !convert_number(value, dst[i])) {
        fail("[arrow] column '{}': row {} is {}, which {} cannot hold", options.name, row_of(i),
             value, name_of(out.dtype()));
      }
    }
  });
}

}  // namespace andiron::io::arrow
