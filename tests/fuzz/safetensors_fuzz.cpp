#include <algorithm>
#include <cstring>

#include "andiron/io/safetensors.hpp"

// Any bytes, with and without the checksum: tensors whose elements can be read, or a failure.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace andiron;
  using Options = io::ReadOptions;
  for (const auto checksum : {Options::Checksum::ignored, Options::Checksum::if_present}) {
    for (const auto memory : {Options::Memory::mapped, Options::Memory::copied}) {
      auto bytes = Buffer::allocate(size);
      if (size > 0) std::memcpy(bytes->data(), data, size);
      const auto file = io::parse_safetensors(bytes, "fuzz", {memory, checksum});
      if (!file) continue;
      volatile double sum = 0.0;
      for (const auto& [name, tensor] : file.value().tensors) {
        const int64_t n = tensor.count();
        for (int64_t i = 0; i < std::min<int64_t>(n, 100); ++i) sum = sum + tensor.item(i);
        if (n > 0) sum = sum + tensor.item(n - 1);
      }
      // What was read can be written, and is then the same.
      const std::string again = io::safetensors_bytes(file.value().tensors, file.value().metadata);
      const auto second = io::parse_safetensors(std::string_view(again), "again");
      if (!second || second.value().tensors.size() != file.value().tensors.size()) __builtin_trap();
    }
  }
  return 0;
}
