#include "andiron/nn/metrics/class_table.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "andiron/nn/metrics/columns.hpp"

namespace andiron::metrics {

namespace {

constexpr int64_t kMostClasses = 1 << 14;  // a table of them is 2 GB

int64_t first_largest(std::span<const double> row) {
  return std::max_element(row.begin(), row.end()) - row.begin();
}

// The classes of rows [..., classes].
Tensor ids_of(const Tensor& rows) {
  const Tensor dense = rows.contiguous();
  const int64_t width = rows.size(rows.rank() - 1);
  Tensor out(DType::i64, {dense.count() / width});
  std::vector<double> row(static_cast<size_t>(width));
  for (int64_t i = 0; i < out.count(); ++i) {
    read_doubles(dense, i * width, row);
    out.data<int64_t>()[i] = first_largest(row);
  }
  return out;
}

}  // namespace

ClassPairs::ClassPairs(std::string_view metric, const Tensor& labels, const Tensor& y_pred,
                       const Tensor& weight, int64_t n_classes, double threshold,
                       std::optional<int64_t> ignored) {
  const bool rows_for_ids = labels.defined() && y_pred.defined() && labels.rank() > 1 &&
                            labels.size(labels.rank() - 1) > 1 &&
                            labels.count() == y_pred.count() * labels.size(labels.rank() - 1);
  const Tensor y_true = rows_for_ids ? ids_of(labels) : labels;
  if (!y_true.defined() || !y_pred.defined()) fail("[{}] needs y_true and y_pred", metric);
  const int64_t width = y_pred.rank() > 0 ? y_pred.size(y_pred.rank() - 1) : 1;
  const bool integers = !is_floating(y_pred.dtype());
  const bool one_each = y_pred.rank() < 2 || width == 1 ||
                        (integers && y_true.count() == y_pred.count() && n_classes != width);
  const int64_t limit = n_classes > 0 ? n_classes : kMostClasses;
  auto id = [&](int64_t row, double value) {
    if (!(value >= 0.0 && value < static_cast<double>(limit)) || value != std::floor(value))
      fail("[{}] row {}: class id {} is not in [0, {})", metric, row, value, limit);
    return static_cast<int64_t>(value);
  };
  const auto left_out = [&](double label) {
    return ignored && label == static_cast<double>(*ignored);
  };
  classes_ = n_classes;
  if (one_each) {
    const Columns columns(metric, y_true, y_pred, weight);
    const bool ids = integers || n_classes > 2;
    threshold = threshold_as(y_pred.dtype(), threshold);
    pairs_.reserve(static_cast<size_t>(columns.count()));
    columns.for_each_piece([&](int64_t first, auto t, auto p, auto w) {
      for (size_t i = 0; i < t.size(); ++i) {
        if (left_out(t[i])) continue;
        const int64_t row = first + static_cast<int64_t>(i), label = id(row, t[i]);
        const int64_t predicted = ids ? id(row, p[i]) : (p[i] > threshold ? 1 : 0);
        pairs_.push_back({label, predicted, w[i]});
        classes_ = std::max({classes_, label + 1, predicted + 1});
      }
    });
    if (!ids) classes_ = std::max<int64_t>(classes_, 2);
    return;
  }
  if (n_classes > 0 && n_classes != width)
    fail("[{}] y_pred must have {} classes; got {}", metric, n_classes, str(y_pred.sizes()));
  classes_ = width;
  const bool one_hot = y_true.count() == y_pred.count();
  const Rows rows(metric, y_true, y_pred, weight, one_hot, ignored);
  pairs_.reserve(static_cast<size_t>(rows.count()));
  rows.for_each_row([&](int64_t, auto t, auto p, double w) {
    const double label = one_hot ? static_cast<double>(first_largest(t)) : t[0];
    if (!left_out(label)) pairs_.push_back({static_cast<int64_t>(label), first_largest(p), w});
  });
}

ClassTable::ClassTable(int64_t n_rows, int64_t n_classes)
    : n_rows_(n_rows), given_classes_(n_classes), classes_(0) {
  if (n_classes < 0 || n_classes > kMostClasses)
    fail("[metric] the number of classes must be from 0 (unknown) to {}; got {}", kMostClasses,
         n_classes);
  grow(n_classes);
}

void ClassTable::grow(int64_t n_classes) {
  if (n_classes <= classes_) return;
  const int64_t height = n_rows_ == 0 ? n_classes : n_rows_;
  std::vector<double> counts(static_cast<size_t>(height * n_classes), 0.0);
  for (int64_t r = 0; r < rows(); ++r)
    for (int64_t c = 0; c < classes_; ++c)
      counts[static_cast<size_t>(r * n_classes + c)] = at(r, c);
  counts_ = std::move(counts);
  classes_ = n_classes;
}

double ClassTable::row_sum(int64_t row) const {
  const auto begin = counts_.begin() + row * classes_;
  return std::accumulate(begin, begin + classes_, 0.0);
}

double ClassTable::column_sum(int64_t column) const {
  double sum = 0.0;
  for (int64_t r = 0; r < rows(); ++r) sum += at(r, column);
  return sum;
}

double ClassTable::total() const { return std::accumulate(counts_.begin(), counts_.end(), 0.0); }

void ClassTable::reset() {
  counts_.clear();
  classes_ = 0;
  grow(given_classes_);
}

const Tensor& ClassTable::table_of(const std::map<std::string, Tensor>& state) const {
  const auto found = state.find("counts");
  const Tensor* t = found == state.end() ? nullptr : &found->second;
  if (t == nullptr || t->dtype() != DType::f64 || t->rank() != 2 || !t->dense() ||
      t->size(1) > kMostClasses || t->size(0) != (n_rows_ == 0 ? t->size(1) : n_rows_) ||
      (given_classes_ > 0 && t->size(1) != given_classes_))
    fail("[metric] this is not the state of {}", signature());
  return *t;
}

void ClassTable::merge_state(const std::map<std::string, Tensor>& state) {
  const Tensor& more = table_of(state);
  grow(more.size(1));
  for (int64_t r = 0; r < more.size(0); ++r)
    for (int64_t c = 0; c < more.size(1); ++c)
      at(r, c) += more.data<double>()[r * more.size(1) + c];
}

std::map<std::string, Tensor> ClassTable::state() const {
  return {{"counts", Tensor::from(counts_, {rows(), classes_})}};
}

void ClassTable::restore(const std::map<std::string, Tensor>& state) {
  const Tensor& table = table_of(state);
  counts_.assign(table.data<double>(), table.data<double>() + table.count());
  classes_ = table.size(1);
}

std::string ClassTable::note() const { return total() == 0.0 ? "nothing was seen yet" : ""; }

}  // namespace andiron::metrics
