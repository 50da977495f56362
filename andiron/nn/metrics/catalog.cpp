#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "andiron/base/error.hpp"
#include "andiron/nn/metrics/area_under_curve.hpp"
#include "andiron/nn/metrics/beyond_accuracy.hpp"
#include "andiron/nn/metrics/class_scores.hpp"
#include "andiron/nn/metrics/confusion.hpp"
#include "andiron/nn/metrics/element_mean.hpp"
#include "andiron/nn/metrics/label_areas.hpp"
#include "andiron/nn/metrics/means.hpp"
#include "andiron/nn/metrics/precision_recall.hpp"
#include "andiron/nn/metrics/probabilities.hpp"
#include "andiron/nn/metrics/r_squared.hpp"
#include "andiron/nn/metrics/ranking.hpp"
#include "andiron/nn/metrics/row_mean.hpp"

namespace andiron::metrics {

namespace {

using Json = nlohmann::json;
using Curve = AreaUnderCurve::Curve;
using Cell = CellCount::Cell;
using Kind = ClassScore::Kind;

// What Python's None, a number and a list of numbers come as.
std::vector<double> numbers(const Json& s, const char* key, std::vector<double> otherwise = {}) {
  const Json found = s.value(key, Json());
  if (found.is_null()) return otherwise;
  return found.is_array() ? found.get<std::vector<double>>() : std::vector{found.get<double>()};
}

std::string text(const Json& s, const char* key, const char* otherwise) {
  const Json found = s.value(key, Json());
  return found.is_null() ? otherwise : found.get<std::string>();
}

Confusion::Options confusion(const Json& s) {
  return {.n_classes = s.value("num_classes", int64_t{0}), .threshold = s.value("threshold", 0.5)};
}

template <Kind kind>
MetricPtr class_score(const Json& s) {
  ClassScore::Options options = {.beta = s.value("beta", 1.0),
                                 .average = text(s, "average", "none"),
                                 .n_classes = s.value("num_classes", int64_t{0})};
  if (s.contains("threshold") && !s["threshold"].is_null())
    options.threshold = s["threshold"].get<double>();
  return std::make_shared<ClassScore>(kind, options);
}

template <Curve curve>
MetricPtr point(const Json& s) {
  return std::make_shared<AreaUnderCurve>(curve, 0, s.value("bound", 0.5),
                                          s.value("class_id", int64_t{-1}));
}

template <Cell which>
MetricPtr cell(const Json& s) {
  return std::make_shared<CellCount>(which, numbers(s, "thresholds", {0.5}));
}

MetricPtr iou(const Json& s) {
  std::optional<int64_t> ignored;
  if (s.contains("ignore_class")) ignored = s["ignore_class"].get<int64_t>();
  return std::make_shared<IoU>(confusion(s), s.value("targets", std::vector<int64_t>()), ignored);
}

MetricPtr label_areas(const Json& s) {
  return std::make_shared<LabelAreas>(LabelAreas::Options{
      .curve = text(s, "curve", "ROC") == "PR" ? Curve::precision_recall : Curve::roc,
      .average = text(s, "average", "macro"),
      .n_labels = s.value("num_labels", int64_t{0}),
      .label_weights = numbers(s, "label_weights")});
}

MetricPtr intra_list_diversity(const Json& s) {
  const auto rows = s.value("features", std::vector<std::vector<double>>());
  const size_t width = rows.empty() ? 0 : rows[0].size();
  std::vector<double> all;
  for (const std::vector<double>& row : rows) {
    if (row.size() != width) fail("[intra_list_diversity] features must be [items, d]");
    all.insert(all.end(), row.begin(), row.end());
  }
  return std::make_shared<IntraListDiversity>(
      s.value("k", int64_t{10}),
      Tensor::from(all, {static_cast<int64_t>(rows.size()), static_cast<int64_t>(width)}));
}

struct Entry {
  const char* name;  // lower case, without underscores: "BinaryAccuracy" is "binary_accuracy"
  MetricPtr (*make)(const Json& settings);
  bool by_name = true;  // makes sense without settings
};

constexpr const char* kElements[] = {"mean_absolute_percentage_error",
                                     "mean_squared_logarithmic_error",
                                     "symmetric_mean_absolute_percentage_error",
                                     "log_cosh",
                                     "poisson",
                                     "hinge",
                                     "squared_hinge"};
template <int i>
MetricPtr element(const Json&) {
  return std::make_shared<ElementMean>(kElements[i]);
}

constexpr const char* kRows[] = {"categorical_hinge", "concordance_correlation",
                                 "cosine_similarity", "kl_divergence", "pearson_correlation"};
template <int i>
MetricPtr row(const Json&) {
  return std::make_shared<RowMean>(kRows[i]);
}

template <class T, auto... arguments>
MetricPtr made(const Json&) {
  return std::make_shared<T>(arguments...);
}

constexpr Entry kEntries[] = {
    {"accuracy", made<Accuracy>},
    {"acc", made<Accuracy>},
    {"binary_accuracy", made<BinaryAccuracy>},
    {"categorical_accuracy", made<CategoricalAccuracy>},
    {"sparse_categorical_accuracy", made<SparseCategoricalAccuracy>},
    {"top_k_categorical_accuracy",
     [](const Json& s) -> MetricPtr {
       return std::make_shared<RowMean>("top_k_categorical_accuracy", false,
                                        s.value("k", int64_t{5}));
     }},
    {"sparse_top_k_categorical_accuracy",
     [](const Json& s) -> MetricPtr {
       return std::make_shared<RowMean>("top_k_categorical_accuracy", true,
                                        s.value("k", int64_t{5}));
     }},
    {"precision", made<Precision>},
    {"recall", made<Recall>},
    {"threshold_precision",
     [](const Json& s) -> MetricPtr {
       return std::make_shared<Precision>(numbers(s, "thresholds", {0.5}),
                                          s.value("class_id", int64_t{-1}));
     },
     false},
    {"threshold_recall",
     [](const Json& s) -> MetricPtr {
       return std::make_shared<Recall>(numbers(s, "thresholds", {0.5}),
                                       s.value("class_id", int64_t{-1}));
     },
     false},
    {"class_precision", class_score<Kind::precision>, false},
    {"class_recall", class_score<Kind::recall>, false},
    {"fbeta_score", class_score<Kind::f_beta>, false},
    {"jaccard_score", class_score<Kind::jaccard>, false},
    {"f1_score", [](const Json&) { return class_score<Kind::f_beta>({{"average", "auto"}}); }},
    {"f1", [](const Json&) { return class_score<Kind::f_beta>({{"average", "auto"}}); }},
    {"true_positives", cell<Cell::true_positives>},
    {"true_negatives", cell<Cell::true_negatives>},
    {"false_positives", cell<Cell::false_positives>},
    {"false_negatives", cell<Cell::false_negatives>},
    {"confusion_matrix",
     [](const Json& s) -> MetricPtr {
       return std::make_shared<ConfusionMatrix>(confusion(s), text(s, "normalize", ""));
     },
     false},
    {"balanced_accuracy",
     [](const Json& s) -> MetricPtr {
       return std::make_shared<BalancedAccuracy>(confusion(s), s.value("adjusted", false));
     }},
    {"cohen_kappa",
     [](const Json& s) -> MetricPtr {
       return std::make_shared<CohenKappa>(confusion(s), text(s, "weights", ""));
     }},
    {"matthews_correlation",
     [](const Json& s) -> MetricPtr {
       return std::make_shared<MatthewsCorrelation>(confusion(s));
     }},
    {"iou", iou, false},
    {"mean_iou", iou},
    {"auc", made<AreaUnderCurve, Curve::roc>},
    {"auroc", made<AreaUnderCurve, Curve::roc>},
    {"roc_auc", made<AreaUnderCurve, Curve::roc>},
    {"auprc", made<AreaUnderCurve, Curve::precision_recall>},
    {"average_precision", made<AreaUnderCurve, Curve::precision_recall>},
    {"label_areas", label_areas, false},
    {"sensitivity_at_specificity", point<Curve::sensitivity_at_specificity>, false},
    {"specificity_at_sensitivity", point<Curve::specificity_at_sensitivity>, false},
    {"precision_at_recall", point<Curve::precision_at_recall>, false},
    {"recall_at_precision", point<Curve::recall_at_precision>, false},
    {"log_loss", made<BinaryCrossentropy>},
    {"binary_crossentropy", made<BinaryCrossentropy>},
    {"bce", made<BinaryCrossentropy>},
    {"categorical_crossentropy", made<CategoricalCrossentropy, false>},
    {"sparse_categorical_crossentropy", made<CategoricalCrossentropy, true>},
    {"brier_score", made<BrierScore>},
    {"expected_calibration_error",
     [](const Json& s) -> MetricPtr {
       return std::make_shared<CalibrationError>(s.value("num_bins", int64_t{15}),
                                                 text(s, "norm", "l1"));
     }},
    {"mean", made<Mean>},
    {"sum", made<Sum>},
    {"mean_squared_error", made<MeanSquaredError>},
    {"mse", made<MeanSquaredError>},
    {"mean_absolute_error", made<MeanAbsoluteError>},
    {"mae", made<MeanAbsoluteError>},
    {"root_mean_squared_error", made<RootMeanSquaredError>},
    {"rmse", made<RootMeanSquaredError>},
    {"mean_absolute_percentage_error", element<0>},
    {"mape", element<0>},
    {"mean_squared_logarithmic_error", element<1>},
    {"msle", element<1>},
    {"symmetric_mean_absolute_percentage_error", element<2>},
    {"smape", element<2>},
    {"log_cosh", element<3>},
    {"logcosh", element<3>},
    {"log_cosh_error", element<3>},
    {"poisson", element<4>},
    {"hinge", element<5>},
    {"squared_hinge", element<6>},
    {"huber",
     [](const Json& s) -> MetricPtr {
       return std::make_shared<ElementMean>("huber", s.value("delta", 1.0));
     }},
    {"mean_pinball_loss",
     [](const Json& s) -> MetricPtr {
       return std::make_shared<ElementMean>("mean_pinball_loss", s.value("quantile", 0.5));
     }},
    {"mean_relative_error",
     [](const Json& s) -> MetricPtr {
       return std::make_shared<MeanRelativeError>(numbers(s, "normalizer"));
     },
     false},
    {"r2_score",
     [](const Json& s) -> MetricPtr {
       return std::make_shared<RSquared>(
           RSquared::Options{.aggregation = text(s, "class_aggregation", "uniform_average"),
                             .n_regressors = s.value("num_regressors", int64_t{0})});
     }},
    {"r2",
     [](const Json&) -> MetricPtr { return std::make_shared<RSquared>(RSquared::Options{}); }},
    {"categorical_hinge", row<0>},
    {"concordance_correlation", row<1>},
    {"cosine_similarity", row<2>},
    {"kl_divergence", row<3>},
    {"kld", row<3>},
    {"pearson_correlation", row<4>},
    {"novelty",
     [](const Json& s) -> MetricPtr {
       return std::make_shared<Novelty>(s.value("k", int64_t{10}), numbers(s, "popularity"));
     },
     false},
    {"intra_list_diversity", intra_list_diversity, false},
};

// "BinaryAccuracy", "binary_accuracy" and "binary accuracy" are one name.
std::string plain(std::string_view name) {
  std::string out;
  for (char c : name)
    if (c != '_' && c != ' ' && c != '-')
      out.push_back(static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c));
  return out;
}

}  // namespace

