#include <algorithm>
#include <cstdint>
#include <cstring>

#include "andiron/io/torch/archive.hpp"

// Any bytes, with and without the checksums of a zip: tensors whose elements can be read, or a
// failure. For what an input must not cost, see scripts/fuzz.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace andiron;
  for (const bool check : {true, false}) {
    auto bytes = Buffer::allocate(size);
    if (size > 0) std::memcpy(bytes->data(), data, size);
    const auto found = io::parse_torch(bytes, "fuzz", {.check_crc = check});
    if (!found) continue;
    volatile double sum = 0.0;
    for (const auto& [name, tensor] : found.value()) {
      const int64_t n = tensor.count();
      for (int64_t i = 0; i < std::min<int64_t>(n, 100); ++i) sum = sum + tensor.item(i);
      if (n > 0) sum = sum + tensor.item(n - 1);
    }
  }
  return 0;
}
