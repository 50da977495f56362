#include "andiron/nn/metrics/beyond_accuracy.hpp"

#include <cmath>
#include <limits>
#include <numeric>

#include "andiron/base/error.hpp"
#include "andiron/nn/metrics/ranking.hpp"

namespace andiron::metrics {

namespace {

// The users' best items [users, k], -1 where there are fewer, and their weights.
struct Lists {
  Tensor items, weight;

  Lists(const std::string& metric, const Tensor& scores, const Tensor& weights, int64_t k,
        int64_t n_items) {
    items = top_items(scores, {}, k);
    if (n_items >= 0 && scores.size(1) != n_items)
      fail("[{}] y_pred must have {} items; got {}", metric, n_items, str(scores.sizes()));
    if (weights.defined() && weights.count() != scores.size(0))
      fail("[{}] weights must be one for each user; got {} for {}", metric, str(weights.sizes()),
           str(scores.sizes()));
    weight = weights;
  }
  int64_t users() const { return items.size(0); }
  double weight_of(int64_t user) const { return weight.defined() ? weight.item(user) : 1.0; }
  std::vector<int64_t> operator[](int64_t user) const {
    const int64_t* row = items.data<int64_t>() + user * items.size(1);
    std::vector<int64_t> found;
    for (int64_t i = 0; i < items.size(1) && row[i] >= 0; ++i) found.push_back(row[i]);
    return found;
  }
};

void require_k(const char* metric, int64_t k) {
  if (k < 1) fail("[{}] k must be at least 1; got {}", metric, k);
}

}  // namespace

Coverage::Coverage(int64_t k) : k_(k) { require_k("coverage", k); }

std::string Coverage::signature() const { return fmt::format("coverage@{}", k_); }

void Coverage::make_room(int64_t items) {
  if (counts_.count() == 0) counts_ = Tensor::zeros(DType::f64, {items});
  if (counts_.count() != items)
    fail("[{}] y_pred has {} items; before it had {}", signature(), items, counts_.count());
}

void Coverage::update(const Tensor&, const Tensor& y_pred, const Tensor& weight) {
  const Lists lists(signature(), y_pred, weight, k_, -1);
  make_room(y_pred.size(1));
  for (int64_t u = 0; u < lists.users(); ++u)
    for (int64_t item : lists[u]) counts_.data<double>()[item] += lists.weight_of(u);
}

double Coverage::result() const {
  if (counts_.count() == 0) return std::numeric_limits<double>::quiet_NaN();
  const double* c = counts_.data<double>();
  const auto n = std::count_if(c, c + counts_.count(), [](double x) { return x > 0.0; });
  return static_cast<double>(n) / static_cast<double>(counts_.count());
}

std::string Coverage::note() const { return counts_.count() == 0 ? "nothing was seen yet" : ""; }

const Tensor& Coverage::counts_in(const std::map<std::string, Tensor>& state) const {
  const auto found = state.find("counts");
  if (found == state.end() || found->second.dtype() != DType::f64 || found->second.rank() != 1 ||
      !found->second.dense())
    fail("[metric] this is not the state of {}", signature());
  return found->second;
}

void Coverage::merge_state(const std::map<std::string, Tensor>& state) {
  const Tensor& more = counts_in(state);
  if (more.count() == 0) return;
  make_room(more.count());
  for (int64_t i = 0; i < more.count(); ++i) counts_.data<double>()[i] += more.data<double>()[i];
}

void Coverage::restore(const std::map<std::string, Tensor>& state) {
  counts_ = counts_in(state).clone();
}

Novelty::Novelty(int64_t k, const std::vector<double>& popularity) : k_(k) {
  require_k("novelty", k);
  double total = 0.0;
  for (double p : popularity) {
    if (!(p >= 0.0) || std::isinf(p))
      fail("[novelty] popularity must be finite and not negative; got {}", p);
    total += std::max(p, 1.0);
  }
  for (double p : popularity) surprise_.push_back(-std::log2(std::max(p, 1.0) / total));
}

std::string Novelty::signature() const {
  return fmt::format("novelty@{}(items={})", k_, surprise_.size());
}

void Novelty::update(const Tensor&, const Tensor& y_pred, const Tensor& weight) {
  const Lists lists(signature(), y_pred, weight, k_, static_cast<int64_t>(surprise_.size()));
  for (int64_t u = 0; u < lists.users(); ++u) {
    const std::vector<int64_t> items = lists[u];
    double sum = 0.0;
    for (int64_t item : items) sum += surprise_[static_cast<size_t>(item)];
    if (items.empty()) continue;
    sums_[0] += lists.weight_of(u) * sum / static_cast<double>(items.size());
    sums_[1] += lists.weight_of(u);
  }
}

IntraListDiversity::IntraListDiversity(int64_t k, const Tensor& features) : k_(k) {
  require_k("intra_list_diversity", k);
  if (!features.defined() || features.rank() != 2)
    fail("[intra_list_diversity] features must be [items, d]; got {}",
         features.defined() ? str(features.sizes()) : "nothing");
  directions_ = features.cast(DType::f64).contiguous().clone();
  const int64_t d = directions_.size(1);
  for (int64_t i = 0; i < directions_.size(0); ++i) {
    double* row = directions_.data<double>() + i * d;
    const double size = std::sqrt(std::inner_product(row, row + d, row, 0.0));
    for (int64_t j = 0; j < d && size > 0.0; ++j) row[j] /= size;
  }
}

std::string IntraListDiversity::signature() const {
  return fmt::format("intra_list_diversity@{}(features={})", k_, str(directions_.sizes()));
}

void IntraListDiversity::update(const Tensor&, const Tensor& y_pred, const Tensor& weight) {
  const Lists lists(signature(), y_pred, weight, k_, directions_.size(0));
  const int64_t d = directions_.size(1);
  for (int64_t u = 0; u < lists.users(); ++u) {
    const std::vector<int64_t> items = lists[u];
    if (items.size() < 2) continue;
    double sum = 0.0, pairs = 0.0;
    for (size_t a = 0; a < items.size(); ++a)
      for (size_t b = 0; b < a; ++b) {
        const double* first = directions_.data<double>() + items[a] * d;
        const double* second = directions_.data<double>() + items[b] * d;
        sum += 1.0 - std::inner_product(first, first + d, second, 0.0);
        pairs += 1.0;
      }
    sums_[0] += lists.weight_of(u) * sum / pairs;
    sums_[1] += lists.weight_of(u);
  }
}

}  // namespace andiron::metrics
