#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

namespace {

std::string decoded(const std::string& base64) {
  static const std::string letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  uint32_t word = 0;
  int bits = 0;
  for (char c : base64) {
    if (c == '=') break;
    word = (word << 6) | static_cast<uint32_t>(letters.find(c));
    bits += 6;
    if (bits >= 8) out += static_cast<char>(word >> (bits -= 8));
  }
  return out;
}

}  // namespace

// The small files of torch.save that the tests have; from the root of the tree (scripts/fuzz).
int main(int argc, char** argv) {
  if (argc != 2) return 1;
  std::ifstream goldens("tests/goldens/torch_archives.json");
  if (!goldens) return 1;
  const auto all = nlohmann::json::parse(goldens);
  for (const auto& file : all.at("files")) {
    const std::string bytes = decoded(file.at("bytes"));
    std::ofstream out(std::string(argv[1]) + "/" + file.at("name").get<std::string>(),
                      std::ios::binary);
    if (!out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()))) return 1;
  }
  return 0;
}
