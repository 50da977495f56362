#pragma once

#include <fstream>
#include <string>
#include <string_view>

/// Writes a seed; false when that fails.
inline bool write_seed(const char* folder, const std::string& name, std::string_view bytes) {
  std::ofstream out(std::string(folder) + "/" + name, std::ios::binary);
  return static_cast<bool>(out.write(bytes.data(), static_cast<std::streamsize>(bytes.size())));
}
