#include "andiron/io/safetensors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "andiron/io/crc32c.hpp"
#include "andiron/io/file.hpp"
#include "andiron/io/file_testing.hpp"

namespace andiron::io {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

NamedTensors every_dtype() {
  NamedTensors tensors;
  for (DType d : kAllDTypes) tensors[std::string(name_of(d))] = Tensor::full(d, {2, 3}, 1);
  tensors["empty"] = Tensor(DType::f32, {0, 4});
  tensors["scalar"] = Tensor::scalar(2.5, DType::f64);
  tensors["weights"] = Tensor::from<float>({1, 2, 3, 4, 5, 6}, {3, 2});
  return tensors;
}

void expect_equal(const NamedTensors& a, const NamedTensors& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, x] : a) {
    ASSERT_TRUE(b.count(name)) << name;
    const Tensor& y = b.at(name);
    EXPECT_EQ(x.dtype(), y.dtype());
    EXPECT_EQ(x.sizes(), y.sizes());
    EXPECT_EQ(std::memcmp(x.contiguous().raw(), y.contiguous().raw(), x.n_bytes()), 0) << name;
  }
}

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Result<TensorFile> parse_text(const std::string& bytes, ReadOptions options = {}) {
  auto buffer = Buffer::allocate(bytes.size());
  std::memcpy(buffer->data(), bytes.data(), bytes.size());
  return parse_safetensors(buffer, "test", options);
}

// A file as another program writes it: any header, any data.
std::string foreign(const std::string& header, const std::string& data) {
  std::string bytes(8, '\0');
  for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(header.size() >> (8 * i));
  return bytes + header + data;
}

std::string error_of(const std::string& bytes) {
  const Result<TensorFile> r = parse_text(bytes);
  return r.ok() ? "no error" : r.failure().report();
}

TEST(Crc32c, equals_the_published_check_value) {
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xE3069283U);  // RFC 3720's polynomial
  EXPECT_EQ(crc32c(as_bytes("6789"), crc32c(as_bytes("12345"))), 0xE3069283U);
}

TEST(Safetensors, what_was_written_is_read) {
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  const NamedTensors tensors = every_dtype();
  write_safetensors(path, tensors, {{"author", "ann \"quoted\" \xC3\xA9"}}).value_or_throw();
  for (auto memory : {ReadOptions::Memory::mapped, ReadOptions::Memory::copied}) {
    const TensorFile file = read_safetensors(path, {.memory = memory}).value_or_throw();
    expect_equal(tensors, file.tensors);
    EXPECT_TRUE(file.verified);
    EXPECT_EQ(file.metadata, (Metadata{{"author", "ann \"quoted\" \xC3\xA9"}}));
    EXPECT_EQ(file.tensors.at("weights").buffer()->writable(),
              memory == ReadOptions::Memory::copied);
  }
  EXPECT_EQ(safetensors_bytes(tensors, {{"author", "ann \"quoted\" \xC3\xA9"}}), read_text(path));
}

TEST(Safetensors, a_mapped_tensor_outlives_the_file_and_its_result) {
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  write_safetensors(path, {{"w", Tensor::from<float>({1, 2, 3}, {3})}}).value_or_throw();
  Tensor w = read_safetensors(path).value_or_throw().tensors.at("w");
  fs::remove(path);
  EXPECT_EQ(w.item(2), 3.0);
}

TEST(Safetensors, strided_tensors_are_written_dense) {
  const Tensor t = Tensor::from<float>({1, 2, 3, 4, 5, 6}, {2, 3});
  const Tensor transposed(t.buffer(), t.dtype(), {3, 2}, {1, 3}, 0);
  const auto file = parse_text(safetensors_bytes({{"t", transposed}})).value_or_throw();
  const Tensor& back = file.tensors.at("t");
  EXPECT_EQ(back.item(1), 4.0);
  EXPECT_EQ(back.item(2), 2.0);
}

