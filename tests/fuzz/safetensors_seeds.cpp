#include "andiron/io/safetensors.hpp"
#include "tests/fuzz/seeds.hpp"

int main(int argc, char** argv) {
  using namespace andiron;
  if (argc != 2) return 1;
  io::NamedTensors all;
  for (const DType dtype : kAllDTypes)
    all[std::string(name_of(dtype))] = Tensor::full(dtype, {2, 3}, 1);
  const io::NamedTensors odd = {{"scalar", Tensor::scalar(2.5)},
                                {"empty", Tensor(DType::i64, {0, 7})},
                                {"a/\"b\"", Tensor::full(DType::u8, {3}, 200)}};
  const bool written =
      write_seed(argv[1], "all", io::safetensors_bytes(all)) &&
      write_seed(argv[1], "odd", io::safetensors_bytes(odd, {{"format", "pt"}, {"key", "é"}})) &&
      write_seed(argv[1], "none", io::safetensors_bytes({}));
  return written ? 0 : 1;
}
