#include "andiron/tensor/tensor.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

namespace andiron {
namespace {

TEST(TensorMemory, large_buffers_ask_for_huge_pages) {
  if (!std::filesystem::exists("/sys/kernel/mm/transparent_hugepage"))
    GTEST_SKIP() << "this kernel has no huge pages to ask for";
  const Tensor t(DType::u8, {16 << 20});
  const auto inside = reinterpret_cast<uintptr_t>(t.raw()) + (8 << 20);
  std::ifstream maps("/proc/self/smaps");
  bool here = false, asked = false;
  for (std::string line; std::getline(maps, line);) {
    uintptr_t begin = 0, end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2)
      here = begin <= inside && inside < end;
    asked = asked || (here && line.rfind("VmFlags:", 0) == 0 && line.find(" hg") != line.npos);
  }
  EXPECT_TRUE(asked);
}

}  // namespace
}  // namespace andiron
