#include "andiron/nn/seed.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace andiron::nn {
namespace {

TEST(SeedScope, draws_from_its_own_stream) {
  set_random_seed(3);
  const int64_t first = next_seed(), second = next_seed();
  set_random_seed(3);
  EXPECT_EQ(next_seed(), first);
  int64_t inside = 0;
  {
    SeedScope scope(3);
    inside = next_seed();
    EXPECT_EQ(inside, first);  // the same seed, the same stream
    {
      SeedScope inner(4);
      EXPECT_NE(next_seed(), second);
    }
    EXPECT_EQ(next_seed(), second);
    std::thread([&] { EXPECT_EQ(next_seed(), second); }).join();  // another thread is outside
  }
  set_random_seed(0);
}

}  // namespace
}  // namespace andiron::nn
