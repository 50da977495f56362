#include "andiron/collective/element.hpp"

#include <bit>

namespace andiron::collective {

size_t size_of(Element element) {
  switch (element) {
    case Element::bytes:
      return 1;
    case Element::f32:
      return 4;
    case Element::f64:
    case Element::i64:
      return 8;
  }
  return 1;
}

std::string_view name_of(Element element) {
  switch (element) {
    case Element::bytes:
      return "bytes";
    case Element::f32:
      return "float32";
    case Element::f64:
      return "float64";
    case Element::i64:
      return "int64";
  }
  return "unknown";
}

std::string_view name_of(Wire wire) { return wire == Wire::bf16 ? "bfloat16" : "as it is"; }

namespace {

template <class T>
void add_typed(void* dst, const void* a, const void* b, size_t n) {
  auto* d = static_cast<T*>(dst);
  const auto* x = static_cast<const T*>(a);
  const auto* y = static_cast<const T*>(b);
  for (size_t i = 0; i < n; ++i) d[i] = x[i] + y[i];
}

// Without branches, so that loops over it become vectors.
inline uint16_t bf16_of(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
  const uint32_t nan = (bits >> 16) | 0x40U;
  return static_cast<uint16_t>((bits & 0x7FFFFFFFU) > 0x7F800000U ? nan : rounded);
}

inline float float_of(uint16_t value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value) << 16);
}

}  // namespace

void add(Element element, void* dst, const void* a, const void* b, size_t n) {
  switch (element) {
    case Element::f32:
      return add_typed<float>(dst, a, b, n);
    case Element::f64:
      return add_typed<double>(dst, a, b, n);
    case Element::i64:
      return add_typed<uint64_t>(dst, a, b, n);  // wraps, as NumPy's does
    case Element::bytes:
      return;
  }
}

void to_bf16(uint16_t* dst, const float* src, size_t n) {
  for (size_t i = 0; i < n; ++i) dst[i] = bf16_of(src[i]);
}

void from_bf16(float* dst, const uint16_t* src, size_t n) {
  for (size_t i = 0; i < n; ++i) dst[i] = float_of(src[i]);
}

void add_bf16(float* dst, const uint16_t* src, size_t n) {
  for (size_t i = 0; i < n; ++i) dst[i] += float_of(src[i]);
}

}  // namespace andiron::collective
