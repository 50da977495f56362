#include "andiron/linear/examples.hpp"

#include <cmath>

#include "andiron/base/error.hpp"

namespace andiron::linear {

namespace {

void check(const Tensor& x, const Tensor& targets, const Tensor& weights, int64_t n_classes,
           Loss loss) {
  if (x.rank() != 2 || x.dtype() != DType::f32 || x.count() == 0)
    fail("[linear] features are float32 [examples, features], both at least 1; got {} {}",
         name_of(x.dtype()), str(x.sizes()));
  const int64_t n = x.size(0);
  if (n_classes < 1 || n_classes > 1'000'000)
    fail("[linear] the number of classes must be in [1, 1000000]; got {}", n_classes);
  const bool labels = loss == Loss::softmax;
  const Sizes wanted = labels ? Sizes{n} : Sizes{n, n_classes};
  if (targets.sizes() != wanted || targets.dtype() != (labels ? DType::i64 : DType::f32))
    fail("[linear] targets of loss \"{}\" are {} {}; got {} {}", name_of(loss),
         labels ? "int64" : "float32", str(wanted), name_of(targets.dtype()), str(targets.sizes()));
  if (weights.defined() && (weights.sizes() != Sizes{n} || weights.dtype() != DType::f32))
    fail("[linear] weights are float32 [{}]; got {} {}", n, name_of(weights.dtype()),
         str(weights.sizes()));
}

}  // namespace

Examples::Examples(const Tensor& x, const Tensor& targets, const Tensor& weights, int64_t n_classes,
                   Loss loss, bool centred, const std::vector<int64_t>& order)
    : classes_(n_classes), loss_(loss) {
  check(x, targets, weights, n_classes, loss);
  const Tensor given = x.contiguous(), wanted = targets.contiguous();
  const Tensor weighed = weights.defined() ? weights.contiguous() : weights;
  const int64_t n = x.size(0), d = x.size(1);
  auto from = [&](int64_t row) { return order.empty() ? row : order[static_cast<size_t>(row)]; };
  if (!order.empty() && std::ssize(order) != n)
    fail("[linear] order has {} rows; the features have {}", order.size(), n);
  for (const int64_t row : order)
    if (row < 0 || row >= n) fail("[linear] order has row {}; there are {}", row, n);

  means_.assign(static_cast<size_t>(d), 0.0);
  const float* all = given.data<float>();
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < d; ++j)
      means_[static_cast<size_t>(j)] += static_cast<double>(all[i * d + j]);
  for (double& mean : means_) {
    mean /= static_cast<double>(n);
    if (!std::isfinite(mean)) fail("[linear] features must be finite; there is NaN or infinity");
    if (!centred) mean = 0.0;
  }
  x_ = Tensor(DType::f32, {n, d});
  for (int64_t i = 0; i < n; ++i) {
    const float* src = all + from(i) * d;
    float* dst = x_.data<float>() + i * d;
    for (int64_t j = 0; j < d; ++j)
      dst[j] = static_cast<float>(static_cast<double>(src[j]) - means_[static_cast<size_t>(j)]);
  }
  if (loss == Loss::softmax) {
    labels_.resize(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) {
      const int64_t label = wanted.data<int64_t>()[from(i)];
      if (label < 0 || label >= n_classes)
        fail("[linear] labels are in [0, {}); row {} has {}", n_classes, from(i), label);
      labels_[static_cast<size_t>(i)] = label;
    }
  } else {
    targets_.resize(static_cast<size_t>(n * n_classes));
    for (int64_t i = 0; i < n; ++i)
      for (int64_t k = 0; k < n_classes; ++k) {
        const float y = wanted.data<float>()[from(i) * n_classes + k];
        if (y != 0.0F && y != 1.0F)
          fail("[linear] targets are 0 or 1; row {} has {} in column {}", from(i), y, k);
        targets_[static_cast<size_t>(i * n_classes + k)] = y;
      }
  }
  if (weighed.defined()) {
    weights_.resize(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) {
      const float w = weighed.data<float>()[from(i)];
      if (!(w >= 0.0F) || !std::isfinite(w))
        fail("[linear] weights are finite and at least 0; row {} has {}", from(i), w);
      weights_[static_cast<size_t>(i)] = w;
    }
  }
}

double Examples::total_weight(const std::vector<Rows>& ranges) const {
  double total = 0;
  for (const auto& [begin, end] : ranges)
    for (int64_t i = begin; i < end; ++i) total += static_cast<double>(weight(i));
  return total;
}

}  // namespace andiron::linear
