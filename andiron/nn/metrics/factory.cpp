#include <algorithm>
#include <charconv>
#include <functional>
#include <utility>

#include "andiron/base/error.hpp"
#include "andiron/nn/metrics/area_under_curve.hpp"
#include "andiron/nn/metrics/means.hpp"
#include "andiron/nn/metrics/precision_recall.hpp"
#include "andiron/nn/metrics/ranking.hpp"

namespace andiron::metrics {

namespace {

template <class T, auto... arguments>
MetricPtr make() {
  return std::make_shared<T>(arguments...);
}

struct Entry {
  const char* name;  // lower case, without underscores: "BinaryAccuracy" is "binary_accuracy"
  MetricPtr (*make)();
};

using Curve = AreaUnderCurve::Curve;

constexpr Entry kEntries[] = {
    {"accuracy", make<Accuracy>},
    {"acc", make<Accuracy>},
    {"binary_accuracy", make<BinaryAccuracy>},
    {"categorical_accuracy", make<CategoricalAccuracy>},
    {"sparse_categorical_accuracy", make<SparseCategoricalAccuracy>},
    {"precision", make<Precision>},
    {"recall", make<Recall>},
    {"auc", make<AreaUnderCurve, Curve::roc>},
    {"auroc", make<AreaUnderCurve, Curve::roc>},
    {"roc_auc", make<AreaUnderCurve, Curve::roc>},
    {"auprc", make<AreaUnderCurve, Curve::precision_recall>},
    {"average_precision", make<AreaUnderCurve, Curve::precision_recall>},
    {"log_loss", make<BinaryCrossentropy>},
    {"binary_crossentropy", make<BinaryCrossentropy>},
    {"categorical_crossentropy", make<CategoricalCrossentropy, false>},
    {"sparse_categorical_crossentropy", make<CategoricalCrossentropy, true>},
    {"mean", make<Mean>},
    {"mean_squared_error", make<MeanSquaredError>},
    {"mse", make<MeanSquaredError>},
    {"mean_absolute_error", make<MeanAbsoluteError>},
    {"mae", make<MeanAbsoluteError>},
    {"root_mean_squared_error", make<RootMeanSquaredError>},
    {"rmse", make<RootMeanSquaredError>},
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
  for (const Entry& e : kEntries) names.emplace_back(e.name);
  for (RankingKind kind : kAllRankingKinds) names.push_back(fmt::format("{}@k", name_of(kind)));
  return names;
}

MetricPtr make_metric(std::string_view name) {
  const size_t at = name.find('@');
  const std::string wanted = plain(name.substr(0, at));
  if (at == std::string_view::npos) {
    for (const Entry& e : kEntries)
      if (plain(e.name) == wanted) return e.make();
  } else {
    const std::string_view digits = name.substr(at + 1);
    int64_t k = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), k);
    if (error != std::errc() || end != digits.data() + digits.size() || k < 1)
      fail("[metric] '{}': k must be a number of at least 1", name);
    for (RankingKind kind : kAllRankingKinds)
      if (plain(name_of(kind)) == wanted) return std::make_shared<RankingMetric>(kind, k);
  }
  std::string known;
  for (const std::string& n : metric_names()) known += (known.empty() ? "" : ", ") + n;
  fail("[metric] there is no metric named '{}'; known: {}", name, known);
}

}  // namespace andiron::metrics
