#include "bindings/info.hpp"

#include <nanobind/stl/string.h>
#include <omp.h>

#include <oneapi/dnnl/dnnl.hpp>
#include <string>

namespace nb = nanobind;

namespace andiron::bindings {
namespace {

std::string onednn_version() {
  const dnnl_version_t* v = dnnl_version();
  return std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
}

std::string onednn_runtime() {
  switch (dnnl_version()->cpu_runtime) {
    case DNNL_RUNTIME_OMP:
      return "OpenMP";
    case DNNL_RUNTIME_TBB:
      return "TBB";
    case DNNL_RUNTIME_SEQ:
      return "sequential";
    case DNNL_RUNTIME_THREADPOOL:
      return "thread pool";
    default:
      return "another runtime";
  }
}

// Numbers instead of the enumerators: a newer oneDNN knows more than the headers at hand.
std::string onednn_isa() {
  const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto has = [isa](dnnl::cpu_isa level) {
    const auto bits = static_cast<unsigned>(level);
    return (isa & bits) == bits;
  };
  if (has(dnnl::cpu_isa::avx512_core_amx)) return "AVX-512 with AMX";
  if (has(dnnl::cpu_isa::avx512_core_bf16)) return "AVX-512 with VNNI and bf16";
  if (has(dnnl::cpu_isa::avx512_core_vnni)) return "AVX-512 with VNNI";
  if (has(dnnl::cpu_isa::avx512_core)) return "AVX-512";
  if (has(dnnl::cpu_isa::avx2)) return "AVX2";
  return "older than AVX2";
}

}  // namespace

void bind_info(nb::module_& m) {
  m.def("version", [] { return std::string(ANDIRON_VERSION); }, "Andiron's version.");
  m.def(
      "build_info",
      [] {
        nb::dict info;
        info["compiler"] = std::string("g++ ") + __VERSION__;
        info["threads"] = omp_get_max_threads();
        info["onednn"] = onednn_version();
        info["onednn_runtime"] = onednn_runtime();
        info["onednn_isa"] = onednn_isa();
        return info;
      },
      "What the core was built with and what it runs on.");
}

}  // namespace andiron::bindings
