#include <algorithm>

#include "andiron/base/error.hpp"
#include "andiron/io/safetensors.hpp"
#include "andiron/nn/model_file.hpp"
#include "andiron/nn/quantized_model.hpp"
#include "tests/fuzz/small_graph.hpp"

// The bytes are a file of a model, whose checksum is put right: a model that can be described and,
// where it is small, computed; or a failure. The same for quantized models.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace andiron;
  const auto file =
      io::parse_safetensors(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz",
                            {io::ReadOptions::Memory::copied, io::ReadOptions::Checksum::ignored});
  if (!file) return 0;
  const std::string bytes = io::safetensors_bytes(file.value().tensors, file.value().metadata);
  if (const auto loaded = nn::model_from_bytes(bytes); loaded.ok()) {
    try {
      (void)loaded.value().model->summary();
      (void)nn::model_bytes(*loaded.value().model);
      compute_if_small(loaded.value().model->trace());
    } catch (const Error&) {
    }
  }
  if (const auto loaded = nn::quantized_from_bytes(bytes); loaded.ok()) {
    try {
      (void)nn::summary(loaded.value());
      compute_if_small(*loaded.value().graph);
    } catch (const Error&) {
    }
  }
  return 0;
}
