#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "andiron/base/error.hpp"
#include "andiron/nn/metrics/area_under_curve.hpp"
#include "andiron/nn/metrics/confusion.hpp"
#include "andiron/nn/metrics/means.hpp"
#include "andiron/nn/metrics/precision_recall.hpp"

// Goldens are scikit-learn 1.7.2's answers for the same data.
namespace andiron::metrics {
namespace {

using testing::HasSubstr;

struct Data {
  std::vector<double> label, score, weight;
  Sizes sizes;

  // `levels` different scores; 37 makes many ties, 1 makes all equal.
  explicit Data(int64_t levels, int64_t n = 2000) : sizes{n} {
    for (int64_t i = 0; i < n; ++i) {
      const double s = static_cast<double>((i * 7919 + 13) % levels) / static_cast<double>(levels);
      const double u = static_cast<double>((i * 104729 + 7) % 9973) / 9973.0;
      score.push_back(s);
      label.push_back(u < 0.15 + 0.6 * s ? 1.0 : 0.0);
      weight.push_back(static_cast<double>((i * 31) % 17) / 4.0);
    }
  }
  Tensor y_true() const { return Tensor::from(label, sizes); }
  Tensor y_pred() const { return Tensor::from(score, sizes); }
  Tensor weights(bool weighted) const { return weighted ? Tensor::from(weight, sizes) : Tensor(); }
};

// All in one update, in pieces, merged from pieces, and through bytes: one answer.
double streamed(const std::string& name, const Data& data, bool weighted, double tolerance) {
  const Tensor t = data.y_true(), p = data.y_pred(), w = data.weights(weighted);
  auto add = [&](Metric& m, int64_t begin, int64_t end) {
    m.update(t.rows(begin, end), p.rows(begin, end), weighted ? w.rows(begin, end) : w);
  };
  const MetricPtr whole = make_metric(name);
  add(*whole, 0, t.count());
  const double result = whole->result();

  const MetricPtr pieces = make_metric(name), other = make_metric(name);
  add(*pieces, 0, 7);
  (void)pieces->result();  // asking in between changes nothing
  add(*pieces, 7, 1000);
  add(*other, 1000, t.count());
  pieces->merge(*other);
  EXPECT_NEAR(pieces->result(), result, tolerance) << name;
  const MetricPtr copy = make_metric(name);
  copy->deserialize(pieces->serialize());
  EXPECT_EQ(copy->result(), pieces->result()) << name;
  EXPECT_EQ(copy->serialize(), pieces->serialize()) << name;
  copy->reset();
  add(*copy, 0, t.count());
  EXPECT_EQ(copy->result(), result) << name;
  return result;
}

TEST(Metrics, areas_equal_scikit_learn) {
  struct {
    int64_t levels;
    double roc, roc_weighted, pr, pr_weighted;
  } const golden[] = {
      {9967, 0.6980041257702971, 0.7036020691797822, 0.6271908055205705, 0.6386570336842698},
      {37, 0.7031450938663829, 0.697187200967616, 0.6230573701450697, 0.6195617151533974},
      {1, 0.5, 0.5, 0.1515, 0.15210598675165604}};
  for (const auto& g : golden) {
    const Data data(g.levels);
    EXPECT_NEAR(streamed("AUC", data, false, 1e-12), g.roc, 1e-12);
    EXPECT_NEAR(streamed("AUC", data, true, 1e-12), g.roc_weighted, 1e-12);
    EXPECT_NEAR(streamed("auprc", data, false, 1e-12), g.pr, 1e-12);
    EXPECT_NEAR(streamed("auprc", data, true, 1e-12), g.pr_weighted, 1e-12);
    AreaUnderCurve narrow(AreaUnderCurve::Curve::roc, 2);
    narrow.update(data.y_true().cast(DType::boolean), data.y_pred().cast(DType::f32));
    EXPECT_NEAR(narrow.result(), g.roc, 1e-12);
    EXPECT_EQ(narrow.state().at("scores").dtype(), DType::f32);
  }
}

TEST(Metrics, means_and_counts_equal_scikit_learn) {
  struct {
    const char* name;
    double plain, weighted;
  } const golden[] = {{"accuracy", 0.65, 0.657355330583677},
                      {"BinaryAccuracy", 0.65, 0.657355330583677},
                      {"precision", 0.5997973657548126, 0.6134177215189873},
                      {"recall", 0.6599777034559643, 0.6661168384879725},
                      {"mse", 0.23478086069199425, 0.23195850381536},
                      {"rmse", 0.4845419080863845, std::sqrt(0.23195850381536)},
                      {"log_loss", 0.7046670981154923, 0.6920602895766481}};
  for (const auto& g : golden) {
    EXPECT_NEAR(streamed(g.name, Data(9967), false, 1e-12), g.plain, 1e-12) << g.name;
    EXPECT_NEAR(streamed(g.name, Data(9967), true, 1e-12), g.weighted, 1e-12) << g.name;
  }
  EXPECT_NEAR(streamed("mae", Data(9967), false, 1e-12), 0.40145314537975313, 1e-12);
  EXPECT_NEAR(streamed("log_loss", Data(1), false, 1e-12), 2.4418915759701894, 1e-8);
}

TEST(Metrics, categorical_ones_equal_scikit_learn) {
  Tensor p(DType::f64, {50, 4}), ids(DType::i64, {50, 1}), logits(DType::f64, {50, 4});
  Tensor one_hot = Tensor::zeros(DType::f32, {50, 4});
  for (int64_t a = 0; a < 50; ++a) {
    for (int64_t c = 0; c < 4; ++c) {  // sklearn got them divided by their sum; so do we inside
      p.data<double>()[a * 4 + c] = static_cast<double>((a * 5 + c * 3) % 7 + 1);
      logits.data<double>()[a * 4 + c] = std::log(p.data<double>()[a * 4 + c]) + 800.0;
    }
    ids.data<int64_t>()[a] = (a * 3) % 4;
    one_hot.data<float>()[a * 4 + (a * 3) % 4] = 1.0F;
  }
  auto result = [](Metric&& m, const Tensor& t, const Tensor& q) {
    m.update(t, q);
    return m.result();
  };
  EXPECT_NEAR(result(CategoricalCrossentropy(true), ids, p), 1.55787795026595, 1e-12);
  EXPECT_NEAR(result(CategoricalCrossentropy(false), one_hot, p), 1.55787795026595, 1e-12);
  EXPECT_NEAR(result(CategoricalCrossentropy(true, true), ids, logits), 1.55787795026595, 1e-10);
  EXPECT_EQ(result(SparseCategoricalAccuracy(), ids, p), 0.24);
  EXPECT_EQ(result(CategoricalAccuracy(), one_hot, p), 0.24);
  EXPECT_EQ(result(Accuracy(), one_hot, p), 0.24);
  EXPECT_EQ(result(Accuracy(), ids, p), 0.24);
}

TEST(Metrics, logits_give_the_loss_of_their_probabilities) {
  const Tensor t = Tensor::from<float>({0, 1, 1, 0}, {4});
  const Tensor x = Tensor::from<double>({-3, 0.5, 2, 1000}, {4});
  BinaryCrossentropy loss(true);
  loss.update(t, x);
  auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
  EXPECT_NEAR(
      loss.result(),
      -(std::log(1 - sigmoid(-3)) + std::log(sigmoid(0.5)) + std::log(sigmoid(2)) - 1000) / 4,
      1e-12);
}

TEST(Metrics, one_class_only_is_nan_with_a_note) {
  for (const char* name : {"auc", "auprc"}) {
    const MetricPtr m = make_metric(name);
    EXPECT_TRUE(std::isnan(m->result()));
    EXPECT_EQ(m->note(), "nothing was seen yet");
    m->update(Tensor::from<int64_t>({0, 0}, {2}), Tensor::from<float>({1, 2}, {2}));
    EXPECT_TRUE(std::isnan(m->result()));
    EXPECT_THAT(m->note(), HasSubstr("only negatives"));
    m->update(Tensor::from<int64_t>({1}, {1}), Tensor::from<float>({3}, {1}));
    EXPECT_EQ(m->result(), 1.0);
    EXPECT_EQ(m->note(), "");
    m->update(Tensor::from<int64_t>({1}, {1}), Tensor::from<float>({NAN}, {1}));
    EXPECT_TRUE(std::isnan(m->result()));
    EXPECT_EQ(m->note(), "a score is NaN");
  }
  AreaUnderCurve roc;
  roc.update(Tensor::from<bool>({true}, {1}), Tensor::from<float>({3}, {1}));
  EXPECT_THAT(roc.note(), HasSubstr("only positives"));
}

TEST(Metrics, negative_zero_and_infinities_are_ordered) {
  AreaUnderCurve roc;
  roc.update(Tensor::from<int64_t>({1, 0, 1, 0}, {4}),
             Tensor::from<float>({0.0F, -0.0F, INFINITY, -INFINITY}, {4}));
  EXPECT_EQ(roc.result(), 0.875);  // one tie of four pairs
}

TEST(Metrics, several_thresholds_and_weights_by_row) {
  Precision precision({0.1, 0.5, 0.9});
  precision.update(Tensor::from<float>({1, 0, 1}, {3}),
                   Tensor::from<float>({0.2F, 0.6F, 0.8F}, {3}));
  EXPECT_EQ(precision.results(), (std::vector<double>{2.0 / 3, 0.5, 0.0}));
  MeanAbsoluteError mae;
  mae.update(Tensor::from<float>({0, 0, 0, 0}, {2, 2}), Tensor::from<float>({1, 2, 3, 4}, {2, 2}),
             Tensor::from<float>({1, 3}, {2}));
  EXPECT_EQ(mae.result(), (3.0 * 1 + 7.0 * 3) / 8.0);
}

// Keras's ignore_class: the rows weigh nothing, whatever number marks them.
TEST(Metrics, an_ignored_label_needs_not_be_a_class) {
  const Tensor ids = Tensor::from(std::vector<int32_t>{0, 1, 1, 2, 2}, {5});
  const Tensor scores = Tensor::from(
      std::vector<float>{.8F, .1F, .1F, .1F, .8F, .1F, .8F, .1F, .1F, .1F, .8F, .1F, .1F, .1F, .8F},
      {5, 3});
  const Tensor seen = Tensor::from(std::vector<int32_t>{0, 1, 0, 1, 2}, {5});
  for (const int32_t mark : {-1, 255}) {
    const Tensor labels = Tensor::from(std::vector<int32_t>{0, 1, 1, mark, 2}, {5});
    for (const Tensor& predicted : {scores, seen}) {
      IoU iou({.n_classes = 3}, {}, mark);
      iou.update(labels, predicted);
      EXPECT_DOUBLE_EQ(iou.result(), (0.5 + 0.5 + 1.0) / 3);
      // The mark is an error where another label is ignored, or none.
      EXPECT_THROW(IoU({.n_classes = 3}, {}, 7).update(labels, predicted), Error);
      EXPECT_THROW(IoU({.n_classes = 3}, {}).update(labels, predicted), Error);
    }
  }
  IoU one({.n_classes = 3}, {}, 2);  // one of the classes
  one.update(ids, seen);
  EXPECT_DOUBLE_EQ(one.result(), 0.5);  // of 0 and 1, without the rows of 2
}

TEST(Metrics, mistakes_are_named_and_change_nothing) {
  const Tensor two = Tensor::from<float>({0, 1}, {2}), three = Tensor::from<float>({0, 1, 2}, {3});
  auto error = [](Metric&& m, const Tensor& t, const Tensor& p, const Tensor& w = {}) {
    const std::string before = m.serialize();
    try {
      m.update(t, p, w);
    } catch (const Error& e) {
      EXPECT_EQ(m.serialize(), before);
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(error(MeanSquaredError(), two, three), HasSubstr("[mean_squared_error] y_true and"));
  EXPECT_THAT(error(MeanSquaredError(), two, two, three), HasSubstr("weights must be one for"));
  EXPECT_THAT(error(AreaUnderCurve(), three, three), HasSubstr("[auc] row 2: a label must be 0"));
  EXPECT_THAT(error(Recall(), three, three), HasSubstr("[recall] row 2"));
  EXPECT_THAT(error(AreaUnderCurve(), two, two, Tensor::from<float>({1, -1}, {2})),
              HasSubstr("row 1: a weight"));
  EXPECT_THAT(error(SparseCategoricalAccuracy(), Tensor::from<float>({0, 4}, {2}),
                    Tensor::zeros(DType::f32, {2, 3})),
              HasSubstr("row 1: class id 4 is not in [0, 3)"));
  EXPECT_THROW(Precision({1.5}), Error);
  EXPECT_THROW(Recall(std::vector<double>{}), Error);
  EXPECT_THROW(make_metric("auc")->merge(*make_metric("auprc")), Error);
  EXPECT_THROW(make_metric("f7"), Error);
  EXPECT_THROW(make_metric("ndcg@0"), Error);
  for (const std::string& name : metric_names())
    EXPECT_NO_THROW(
        make_metric(name.ends_with("@k") ? name.substr(0, name.size() - 1) + "5" : name));
}

TEST(Metrics, damaged_states_are_errors) {
  const MetricPtr m = make_metric("auc");
  m->update(Tensor::from<int64_t>({1, 0}, {2}), Tensor::from<float>({1, 2}, {2}));
  const std::string good = m->serialize();
  for (size_t n = 0; n < good.size(); ++n)
    EXPECT_THROW(make_metric("auc")->deserialize(good.substr(0, n)), Error) << n;
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(~bad[at]);
    try {
      make_metric("auc")->deserialize(bad);
    } catch (const Error&) {
    }
  }
  EXPECT_THROW(make_metric("mse")->deserialize(good), Error);
}

}  // namespace
}  // namespace andiron::metrics
