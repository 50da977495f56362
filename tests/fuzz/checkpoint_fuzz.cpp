#include "tests/fuzz/checkpoint_training.hpp"

// The bytes are the newest file of a checkpoint folder, whose checksum is put right: the training
// goes on from it, from the one before, from the start, or says in an Error why not.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace andiron;
  const auto store = std::make_shared<fuzz::Files>();
  store->files["checkpoint-0000000002.safetensors"] =
      std::string(reinterpret_cast<const char*>(data), size);
  static const std::string good = fuzz::good_checkpoint();
  if (size > 0 && (data[size - 1] & 1) != 0)
    store->files["checkpoint-0000000001.safetensors"] = good;
  fuzz::Training training;
  try {
    training.fit(store, true);
  } catch (const Error&) {
  }
  return 0;
}
