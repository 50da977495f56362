#include <cstdint>

// g++ calls __sanitizer_cov_trace_pc on each edge (-fsanitize-coverage=trace-pc); libFuzzer looks
// at counters that stand in the section __libfuzzer_extra_counters.
namespace {
constexpr uintptr_t kCounters = 1 << 16;
[[gnu::section("__libfuzzer_extra_counters")]] uint8_t counters[kCounters];
}  // namespace

extern "C" [[gnu::no_sanitize_coverage, gnu::no_sanitize("address", "undefined")]] void
__sanitizer_cov_trace_pc() {
  const auto place = reinterpret_cast<uintptr_t>(__builtin_return_address(0));
  uint8_t& counter = counters[(place ^ place >> 16) % kCounters];
  if (counter != UINT8_MAX) ++counter;
}
