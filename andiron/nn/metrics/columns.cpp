#include "andiron/nn/metrics/columns.hpp"

#include <cmath>

namespace andiron::metrics {

void read_doubles(const Tensor& dense, int64_t begin, std::span<double> out) {
  visit_dtype(dense.dtype(), [&]<class T>() {
    const T* src = dense.data<T>() + begin;
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(src[i]);
  });
}

double threshold_as(DType dtype, double threshold) {
  double as = threshold;
  if (is_floating(dtype))
    visit_dtype(dtype, [&]<class T>() {
      if constexpr (!std::is_integral_v<T>)
        as = static_cast<double>(static_cast<T>(static_cast<float>(threshold)));
    });
  return dtype == DType::f64 ? threshold : as;
}

Tensor column_of(std::string_view metric, const char* what, const Tensor& t, int64_t column) {
  const int64_t width = t.rank() < 2 ? 0 : t.size(t.rank() - 1);
  if (column >= width)
    fail("[{}] class_id={} is not among the {} classes of {} {}", metric, column, width, what,
         str(t.sizes()));
  const Tensor dense = t.contiguous();
  Tensor out(DType::f64, {dense.count() / width});
  for (int64_t i = 0; i < out.count(); ++i)
    read_doubles(dense, i * width + column, {out.data<double>() + i, 1});
  return out;
}

namespace {

void require_defined(std::string_view metric, const Tensor& y_true, const Tensor& y_pred) {
  if (!y_true.defined() || !y_pred.defined()) fail("[{}] needs y_true and y_pred", metric);
}

}  // namespace

Columns::Columns(std::string_view metric, const Tensor& y_true, const Tensor& y_pred,
                 const Tensor& weight) {
  require_defined(metric, y_true, y_pred);
  if (y_true.count() != y_pred.count())
    fail("[{}] y_true and y_pred must have one shape; got {} and {}", metric, str(y_true.sizes()),
         str(y_pred.sizes()));
  y_true_ = y_true.contiguous();
  y_pred_ = y_pred.contiguous();
  if (!weight.defined()) return;
  const int64_t n = weight.count(), rows = y_pred.rank() > 0 ? y_pred.size(0) : 1;
  if (n != count() && n != rows)
    fail("[{}] weights must be one for each row or element of y_pred {}; got {}", metric,
         str(y_pred.sizes()), str(weight.sizes()));
  weight_ = weight.contiguous();
  if (n > 0) elements_per_weight_ = count() / n;
}

void Columns::read_weights(int64_t begin, std::span<double> out) const {
  if (elements_per_weight_ == 1) return read_doubles(weight_, begin, out);
  for (size_t i = 0; i < out.size(); ++i)
    read_doubles(weight_, (begin + static_cast<int64_t>(i)) / elements_per_weight_, {&out[i], 1});
}

Rows::Rows(std::string_view metric, const Tensor& y_true, const Tensor& y_pred,
           const Tensor& weight, bool one_hot, std::optional<int64_t> ignored)
    : one_hot_(one_hot) {
  require_defined(metric, y_true, y_pred);
  if (y_pred.rank() < 1) fail("[{}] y_pred must be [n, classes]; got a scalar", metric);
  classes_ = y_pred.size(y_pred.rank() - 1);
  if (classes_ == 0) fail("[{}] y_pred {} has no classes", metric, str(y_pred.sizes()));
  n_ = y_pred.count() / classes_;
  if (y_true.count() != (one_hot ? y_pred.count() : n_))
    fail("[{}] y_true must have {}; got {} for y_pred {}", metric,
         one_hot ? "the shape of y_pred" : "one class id for each row", str(y_true.sizes()),
         str(y_pred.sizes()));
  if (weight.defined() && weight.count() != n_)
    fail("[{}] weights must be one for each of {} rows; got {}", metric, n_, str(weight.sizes()));
  y_true_ = y_true.contiguous();
  y_pred_ = y_pred.contiguous();
  if (weight.defined()) weight_ = weight.contiguous();
  if (one_hot) return;
  for (int64_t i = 0; i < n_; ++i) {
    double id = 0.0;
    read_doubles(y_true_, i, {&id, 1});
    if (ignored && id == static_cast<double>(*ignored)) continue;
    if (!(id >= 0.0 && id < static_cast<double>(classes_)) || id != std::floor(id))
      fail("[{}] row {}: class id {} is not in [0, {})", metric, i, id, classes_);
  }
}

}  // namespace andiron::metrics
