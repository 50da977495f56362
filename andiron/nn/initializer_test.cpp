#include "andiron/nn/initializer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "andiron/nn/layer_testing.hpp"
#include "andiron/nn/regularizer.hpp"
#include "andiron/nn/seed.hpp"

namespace andiron::nn {
namespace {

struct Moments {
  double mean = 0, variance = 0, largest = 0;
  explicit Moments(const Tensor& t) {
    for (int64_t i = 0; i < t.count(); ++i) {
      mean += t.item(i) / static_cast<double>(t.count());
      largest = std::max(largest, std::abs(t.item(i)));
    }
    for (int64_t i = 0; i < t.count(); ++i)
      variance += (t.item(i) - mean) * (t.item(i) - mean) / static_cast<double>(t.count());
  }
};

TEST(Initializer, draws_have_the_variance_of_the_papers) {
  const Sizes sizes = {300, 500};
  const struct {
    Initializer initializer;
    double variance, largest;
  } cases[] = {
      {GlorotUniform(1), 2.0 / 800, std::sqrt(6.0 / 800)},
      {GlorotNormal(1), 2.0 / 800, 2 * std::sqrt(2.0 / 800) / 0.87962566103423978},
      {HeUniform(1), 2.0 / 300, std::sqrt(6.0 / 300)},
      {HeNormal(1), 2.0 / 300, 2 * std::sqrt(2.0 / 300) / 0.87962566103423978},
      {LecunUniform(1), 1.0 / 300, std::sqrt(3.0 / 300)},
      {LecunNormal(1), 1.0 / 300, 2 * std::sqrt(1.0 / 300) / 0.87962566103423978},
      {RandomUniform(-0.5, 0.5, 1), 1.0 / 12, 0.5},
      {RandomNormal(0.0, 2.0, 1), 4.0, 12.0},
      {TruncatedNormal(0.0, 1.0, 1), 0.87962566103423978 * 0.87962566103423978, 2.0},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.initializer.config().dump());
    const Moments m(c.initializer(sizes));
    EXPECT_NEAR(m.mean, 0.0, 4 * std::sqrt(c.variance / 150000));
    EXPECT_NEAR(m.variance / c.variance, 1.0, 0.02);
    EXPECT_LE(m.largest, c.largest);
    EXPECT_GT(m.largest, 0.3 * c.largest);
  }
}

TEST(Initializer, numbers_do_not_depend_on_the_number_of_threads) {
  const Sizes sizes = {1000, 700};
  for (const Initializer& initializer : {RandomNormal(0, 1, 7), GlorotUniform(7), HeNormal(7)}) {
    const Tensor whole = initializer(sizes);  // large enough to be drawn by all threads
    testing::expect_near(whole, initializer(sizes), 0.0);
    // The first rows alone are drawn by the caller.
    if (initializer.kind == Initializer::Kind::normal)
      testing::expect_near(initializer({10, 700}), whole.rows(0, 10).contiguous(), 0.0);
  }
}

TEST(Initializer, without_a_seed_the_global_one_decides) {
  set_random_seed(5);
  const Tensor a = Initializer("he_normal")({4, 4}), b = Initializer("he_normal")({4, 4});
  set_random_seed(5);
  testing::expect_near(a, Initializer("he_normal")({4, 4}), 0.0);
  EXPECT_NE(a.item(0), b.item(0));
}

TEST(Initializer, config_round_trip) {
  for (const Initializer& initializer :
       {Zeros(), Ones(), Constant(2.5), RandomUniform(-1, 2, 3), RandomNormal(1, 2),
        TruncatedNormal(0, 1, 4), GlorotUniform(), HeNormal(2), Orthogonal(0.5, 3),
        IdentityMatrix(2.0),
        VarianceScaling(3.0, Initializer::Mode::fan_out, "untruncated_normal", 1)}) {
    const nlohmann::json config = initializer.config();
    EXPECT_EQ(Initializer::from_config(config).config(), config);
  }
  EXPECT_EQ(GlorotUniform().config()["class_name"], "GlorotUniform");
}

TEST(Initializer, errors) {
  EXPECT_NE(testing::error_of([] {
              Initializer("xavier");
            }).find("[initializer] 'xavier' is not known; there are glorot_uniform"),
            std::string::npos);
  EXPECT_EQ(testing::error_of([] { L2(-1.0); }),
            "[regularizer] a factor must be finite and not negative; got -1");
}

TEST(Regularizer, config_round_trip) {
  for (const Regularizer& r : {Regularizer(), L1(0.5), L2(0.25), L1L2(0.1, 0.2)})
    EXPECT_EQ(Regularizer::from_config(r.config()), r);
}

}  // namespace
}  // namespace andiron::nn
