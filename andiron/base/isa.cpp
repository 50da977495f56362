#include "andiron/base/isa.hpp"

#include <cstdlib>
#include <string_view>

namespace andiron {

bool has_isa(Isa isa) {
  __builtin_cpu_init();
  if (isa == Isa::avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vnni");
}

Isa current_isa() {
  static const Isa isa = [] {
    const char* wanted = std::getenv("ANDIRON_ISA");
    const bool older = wanted != nullptr && std::string_view(wanted) == "avx2";
    return !older && has_isa(Isa::avx512) ? Isa::avx512 : Isa::avx2;
  }();
  return isa;
}

}  // namespace andiron
