// Pickles and zips that mean harm.
#include "andiron/io/torch/archive.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "andiron/io/torch/zip_index.hpp"

namespace andiron::io {
namespace {

using ::testing::HasSubstr;
using namespace std::string_literals;

std::string little(uint64_t value, size_t n) {
  std::string out;
  for (size_t i = 0; i < n; ++i) out += i < 8 ? static_cast<char>(value >> (8 * i)) : '\0';
  return out;
}

// A file of the older format: `object` is the pickle after its PROTO opcode.
std::string older(const std::string& object, const std::string& rest = "\x80\x02]."s) {
  return "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."s + "\x80\x02M\xe9\x03."s +
         "\x80\x02}."s + "\x80\x02"s + object + rest;
}

std::string text(const std::string& s) { return "X" + little(s.size(), 4) + s; }

// A float storage of `count` elements under key "k".
std::string storage(int count) {
  return "(" + text("storage") + "ctorch\nFloatStorage\n" + text("k") + text("cpu") + "J" +
         little(static_cast<uint64_t>(count), 4) + "NtQ";
}

// {"w": tensor}
std::string tensor(const std::string& storage, int64_t offset, const std::string& sizes,
                   const std::string& strides) {
  return "}" + text("w") + "ctorch._utils\n_rebuild_tensor_v2\n(" + storage + "\x8a\x08" +
         little(static_cast<uint64_t>(offset), 8) + sizes + strides + "\x89}tRs.";
}

std::string tuple(const std::vector<int64_t>& values) {
  std::string out = "(";
  for (int64_t v : values) out += "\x8a\x08" + little(static_cast<uint64_t>(v), 8);
  return out + "t";
}

// Behind the pickle of the object: the key and its numbers.
std::string numbers(int count) {
  return "\x80\x02]"s + text("k") + "a." + little(static_cast<uint64_t>(count), 8) +
         std::string(static_cast<size_t>(count) * 4, '\0');
}

std::string error_of(const std::string& bytes) {
  auto buffer = Buffer::allocate(bytes.size());
  std::memcpy(buffer->data(), bytes.data(), bytes.size());
  const Result<NamedTensors> r = parse_torch(buffer, "test");
  return r.ok() ? "no error" : r.failure().report();
}

TEST(TorchPickle, what_these_tests_write_is_a_file) {
  EXPECT_EQ(error_of(older(tensor(storage(6), 0, tuple({2, 3}), tuple({3, 1})), numbers(6))),
            "no error");
}

TEST(TorchPickle, names_that_run_code_are_refused) {
  EXPECT_THAT(error_of(older("cposix\nsystem\n"s + text("id") + "\x85R.")),
              HasSubstr("posix.system"));
  EXPECT_THAT(error_of(older("cbuiltins\neval\n."s)), HasSubstr("builtins.eval"));
  EXPECT_THAT(error_of(older(text("os") + text("system") + "\x93.")), HasSubstr("os.system"));
  EXPECT_THAT(error_of(older("ctorch\nQInt8Storage\n."s)), HasSubstr("torch.QInt8Storage"));
  EXPECT_THAT(error_of(older("ctorch\nComplexFloatStorage\n."s)), HasSubstr("ComplexFloat"));
  EXPECT_THAT(error_of(older("\x81."s)), HasSubstr("NEWOBJ"));
  EXPECT_THAT(error_of(older("(ios\nsystem\n."s)), HasSubstr("INST"));
  EXPECT_THAT(error_of(older("\x82\x01."s)), HasSubstr("EXT1"));
  // Calls and attributes of what is no function.
  EXPECT_THAT(error_of(older("K\x01)R."s)), HasSubstr("not a function"));
  EXPECT_THAT(error_of(older("ctorch\nFloatStorage\n)R."s)), HasSubstr("not a function"));
  EXPECT_THAT(error_of(older("K\x01}b."s)), HasSubstr("attributes"));
}

TEST(TorchPickle, a_name_is_shown_short_and_printable) {
  const std::string error = error_of(older("c" + std::string(5000, 'm') + "\nev\x1bil\n."s));
  EXPECT_LT(error.size(), 600U);
  EXPECT_THAT(error, HasSubstr("ev?il"));
}

TEST(TorchPickle, stack_marks_and_memo_are_checked) {
  for (const std::string& bad : {"0."s, "t."s, "s."s, "}s."s, "(0."s, "h\x05."s, "."s, "(."s,
                                 "q\x01."s, "R."s, "Q."s, "K\x01Q."s, "(K\x01u."s, "}(K\x01u."s,
                                 "K\x01K\x02"
                                 "a."s,
                                 "\x8a\xffK"s, "X\xff\xff\xff\xff."s, "M\x01"s})
    EXPECT_NE(error_of(older(bad)), "no error") << ::testing::PrintToString(bad);
}

TEST(TorchPickle, tensors_stay_inside_of_their_storages) {
  auto made = [](int64_t offset, std::vector<int64_t> sizes, std::vector<int64_t> strides) {
    return error_of(older(tensor(storage(6), offset, tuple(sizes), tuple(strides)), numbers(6)));
  };
  EXPECT_EQ(made(2, {2, 2}, {2, 1}), "no error");
  EXPECT_EQ(made(6, {0, 2}, {2, 1}), "no error");
  constexpr int64_t kHuge = int64_t{1} << 62;
  for (const std::string& error :
       {made(3, {2, 2}, {2, 1}), made(-1, {1}, {1}), made(6, {1}, {1}), made(7, {0}, {1}),
        made(0, {2}, {kHuge}), made(0, {kHuge, kHuge}, {0, 0}), made(kHuge, {kHuge}, {kHuge}),
        made(0, {-1}, {1}), made(0, {2}, {-1}), made(0, {2, 2}, {1}),
        made(0, {int64_t{1} << 40}, {0})})
    EXPECT_THAT(error, HasSubstr("tensor 'w'"));
}

TEST(TorchPickle, storages_that_lie_about_their_size_are_refused) {
  const std::string t = tensor(storage(6), 0, tuple({6}), tuple({1}));
  EXPECT_THAT(error_of(older(t, numbers(5))), HasSubstr("5 elements, not 6"));
  EXPECT_THAT(error_of(older(t, "\x80\x02]."s)), HasSubstr("no storage 'k'"));
  EXPECT_THAT(error_of(older(t, numbers(6) + "x")), HasSubstr("behind the last storage"));
  const std::string two = tensor("(" + text("storage") + "ctorch\nFloatStorage\n" + text("k") +
                                     text("cpu") + "J" + little(0x7fffffff, 4) + "NtQ",
                                 0, tuple({1}), tuple({1}));
  EXPECT_THAT(error_of(older(two, numbers(6))), HasSubstr("elements"));
}

TEST(TorchPickle, cycles_depth_and_doubling_are_bounded) {
  // A list in itself.
  EXPECT_THAT(error_of(older("]q\x01h\x01"
                             "a."s)),
              HasSubstr("deep"));
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "]";
  for (int i = 0; i < 99; ++i) deep += "a";
  EXPECT_THAT(error_of(older(deep + ".")), HasSubstr("deep"));
  // Thirty lists, each with the one before twice: 2^30 ways to the innermost.
  std::string doubled = "]q\x01";
  for (int i = 1; i < 30; ++i)
    doubled += "](h"s + static_cast<char>(i) + "h" + static_cast<char>(i) + "eq" +
               static_cast<char>(i + 1);
  EXPECT_THAT(error_of(older(doubled + ".")), HasSubstr("too often"));
  EXPECT_THAT(error_of(older(std::string(5'000'000, 'N') + ".")), HasSubstr("more than"));
}

TEST(TorchPickle, other_files_are_told_apart) {
  EXPECT_THAT(error_of("GIF89a"), HasSubstr("no file of torch.save"));
  EXPECT_THAT(error_of(""), HasSubstr("no file of torch.save"));
  EXPECT_THAT(error_of("PK"), HasSubstr("too short"));
}

struct Entry {
  std::string name, data;
  uint16_t method = 0, flags = 0;
  int64_t move = 0;  // of the offset in the directory
};

std::string zip_of(const std::vector<Entry>& entries) {
  std::string file, directory;
  for (const Entry& e : entries) {
    const uint32_t crc = crc32(std::as_bytes(std::span(e.data.data(), e.data.size())));
    const std::string sizes = little(crc, 4) + little(e.data.size(), 4) + little(e.data.size(), 4) +
                              little(e.name.size(), 2) + little(0, 2);
    const std::string head =
        little(20, 2) + little(e.flags, 2) + little(e.method, 2) + little(0, 4) + sizes;
    directory += "PK\x01\x02" + little(20, 2) + head + little(0, 10) +
                 little(static_cast<uint64_t>(static_cast<int64_t>(file.size()) + e.move), 4) +
                 e.name;
    file += "PK\x03\x04" + head + e.name + e.data;
  }
  const std::string end = "PK\x05\x06" + little(0, 4) + little(entries.size(), 2) +
                          little(entries.size(), 2) + little(directory.size(), 4) +
                          little(file.size(), 4) + little(0, 2);
  return file + directory + end;
}

TEST(TorchZip, crc_is_zips) {
  const std::string check = "123456789";  // the check value of CRC-32
  EXPECT_EQ(crc32(std::as_bytes(std::span(check.data(), check.size()))), 0xCBF43926U);
}

TEST(TorchZip, entries_are_checked) {
  const std::string pickle = "\x80\x02" + tensor(storage(2), 0, tuple({2}), tuple({1}));
  const std::string data(8, '\0');
  EXPECT_EQ(error_of(zip_of({{"a/data.pkl", pickle}, {"a/data/k", data}})), "no error");
  EXPECT_THAT(error_of(zip_of({{"a/data.pkl", pickle}, {"a/data/k", data, 8}})),
              HasSubstr("compressed"));
  EXPECT_THAT(error_of(zip_of({{"a/data.pkl", pickle}, {"a/data/k", data, 0, 1}})),
              HasSubstr("encrypted"));
  EXPECT_THAT(error_of(zip_of({{"a/data.pkl", pickle}})), HasSubstr("no entry for storage 'k'"));
  EXPECT_THAT(error_of(zip_of({{"a/data.pkl", pickle}, {"a/data/k", data + "x"}})),
              HasSubstr("9 bytes"));
  EXPECT_THAT(error_of(zip_of({{"a/data.pkl", pickle}, {"a/data/k", data}, {"a/data/k", data}})),
              HasSubstr("twice"));
  EXPECT_THAT(error_of(zip_of({{"a/data.pkl", pickle}, {"b/data.pkl", pickle}})),
              HasSubstr("2 entries data.pkl"));
  EXPECT_THAT(error_of(zip_of({{"a/constants.pkl", pickle}, {"a/data.pkl", pickle}})),
              HasSubstr("TorchScript"));
  EXPECT_THAT(error_of(zip_of({{"a/byteorder", "big"}, {"a/data.pkl", pickle}})),
              HasSubstr("little-endian"));
  EXPECT_THAT(error_of(zip_of({{"a/data.pkl", pickle}, {"a/data/k", data, 0, 0, 7}})),
              HasSubstr("no header"));
  // Two names for one place: many entries could be many times the file.
  const std::string first = "PK\x03\x04";
  const int64_t back = -static_cast<int64_t>(30 + 8 + data.size());
  EXPECT_THAT(error_of(zip_of({{"a/data/0", data}, {"a/data/1", data, 0, 0, back}})),
              HasSubstr("overlap"));
}

}  // namespace
}  // namespace andiron::io
