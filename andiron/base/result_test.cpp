#include "andiron/base/result.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace andiron {
namespace {

using testing::HasSubstr;

Result<int> open_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY);
  if (fd < 0) return system_failure("cannot open '{}'", path);
  return fd;
}

Result<int> load_model(const std::string& path) {
  Result<int> fd = open_file(path);
  if (!fd) return because(fd.failure(), "[model] cannot load '{}'", path);
  return fd;
}

TEST(Result, the_chain_keeps_cause_errno_and_place) {
  Result<int> r = load_model("/no/such/file");
  ASSERT_FALSE(r.ok());
  EXPECT_EQ(r.failure().errno_code(), ENOENT);
  const std::string report = r.failure().report();
  EXPECT_THAT(report, HasSubstr("[model] cannot load '/no/such/file' (result_test.cpp:"));
  EXPECT_THAT(report, HasSubstr("\n  because cannot open '/no/such/file': No such file"));
  EXPECT_EQ(r.failure().cause()->cause(), nullptr);
}

TEST(Result, value_or_throw_gives_the_value_or_an_io_error) {
  EXPECT_EQ(Result<int>(7).value_or_throw(), 7);
  EXPECT_NO_THROW(success().value_or_throw());
  try {
    load_model("/no/such/file").value_or_throw();
    FAIL() << "must throw";
  } catch (const IoError& e) {
    EXPECT_EQ(e.errno_code(), ENOENT);
    EXPECT_THAT(e.what(), HasSubstr("because cannot open"));
  }
  EXPECT_THROW(Result<>(failure("no {}", 3)).value_or_throw(), Error);
}

TEST(Result, moves_values_that_cannot_be_copied) {
  Result<std::unique_ptr<int>> r(std::make_unique<int>(3));
  ASSERT_TRUE(r);
  EXPECT_EQ(*std::move(r).value_or_throw(), 3);
}

}  // namespace
}  // namespace andiron
