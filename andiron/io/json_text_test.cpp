#include "andiron/io/json_text.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/io/safetensors.hpp"

namespace andiron::io {
namespace {

std::string nested(int depth) {
  return std::string(static_cast<size_t>(depth), '[') +
         std::string(static_cast<size_t>(depth), ']');
}

TEST(JsonText, what_is_nested_too_deep_is_refused) {
  EXPECT_TRUE(parse_json(nested(kMaxJsonDepth)).is_array());
  EXPECT_THROW(parse_json(nested(kMaxJsonDepth + 1)), Error);
  // Deep enough to overflow the stack of whatever walks over it.
  EXPECT_THROW(parse_json(nested(1'000'000)), Error);
  EXPECT_THROW(parse_json(std::string(1'000'000, '{')), Error);
}

TEST(JsonText, brackets_in_texts_do_not_count) {
  const std::string text = "[\"" + std::string(1000, '[') + "\\\"" + std::string(1000, '{') + "\"]";
  EXPECT_EQ(parse_json(text).size(), 1U);
  EXPECT_THROW(parse_json("[\"\\"), Error);
}

TEST(JsonText, a_safetensors_header_cannot_overflow_the_stack) {
  const std::string header =
      R"({"a":{"dtype":"F32","data_offsets":[0,0],"shape":)" + nested(1'000'000) + "}}";
  std::string bytes(8, '\0');
  for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(header.size() >> (8 * i) & 255);
  const auto file = parse_safetensors(std::string_view(bytes + header), "deep");
  ASSERT_FALSE(file.ok());
  EXPECT_NE(file.failure().report().find("nested"), std::string::npos);
}

}  // namespace
}  // namespace andiron::io