TEST(Safetensors, reads_files_without_checksum_unaligned_and_without_metadata) {
  const std::string bytes = foreign(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                                    R"("b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})",
                                    std::string("\x07\x00\x00\x80\x3F", 5));
  const TensorFile file = parse_text(bytes).value_or_throw();
  EXPECT_FALSE(file.verified);
  EXPECT_EQ(file.tensors.at("a").item(), 7.0);
  EXPECT_EQ(file.tensors.at("b").item(), 1.0);
  const auto strict = parse_text(bytes, {.checksum = ReadOptions::Checksum::required});
  ASSERT_FALSE(strict.ok());
  EXPECT_THAT(strict.failure().report(), HasSubstr("there is no checksum"));
}

TEST(Safetensors, every_flipped_byte_is_found_or_harmless) {
  const NamedTensors tensors = {{"a", Tensor::from<float>({1, 2}, {2})},
                                {"b", Tensor::from<bool>({true, false}, {2})}};
  const std::string good = safetensors_bytes(tensors, {{"k", "v"}});
  int loaded_without_checksum = 0;
  for (size_t at = 0; at < good.size(); ++at) {
    for (int flip : {0x01, 0x02, 0x20, 0x80, 0xFF}) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ flip);
      const Result<TensorFile> strict =
          parse_text(bad, {.checksum = ReadOptions::Checksum::required});
      EXPECT_FALSE(strict.ok()) << "byte " << at << " flipped by " << flip;
      // Without the requirement only a flip within the checksum's own name may pass.
      const Result<TensorFile> r = parse_text(bad);
      if (!r.ok()) continue;
      ++loaded_without_checksum;
      EXPECT_FALSE(r.value().verified);
      expect_equal(tensors, r.value().tensors);
    }
    // Nothing may crash either when the checksum is not looked at.
    std::string bad = good;
    bad[at] = static_cast<char>(~bad[at]);
    (void)parse_text(bad, {.checksum = ReadOptions::Checksum::ignored}).ok();
  }
  EXPECT_LE(loaded_without_checksum, 5 * static_cast<int>(std::strlen(kChecksumKey)));
}

TEST(Safetensors, every_truncation_is_an_error) {
  const std::string good = safetensors_bytes({{"a", Tensor::from<float>({1, 2}, {2})}});
  for (size_t n = 0; n < good.size(); ++n)
    EXPECT_FALSE(parse_text(good.substr(0, n), {.checksum = ReadOptions::Checksum::ignored}).ok())
        << n;
  EXPECT_THAT(error_of(good + "x"), HasSubstr("1 bytes behind the last tensor"));
}

TEST(Safetensors, headers_that_lie_are_errors) {
  auto entry = [](const std::string& dtype, const std::string& shape, const std::string& at) {
    return "{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + at + "}";
  };
  auto one = [&](const std::string& dtype, const std::string& shape, const std::string& at) {
    return error_of(foreign("{\"a\":" + entry(dtype, shape, at) + "}", std::string(8, '\0')));
  };
  EXPECT_EQ(one("F32", "[2]", "[0,8]"), "no error");
  EXPECT_THAT(one("F16", "[4]", "[0,8]"), HasSubstr("'a' has the type F16, which is not supp"));
  EXPECT_THAT(one("F32", "[3]", "[0,8]"), HasSubstr("12 bytes, but has 8"));
  EXPECT_THAT(one("F32", "[2]", "[4,12]"), HasSubstr("at bytes 4 to 12 of 8"));
  EXPECT_THAT(one("F32", "[2]", "[8,0]"), HasSubstr("at bytes 8 to 0"));
  EXPECT_THAT(one("F32", "[1]", "[4,8]"), HasSubstr("gap before tensor 'a'"));
  EXPECT_THAT(one("F32", "[1]", "[0,4]"), HasSubstr("4 bytes behind the last tensor"));
  EXPECT_THAT(one("F32", "[-2]", "[0,8]"), HasSubstr("-2 is not a size"));
  EXPECT_THAT(one("F32", "[2.0]", "[0,8]"), HasSubstr("2.0 is not a size"));
  EXPECT_THAT(one("F32", "2", "[0,8]"), HasSubstr("shape is not a list"));
  EXPECT_THAT(one("F32", "[2]", "[0,8,9]"), HasSubstr("data_offsets are not two numbers"));
  EXPECT_THAT(one("F32", "[4611686018427387904,4]", "[0,0]"), HasSubstr("too large"));
  EXPECT_THAT(one("F32", "[0,4611686018427387904,8]", "[0,0]"), HasSubstr("too large"));
  EXPECT_THAT(one("F32", "[18446744073709551615]", "[0,0]"), HasSubstr("not a size"));
  EXPECT_THAT(one("BOOL", "[8]", "[0,8]"), HasSubstr("no error"));
  auto text = [&](const std::string& header) {
    return error_of(foreign(header, std::string(8, '\0')));
  };
  const std::string a = entry("F32", "[2]", "[0,8]"), b = entry("F32", "[1]", "[4,8]");
  EXPECT_THAT(text("{\"a\":" + a + ",\"b\":" + b + "}"), HasSubstr("'b' overlaps another"));
  EXPECT_THAT(text("{\"a\":" + a + ",\"a\":" + a + "}"), HasSubstr("the name 'a' twice"));
  EXPECT_THAT(text("[1]"), HasSubstr("does not start with '{'"));
  EXPECT_THAT(text("{\"a\":3}"), HasSubstr("must have dtype, shape and data_offsets"));
  EXPECT_THAT(text("{\"a\":"), HasSubstr("not JSON"));
  EXPECT_THAT(text("{\"__metadata__\":{\"k\":1},\"a\":" + a + "}"), HasSubstr("not a string"));
  EXPECT_THAT(text("{\"" + std::string("\xFF") + "\":" + a + "}"), HasSubstr("not JSON"));
  EXPECT_THAT(error_of(std::string(8, '\xFF')), HasSubstr("the header's length is"));
  EXPECT_THAT(error_of(foreign("{\"a\":" + entry("BOOL", "[1]", "[0,1]") + "}", "\x02")),
              HasSubstr("'a' is bool, but element 0 is 2"));
  EXPECT_FALSE(parse_text(foreign(std::string(100000, '{'), "")).ok());
}

