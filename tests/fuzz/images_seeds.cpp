#include <cstdio>
#include <string>

#include "andiron/images/images_testing.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 1;
  for (const auto& [name, bytes] : andiron::images::testing::small_files()) {
    std::FILE* file = std::fopen((std::string(argv[1]) + "/" + name).c_str(), "wb");
    if (file == nullptr || std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size())
      return 1;
    std::fclose(file);
  }
  return 0;
}
