// How fast the input pipeline is, on one thread: negatives drawn, samples delivered in batches, and
// the exact area under the curve. Prints one line a row; best of several rounds.
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>

#include "andiron/base/philox.hpp"
#include "andiron/nn/metrics/area_under_curve.hpp"
#include "andiron/train/data/array_dataset.hpp"
#include "andiron/train/data/negative_sampling_dataset.hpp"

namespace {

using andiron::DType;
using andiron::Tensor;
namespace train = andiron::train;

// CPU seconds of this thread, so that other programs disturb less.
double now() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

template <class F>
double best_seconds(int rounds, F f) {
  double best = 1e300;
  for (int i = 0; i < rounds; ++i) {
    const double start = now();
    f();
    best = std::min(best, now() - start);
  }
  return best;
}

void print(const char* work, double n, double seconds) {
  std::printf("%-58s %8.2f M/s  %8.1f ms\n", work, n / seconds * 1e-6, seconds * 1e3);
}

// Items by a law close to Zipf's: id = floor(n_items ^ u) - 1.
struct Pairs {
  Tensor users, items;
  Pairs(int64_t n, int64_t n_users, int64_t n_items)
      : users(DType::i64, {n}), items(DType::i64, {n}) {
    const andiron::Philox philox{1};
    for (int64_t i = 0; i < n; ++i) {
      const auto w = philox(static_cast<uint64_t>(i));
      const double u = andiron::uniform_double(w[0], w[1]);
      users.data<int64_t>()[i] = static_cast<int64_t>(
          train::bounded(static_cast<uint64_t>(w[2]) << 32 | w[3], static_cast<uint64_t>(n_users)));
      items.data<int64_t>()[i] = std::min(
          n_items - 1, static_cast<int64_t>(std::pow(static_cast<double>(n_items), u)) - 1);
    }
  }
};

void negatives(const char* work, const Pairs& pairs, int64_t n_users, int64_t n_items,
               double alpha) {
  const auto known =
      std::make_shared<train::Interactions>(pairs.users, pairs.items, n_users, n_items);
  const train::NegativeSampler sampler(known, alpha);
  const andiron::Philox philox{2};
  const int64_t n = 8192 * 244;
  int64_t sum = 0;
  constexpr size_t kBlock = 8192;
  std::vector<int64_t> users(kBlock), items(kBlock);
  std::vector<uint64_t> random(kBlock);
  const double seconds = best_seconds(3, [&] {
    for (int64_t i = 0; i < n;) {
      for (size_t k = 0; k < kBlock; ++k, ++i) {
        const auto w = philox(static_cast<uint64_t>(i));
        users[k] = static_cast<int64_t>(
            train::bounded(static_cast<uint64_t>(w[2]) << 32, static_cast<uint64_t>(n_users)));
        random[k] = static_cast<uint64_t>(w[0]) << 32 | w[1];
      }
      sampler.sample(users, random, items);
      sum += items[0];
    }
  });
  print(work, static_cast<double>(n), seconds);
  if (sum == 42) std::puts("");  // keeps the loop
}

void batches(const char* work, train::Dataset& data) {
  train::BatchBuffer buffer = data.make_buffer();
  int64_t epoch = 0;
  const double seconds = best_seconds(3, [&] {
    for (int64_t i = 0; i < data.n_batches(); ++i) data.fill(epoch, i, buffer);
    ++epoch;
  });
  print(work, static_cast<double>(data.n_samples()), seconds);
}

void area(const char* work, int64_t n) {
  Tensor labels(DType::u8, {n}), scores(DType::f32, {n});
  const andiron::Philox philox{3};
  for (int64_t i = 0; i < n; ++i) {
    const auto w = philox(static_cast<uint64_t>(i));
    scores.data<float>()[i] = andiron::uniform_float(w[0]);
    labels.data<uint8_t>()[i] = andiron::uniform_float(w[1]) < scores.data<float>()[i] ? 1 : 0;
  }
  const double seconds = best_seconds(3, [&] {
    andiron::metrics::AreaUnderCurve auc(andiron::metrics::AreaUnderCurve::Curve::roc);
    auc.update(labels, scores);
    if (!(auc.result() > 0.5)) std::puts("wrong");
  });
  print(work, static_cast<double>(n), seconds);
}

}  // namespace

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const Pairs movielens(1'000'000, 6040, 3706), large(5'000'000, 1'000'000, 200'000);
  negatives("negatives, uniform, 6,040 x 3,706", movielens, 6040, 3706, 0.0);
  negatives("negatives, popularity^0.75, 6,040 x 3,706", movielens, 6040, 3706, 0.75);
  negatives("negatives, uniform, 1,000,000 x 200,000", large, 1'000'000, 200'000, 0.0);
  negatives("negatives, popularity^0.75, 1,000,000 x 200,000", large, 1'000'000, 200'000, 0.75);

  const Tensor rows = Tensor::zeros(DType::f32, {1'000'000, 16});
  train::ArrayDataset arrays({{{"user", movielens.users}, {"item", movielens.items}, {"x", rows}}},
                             {.batch_size = 8192});
  batches("samples of two ids and 16 floats, shuffled, batch 8,192", arrays);
  train::NegativeSamplingDataset sampled(movielens.users, movielens.items, 6040, 3706, {},
                                         {.batch_size = 8192});
  batches("samples with 4 negatives, 6,040 x 3,706, batch 8,192", sampled);
  train::NegativeSamplingDataset popular(movielens.users, movielens.items, 6040, 3706,
                                         {.alpha = 0.75}, {.batch_size = 8192});
  batches("the same, popularity^0.75", popular);
  area("exact AUROC of 10 M float32 scores", 10'000'000);
}
