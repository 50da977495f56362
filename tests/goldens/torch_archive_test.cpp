// Files of torch.save, read and damaged: tests/goldens/torch_archives.json, from
// tools/make_torch_goldens.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "andiron/io/file_testing.hpp"
#include "andiron/io/torch/archive.hpp"

namespace andiron::io {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const json& goldens() {
  static const json all = json::parse(std::ifstream(ANDIRON_TORCH_GOLDENS));
  return all;
}

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

std::shared_ptr<Buffer> buffer_of(const std::string& bytes) {
  auto buffer = Buffer::allocate(bytes.size());
  std::memcpy(buffer->data(), bytes.data(), bytes.size());
  return buffer;
}

double number(const json& value) {
  if (value == "nan") return std::nan("");
  if (value == "inf") return INFINITY;
  if (value == "-inf") return -INFINITY;
  return value.get<double>();
}

// Reads every element, so that a tensor that points anywhere is found out.
void expect_values(const NamedTensors& found, const json& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (const auto& [name, e] : expected.items()) {
    ASSERT_TRUE(found.count(name)) << name;
    const Tensor& t = found.at(name);
    EXPECT_EQ(name_of(t.dtype()), e.at("dtype").get<std::string>()) << name;
    ASSERT_EQ(t.sizes(), e.at("sizes").get<Sizes>()) << name;
    for (int64_t i = 0; i < t.count(); ++i) {
      const double want = number(e.at("values").at(static_cast<size_t>(i))), is = t.item(i);
      EXPECT_TRUE(want == is || (std::isnan(want) && std::isnan(is))) << name << " " << i;
    }
  }
}

double sum_of_all(const NamedTensors& tensors) {
  double sum = 0.0;
  for (const auto& [name, t] : tensors)
    for (int64_t i = 0; i < std::min<int64_t>(t.count(), 10000); ++i) sum += t.item(i);
  return sum;
}

TEST(TorchArchive, files_of_torch_are_read) {
  for (const json& file : goldens().at("files")) {
    SCOPED_TRACE(file.at("name"));
    const std::string bytes = decoded(file.at("bytes"));
    Result<NamedTensors> r = parse_torch(buffer_of(bytes), "test");
    ASSERT_TRUE(r.ok()) << r.failure().report();
    expect_values(r.value(), file.at("tensors"));
    const TemporaryFolder folder;
    std::ofstream(folder / "x.pt", std::ios::binary) << bytes;
    Result<NamedTensors> mapped = read_torch(folder / "x.pt");
    ASSERT_TRUE(mapped.ok()) << mapped.failure().report();
    expect_values(mapped.value(), file.at("tensors"));
  }
}

TEST(TorchArchive, tensors_of_one_storage_share_memory) {
  for (const json& file : goldens().at("files")) {
    if (!file.at("name").get<std::string>().starts_with("state")) continue;
    const NamedTensors t = parse_torch(buffer_of(decoded(file.at("bytes"))), "t").value_or_throw();
    EXPECT_EQ(t.at("shared.first").buffer(), t.at("shared.last").buffer());
    EXPECT_EQ(t.at("conv.weight").raw(), t.at("conv.transposed").raw());
  }
}

TEST(TorchArchive, a_pickled_module_is_refused_by_name) {
  const Result<NamedTensors> r =
      parse_torch(buffer_of(decoded(goldens().at("module"))), "model.pt");
  ASSERT_FALSE(r.ok());
  EXPECT_THAT(r.failure().report(), HasSubstr("torch.nn.modules.linear.Linear"));
  EXPECT_THAT(r.failure().report(), HasSubstr("state_dict"));
}

TEST(TorchArchive, every_truncation_is_an_error) {
  for (const json& file : goldens().at("files")) {
    const std::string bytes = decoded(file.at("bytes"));
    for (size_t n = 0; n < bytes.size(); ++n)
      EXPECT_FALSE(parse_torch(buffer_of(bytes.substr(0, n)), "test").ok())
          << file.at("name") << " " << n;
  }
}

TEST(TorchArchive, every_damaged_byte_is_an_error_or_a_dict_of_tensors) {
  for (const json& file : goldens().at("files")) {
    const std::string bytes = decoded(file.at("bytes"));
    for (size_t i = 0; i < bytes.size(); ++i)
      for (const int flip : {0xFF, 0x01, 0x80}) {
        std::string damaged = bytes;
        damaged[i] = static_cast<char>(damaged[i] ^ flip);
        // With and without checksums: those hide what is behind them.
        for (const bool check : {true, false}) {
          const auto r = parse_torch(buffer_of(damaged), "test", {.check_crc = check});
          if (r.ok()) sum_of_all(r.value());
        }
      }
  }
}

TEST(TorchArchive, damaged_numbers_of_a_zip_are_found) {
  const json& file = goldens().at("files")[0];
  std::string bytes = decoded(file.at("bytes"));
  const float needle = 11.0F / 8;
  const size_t at = bytes.find(std::string(reinterpret_cast<const char*>(&needle), 4));
  ASSERT_NE(at, std::string::npos);
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  const auto r = parse_torch(buffer_of(bytes), "test");
  ASSERT_FALSE(r.ok());
  EXPECT_THAT(r.failure().report(), HasSubstr("checksum"));
  EXPECT_TRUE(parse_torch(buffer_of(bytes), "test", {.check_crc = false}).ok());
}

}  // namespace
}  // namespace andiron::io
