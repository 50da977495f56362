#include "andiron/tensor/dtype.hpp"

#include "andiron/base/error.hpp"

namespace andiron {

size_t size_of(DType dtype) {
  return visit_dtype(dtype, []<class T>() { return sizeof(T); });
}

std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "float32";
    case DType::f64:
      return "float64";
    case DType::bf16:
      return "bfloat16";
    case DType::i8:
      return "int8";
    case DType::u8:
      return "uint8";
    case DType::i32:
      return "int32";
    case DType::i64:
      return "int64";
    case DType::boolean:
      break;
  }
  return "bool";
}

DType parse_dtype(std::string_view name) {
  for (DType d : kAllDTypes)
    if (name_of(d) == name) return d;
  fail("unknown dtype '{}'; known: float32, float64, bfloat16, int8, uint8, int32, int64, bool",
       name);
}

}  // namespace andiron
