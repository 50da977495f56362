#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace andiron::collective {

/// What is added up. Plain bytes are moved only.
enum class Element : uint8_t { bytes, f32, f64, i64 };

/// How numbers travel. bf16: float32 numbers are rounded once when they leave their rank, added up
/// in float32, and the sum is rounded once more.
enum class Wire : uint8_t { same, bf16 };

size_t size_of(Element element);
std::string_view name_of(Element element);
std::string_view name_of(Wire wire);

/// dst[i] = a[i] + b[i]. `dst` may be `a` or `b`. The operands keep their places, so that ranks
/// which add the same two vectors get the same bits even from two NaNs.
void add(Element element, void* dst, const void* a, const void* b, size_t n);

/// Rounds to nearest even; NaN stays NaN.
void to_bf16(uint16_t* dst, const float* src, size_t n);
void from_bf16(float* dst, const uint16_t* src, size_t n);
/// dst[i] += src[i], in float32.
void add_bf16(float* dst, const uint16_t* src, size_t n);

}  // namespace andiron::collective
