#include <cstdint>

// g++ calls __sanitizer_cov_trace_pc on each edge (-fsanitize-coverage=trace-pc). libFuzzer, whose
// own function of that name only says that it knows clang's ways alone, looks at counters that
// stand in the section __libfuzzer_extra_counters: so this one counts there, and is linked in its
// place.
namespace {
constexpr uintptr_t kCounters = 1 << 16;
[[gnu::section("__libfuzzer_extra_counters")]] uint8_t counters[kCounters];
}  // namespace

extern "C" {

[[gnu::no_sanitize_coverage, gnu::no_sanitize("address", "undefined")]]
void __sanitizer_cov_trace_pc() {
  const auto place = reinterpret_cast<uintptr_t>(__builtin_return_address(0));
  uint8_t& counter = counters[(place ^ place >> 16) % kCounters];
  if (counter != UINT8_MAX) ++counter;
}

// Comparisons of numbers with fractions, which libFuzzer has no functions for.
[[gnu::no_sanitize_coverage]] void __sanitizer_cov_trace_cmpf(float, float) {}
[[gnu::no_sanitize_coverage]] void __sanitizer_cov_trace_cmpd(double, double) {}
}
