#include "andiron/linear/cross_validation.hpp"

#include <algorithm>
#include <atomic>

#include "andiron/base/error.hpp"
#include "andiron/base/parallel_for.hpp"
#include "andiron/linear/loss_rows.hpp"

namespace andiron::linear {

namespace {

void check(const Examples& examples, const std::vector<Rows>& folds) {
  int64_t next = 0;
  for (const auto& [begin, end] : folds) {
    if (begin != next || end <= begin)
      fail("[linear] folds are consecutive ranges of rows, none empty; got [{}, {}) after {}",
           begin, end, next);
    next = end;
  }
  if (folds.size() < 2 || next != examples.rows())
    fail("[linear] at least two folds cover all {} rows; got {} up to row {}", examples.rows(),
         folds.size(), next);
}

// Whether the highest score is the label's; or each score's sign says whether its class is there.
bool is_right(const Examples& examples, int64_t row, const float* z) {
  const int64_t k = examples.classes();
  if (examples.loss() == Loss::softmax)
    return std::max_element(z, z + k) - z == examples.label(row);
  const float* y = examples.targets(row);
  if (k > 1 && std::count(y, y + k, 1.0F) == 1 && examples.loss() == Loss::squared_hinge)
    return std::max_element(z, z + k) - z == std::max_element(y, y + k) - y;
  for (int64_t c = 0; c < k; ++c)
    if ((z[c] > 0.0F) != (y[c] > 0.5F)) return false;
  return true;
}

Held judge(const Examples& examples, Rows fold, const float* z) {
  const LossRows& rows = loss_rows();
  const int64_t k = examples.classes();
  std::vector<float> r(static_cast<size_t>(k));
  Held held;
  double total = 0;
  for (int64_t row = fold.first; row < fold.second; ++row, z += k) {
    const double weight = static_cast<double>(examples.weight(row));
    double loss = 0;
    switch (examples.loss()) {
      case Loss::softmax:
        loss = rows.softmax(z, k, examples.label(row), r.data());
        break;
      case Loss::sigmoid:
        loss = rows.sigmoid(z, examples.targets(row), k, r.data());
        break;
      case Loss::squared_hinge:
        loss = rows.squared_hinge(z, examples.targets(row), k, r.data());
        break;
    }
    held.loss += weight * loss;
    held.correct += weight * (is_right(examples, row, z) ? 1.0 : 0.0);
    total += weight;
  }
  if (total > 0) {
    held.loss /= total;
    held.correct /= total;
  }
  return held;
}

}  // namespace

CrossValidation cross_validate(const Examples& examples, const std::vector<Rows>& folds,
                               const std::vector<double>& cs, const Options& options,
                               bool keep_scores) {
  check(examples, folds);
  if (cs.empty()) fail("[linear] cross-validation needs at least one C");
  const int64_t n = examples.rows(), k = examples.classes();
  CrossValidation out;
  out.folds.assign(cs.size(), std::vector<Held>(folds.size()));
  if (keep_scores) out.scores = Tensor(DType::f32, {std::ssize(cs), n, k});
  const int parts = std::clamp<int>(options.threads, 1, static_cast<int>(folds.size()));
  std::atomic<size_t> next{0};
  parallel_for(parts, parts, [&](int64_t, int64_t) {
    for (size_t f; (f = next.fetch_add(1)) < folds.size();) {
      const auto [begin, end] = folds[f];
      std::vector<Rows> others;
      if (begin > 0) others.emplace_back(0, begin);
      if (end < n) others.emplace_back(end, n);
      Options own = options;
      own.threads = std::max(1, options.threads / parts);
      std::vector<float> scratch(static_cast<size_t>(keep_scores ? 0 : (end - begin) * k));
      Fit last;
      for (size_t i = 0; i < cs.size(); ++i) {
        own.c = cs[i];
        last = fit(examples, others, own, i > 0 ? &last : nullptr);
        float* z = keep_scores
                       ? out.scores.data<float>() + (static_cast<int64_t>(i) * n + begin) * k
                       : scratch.data();
        scores(examples, folds[f], last, own.threads, z);
        out.folds[i][f] = judge(examples, folds[f], z);
        out.folds[i][f].iterations = last.iterations;
      }
    }
  });
  return out;
}

}  // namespace andiron::linear
