#include "tests/fuzz/seeds.hpp"

// Choices: what they mean stands in arrow_fuzz.cpp, and the fuzzer finds out.
int main(int argc, char** argv) {
  if (argc != 2) return 1;
  for (int seed = 0; seed < 64; ++seed) {
    std::string bytes;
    uint32_t state = 12345U + static_cast<uint32_t>(seed);
    for (int i = 0; i < 200; ++i) {
      state = state * 1664525U + 1013904223U;
      bytes += static_cast<char>(state >> 24);
    }
    if (!write_seed(argv[1], std::to_string(seed), bytes)) return 1;
  }
  return 0;
}
