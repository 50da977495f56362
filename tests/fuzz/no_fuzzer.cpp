#include <cstdint>

// What instrumented code calls, for programs without libFuzzer.
extern "C" {
[[gnu::no_sanitize_coverage]] void __sanitizer_cov_trace_pc() {}
[[gnu::no_sanitize_coverage]] void __sanitizer_cov_trace_cmp1(uint8_t, uint8_t) {}
[[gnu::no_sanitize_coverage]] void __sanitizer_cov_trace_cmp2(uint16_t, uint16_t) {}
[[gnu::no_sanitize_coverage]] void __sanitizer_cov_trace_cmp4(uint32_t, uint32_t) {}
[[gnu::no_sanitize_coverage]] void __sanitizer_cov_trace_cmp8(uint64_t, uint64_t) {}
[[gnu::no_sanitize_coverage]] void __sanitizer_cov_trace_const_cmp1(uint8_t, uint8_t) {}
[[gnu::no_sanitize_coverage]] void __sanitizer_cov_trace_const_cmp2(uint16_t, uint16_t) {}
[[gnu::no_sanitize_coverage]] void __sanitizer_cov_trace_const_cmp4(uint32_t, uint32_t) {}
[[gnu::no_sanitize_coverage]] void __sanitizer_cov_trace_const_cmp8(uint64_t, uint64_t) {}
[[gnu::no_sanitize_coverage]] void __sanitizer_cov_trace_switch(uint64_t, void*) {}
[[gnu::no_sanitize_coverage]] void __sanitizer_cov_trace_cmpf(float, float) {}
[[gnu::no_sanitize_coverage]] void __sanitizer_cov_trace_cmpd(double, double) {}
}