TEST(Safetensors, mistakes_of_the_caller_throw) {
  EXPECT_THROW(safetensors_bytes({{"__metadata__", Tensor::scalar(1)}}), Error);
  EXPECT_THROW(safetensors_bytes({{"a", Tensor()}}), Error);
  EXPECT_THROW(safetensors_bytes({{"\xFF", Tensor::scalar(1)}}), Error);
}

TEST(Safetensors, a_missing_file_names_the_path_and_the_reason) {
  const auto r = read_safetensors("/no/such/model.safetensors");
  ASSERT_FALSE(r.ok());
  EXPECT_THAT(r.failure().report(), HasSubstr("[safetensors] cannot read '/no/such/model.saf"));
  EXPECT_THAT(r.failure().report(), HasSubstr("No such file"));
  EXPECT_FALSE(read_safetensors("/tmp").ok());
}

TEST(Safetensors, a_write_that_fails_leaves_the_old_file_and_no_new_one) {
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  write_safetensors(path, {{"w", Tensor::scalar(1)}}).value_or_throw();
  const std::string before = read_text(path);
  // The kernel refuses to let files grow, as on a full disk.
  const FileSizeLimit limit(4096);
  const Result<> r = write_safetensors(path, {{"w", Tensor::zeros(DType::f32, {100000})}});
  ASSERT_FALSE(r.ok());
  EXPECT_EQ(r.failure().errno_code(), EFBIG);
  EXPECT_EQ(read_text(path), before);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

TEST(Safetensors, a_folder_that_is_missing_is_an_error) {
  const Result<> r = write_safetensors("/no/such/folder/m", {{"w", Tensor::scalar(1)}});
  ASSERT_FALSE(r.ok());
  EXPECT_THAT(r.failure().report(), HasSubstr("[safetensors] cannot save '/no/such/folder/m'"));
}

TEST(Safetensors, a_link_is_followed) {
  const TemporaryFolder folder;
  write_safetensors(folder / "real", {{"w", Tensor::scalar(1)}}).value_or_throw();
  fs::create_symlink("real", folder / "link");
  write_safetensors(folder / "link", {{"w", Tensor::scalar(2)}}).value_or_throw();
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(read_safetensors(folder / "real").value_or_throw().tensors.at("w").item(), 2.0);
}

}  // namespace
}  // namespace andiron::io
