#include "andiron/train/steps_source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "andiron/base/error.hpp"

namespace andiron::train {
namespace {

using testing::ElementsAre;

/// Seven batches; each says which of which pass it is.
class Numbered : public BatchSource {
 public:
  explicit Numbered(int64_t n = 7) : n_(n) {}
  int64_t rows() const override { return 10 * n_; }
  int64_t batches() const override { return n_; }
  uint64_t digest() const override { return 5; }
  void start(int64_t epoch, int64_t first_batch) override {
    pass_ = epoch;
    at_ = first_batch;
  }
  const nn::Batch* next() override {
    if (at_ == n_) return nullptr;
    batch_.x = {Tensor::scalar(static_cast<double>(100 * pass_ + at_++))};
    return &batch_;
  }
  double share() const override { return 0.25; }

 private:
  int64_t n_, pass_ = 0, at_ = 0;
  nn::Batch batch_;
};

std::vector<double> epoch(StepsSource& source, int64_t number, int64_t first_batch = 0) {
  source.start(number, first_batch);
  std::vector<double> seen;
  while (const nn::Batch* batch = source.next()) seen.push_back(batch->x[0].item());
  EXPECT_EQ(source.next(), nullptr);
  return seen;
}

TEST(StepsSource, an_epoch_goes_on_where_the_one_before_ended) {
  StepsSource source(std::make_shared<Numbered>(), 3, false);
  EXPECT_EQ(source.batches(), 3);
  EXPECT_EQ(source.rows(), 30);
  EXPECT_THAT(epoch(source, 0), ElementsAre(0, 1, 2));
  EXPECT_THAT(epoch(source, 1), ElementsAre(3, 4, 5));
  EXPECT_THAT(epoch(source, 2), ElementsAre(6));  // comes to the end of the data
  EXPECT_THAT(epoch(source, 3), ElementsAre(100, 101, 102));
  EXPECT_THAT(epoch(source, 8), ElementsAre(206));
  // Resumed in the middle of an epoch.
  EXPECT_THAT(epoch(source, 4, 2), ElementsAre(105));
  EXPECT_THAT(epoch(source, 4, 3), ElementsAre());
  EXPECT_EQ(source.share(), 0.25);
}

TEST(StepsSource, from_the_start_every_epoch_has_the_first_batches) {
  StepsSource source(std::make_shared<Numbered>(), 3, true);
  EXPECT_THAT(epoch(source, 0), ElementsAre(0, 1, 2));
  EXPECT_THAT(epoch(source, 4), ElementsAre(400, 401, 402));
}

TEST(StepsSource, more_steps_than_batches_are_all_batches) {
  StepsSource source(std::make_shared<Numbered>(), 9, false);
  EXPECT_EQ(source.batches(), 7);
  EXPECT_EQ(epoch(source, 1).size(), 7U);
  EXPECT_NE(source.digest(), StepsSource(std::make_shared<Numbered>(), 3, false).digest());
  EXPECT_THROW(StepsSource(std::make_shared<Numbered>(), 0, false), Error);
  EXPECT_THROW(StepsSource(std::make_shared<Numbered>(0), 2, false), Error);
}

}  // namespace
}  // namespace andiron::train