std::vector<std::string> metric_names() {
  std::vector<std::string> names;
  for (const Entry& e : kEntries)
    if (e.by_name) names.emplace_back(e.name);
  for (RankingKind kind : kAllRankingKinds) names.push_back(fmt::format("{}@k", name_of(kind)));
  names.emplace_back("coverage@k");
  return names;
}

MetricPtr make_metric(std::string_view kind, const Json& settings) {
  for (const Entry& e : kEntries)
    if (kind == e.name) return e.make(settings);
  fail("[metric] there is no metric '{}'", kind);
}

MetricPtr make_metric(std::string_view name) {
  const size_t at = name.find('@');
  const std::string wanted = plain(name.substr(0, at));
  if (at == std::string_view::npos) {
    for (const Entry& e : kEntries)
      if (e.by_name && plain(e.name) == wanted) return e.make(Json::object());
  } else {
    const std::string_view digits = name.substr(at + 1);
    int64_t k = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), k);
    if (error != std::errc() || end != digits.data() + digits.size() || k < 1)
      fail("[metric] '{}': k must be a number of at least 1", name);
    for (RankingKind kind : kAllRankingKinds)
      if (plain(name_of(kind)) == wanted) return std::make_shared<RankingMetric>(kind, k);
    if (wanted == "coverage") return std::make_shared<Coverage>(k);
  }
  std::string known;
  for (const std::string& n : metric_names()) known += (known.empty() ? "" : ", ") + n;
  fail("[metric] there is no metric named '{}'; known: {}", name, known);
}

}  // namespace andiron::metrics
