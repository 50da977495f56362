#include "tests/fuzz/checkpoint_training.hpp"
#include "tests/fuzz/seeds.hpp"

int main(int argc, char** argv) {
  using namespace andiron;
  if (argc != 2) return 1;
  const auto store = std::make_shared<fuzz::Files>();
  fuzz::Training().fit(store, false);
  for (const auto& [name, bytes] : store->files)
    if (!write_seed(argv[1], name, bytes)) return 1;
  return 0;
}
