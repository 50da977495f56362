#include "andiron/train/run_id.hpp"

#include <gtest/gtest.h>

namespace andiron::train {
namespace {

SourceParts parts() {
  return {.rows = 100, .batch_size = 32, .shuffle = true, .seed = 7, .contents = 12345};
}

TEST(RunId, names_what_differs) {
  const RunId ours = RunId::of({1}, {parts()});
  const auto differences = [&](auto&& change) {
    SourceParts theirs = parts();
    change(theirs);
    return ours.differences(RunId::of({2}, {theirs}).parts);
  };
  EXPECT_EQ(differences([](SourceParts&) {}), "");
  EXPECT_EQ(differences([](SourceParts& p) { p.batch_size = 64; }), "batch_size was 64 and is 32");
  EXPECT_EQ(differences([](SourceParts& p) { p.seed = 8; }), "seed was 8 and is 7");
  EXPECT_EQ(differences([](SourceParts& p) { p.shuffle = false; }),
            "shuffle was false and is true");
  EXPECT_EQ(differences([](SourceParts& p) { p.steps = 5; }), "steps_per_epoch was 5 and is all");
  EXPECT_EQ(differences([](SourceParts& p) { p.contents = 1; }),
            "the data are others, in as many rows");
  EXPECT_EQ(differences([](SourceParts& p) {
              p.rows = 99;
              p.contents = 1;
            }),
            "rows was 99 and is 100, the data are others");
}

TEST(RunId, what_is_not_known_is_not_said) {
  const RunId ours = RunId::of({1}, {parts()});
  for (const char* theirs : {"", "{", "[]", "7", "{\"rows\":100}", "{\"colour\":\"red\"}"})
    EXPECT_EQ(ours.differences(theirs), "") << theirs;
  EXPECT_EQ(RunId("monday").differences(ours.parts), "");
}

TEST(RunId, of_workers_does_not_depend_on_who_has_what) {
  SourceParts a = parts(), b = parts();
  a.contents = 5;
  b.seed = 9;
  const RunId one = RunId::of({3, 4}, {a, b}), other = RunId::of({4, 3}, {b, a});
  EXPECT_EQ(one.id, other.id);
  EXPECT_EQ(one.parts, other.parts);
  a.sharded = b.sharded = true;
  const RunId sharded = RunId::of({3, 4}, {a, b});
  b.seed = 10;
  EXPECT_EQ(RunId::of({3, 4}, {a, b}).differences(sharded.parts), "the seed is another");
}

}  // namespace
}  // namespace andiron::train
