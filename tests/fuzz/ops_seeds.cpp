#include "andiron/ops/catalog.hpp"
#include "tests/fuzz/seeds.hpp"

// Each case of each op as it is in its room: the op, the case, then nothing changed.
int main(int argc, char** argv) {
  if (argc != 2) return 1;
  const auto catalog = andiron::ops::catalog();
  for (size_t i = 0; i < catalog.size(); ++i)
    for (size_t c = 0; c < catalog[i]->cases.size(); ++c) {
      std::string bytes = {static_cast<char>(i & 255)};
      if (catalog.size() > 256) bytes += static_cast<char>(i >> 8);
      bytes += '\0';
      bytes += static_cast<char>(c);
      bytes.resize(bytes.size() + 40);
      if (!write_seed(argv[1], catalog[i]->name + std::to_string(c), bytes)) return 1;
    }
  return 0;
}
