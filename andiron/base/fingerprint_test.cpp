#include "andiron/base/fingerprint.hpp"

#include <gtest/gtest.h>

#include <string>

namespace andiron {
namespace {

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

// TensorFlow's tf.raw_ops.Fingerprint(method="farmhash64").
TEST(Fingerprint, texts_have_farmhashs_numbers) {
  EXPECT_EQ(fingerprint64(""), 0x9ae16a3b2f90404fU);
  EXPECT_EQ(fingerprint64("a"), 0xb3454265b6df75e3U);
  EXPECT_EQ(fingerprint64("ab"), 0xaa8d6e5242ada51eU);
  EXPECT_EQ(fingerprint64("abcd"), 0x1a5502de4a1f8101U);
  EXPECT_EQ(fingerprint64("abcdefgh"), 0xfee9d22990c82909U);
  EXPECT_EQ(fingerprint64("0123456789abcdef"), 0x54b961e5dc834067U);
  EXPECT_EQ(fingerprint64("0123456789abcdefg"), 0xa6ddff87a449d24aU);
  EXPECT_EQ(fingerprint64(repeated("x", 32)), 0xb30b9baccc74dc05U);
  EXPECT_EQ(fingerprint64(repeated("x", 33)), 0xaa49185443e61637U);
  EXPECT_EQ(fingerprint64(repeated("y", 64)), 0x3e0f00391283e8b8U);
  EXPECT_EQ(fingerprint64(repeated("z", 65)), 0x732f393fa3e7df35U);
  EXPECT_EQ(fingerprint64(repeated("The quick brown fox ", 10)), 0xf86223cd137104c8U);
  EXPECT_EQ(fingerprint64("m\u00fcller"), 0x95385a46b2895087U);
}

TEST(Fingerprint, integers_are_hashed_as_their_digits) {
  EXPECT_EQ(fingerprint64_of_digits(0), fingerprint64("0"));
  EXPECT_EQ(fingerprint64_of_digits(-42), fingerprint64("-42"));
  EXPECT_EQ(fingerprint64_of_digits(INT64_MIN), fingerprint64("-9223372036854775808"));
}

// The test vectors of the reference implementation: bytes 0, 1, 2, ... under the key 0, 1, ..., 15.
TEST(Fingerprint, sip_hash_has_its_papers_numbers) {
  const SipKey key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
  std::string bytes;
  for (char c = 0; c < 15; ++c) bytes += c;
  EXPECT_EQ(sip_hash(key, bytes), 0xa129ca6149be45e5U);
  EXPECT_EQ(sip_hash(key, ""), 0x726fdb47dd0e0e31U);
  EXPECT_EQ(sip_hash(key, bytes.substr(0, 8)), 0x93f5f5799a932462U);
}

TEST(Fingerprint, joining_depends_on_the_order) {
  EXPECT_NE(joined_fingerprint(1, 2), joined_fingerprint(2, 1));
}

}  // namespace
}  // namespace andiron
