#include "andiron/linear/objective.hpp"

#include <algorithm>

#include "andiron/base/error.hpp"
#include "andiron/exec/native/parallel.hpp"
#include "andiron/linear/gemm.hpp"
#include "andiron/linear/loss_rows.hpp"

namespace andiron::linear {

namespace {

constexpr int64_t kBlock = 1024;        // rows whose products are added up in float
constexpr double kFlopsOfThread = 4e6;  // of a product: with less, waking a thread costs more

// scores [rows of the ranges, k] of parameters p.
void scores_of(const Examples& examples, const std::vector<Rows>& ranges, std::span<const float> p,
               bool intercept, int threads, float* z) {
  const int64_t d = examples.features(), k = examples.classes();
  const float* bias = p.data() + k * d;
  for (const auto& [begin, end] : ranges)
    for (int64_t i = begin; i < end; i += kBlock) {
      const int64_t m = std::min(kBlock, end - i);
      multiply(examples.x(i), m, d, p.data(), k, z, threads);
      if (intercept)
        for (int64_t row = 0; row < m; ++row)
          for (int64_t c = 0; c < k; ++c) z[row * k + c] += bias[c];
      z += m * k;
    }
}

}  // namespace

Objective::Objective(const Examples& examples, std::vector<Rows> ranges, double l2, bool intercept,
                     int threads)
    : examples_(examples),
      ranges_(std::move(ranges)),
      l2_(l2),
      total_weight_(examples.total_weight(ranges_)),
      intercept_(intercept),
      n_weights_(examples.classes() * examples.features()) {
  for (const auto& [begin, end] : ranges_) {
    starts_.push_back(n_rows_);
    n_rows_ += end - begin;
  }
  if (n_rows_ == 0 || total_weight_ <= 0) fail("[linear] no example with a weight to train on");
  const auto n = static_cast<size_t>(n_rows_ * examples.classes());
  z_.resize(n);
  dz_.resize(n);
  r_.resize(n);
  const double flops = 2.0 * static_cast<double>(n_rows_) * static_cast<double>(n_weights_);
  threads_ = std::clamp(static_cast<int>(std::min(flops / kFlopsOfThread, 1e6)), 1, threads);
}

double Objective::mean_loss(double t, double* derivative) {
  const LossRows& rows = loss_rows();
  const int64_t k = examples_.classes();
  struct Part {
    double loss = 0, derivative = 0;
  };
  std::vector<Part> parts(static_cast<size_t>((n_rows_ + 255) / 256 + std::ssize(ranges_)));
  int64_t part = 0;
  for (size_t range = 0; range < ranges_.size(); ++range) {
    const int64_t first = ranges_[range].first, n = ranges_[range].second - first;
    const int64_t at = local(static_cast<int64_t>(range)), first_part = part;
    part += (n + 255) / 256;
    // Parts of 256 rows, added up in order: the same bits on any number of threads.
    exec::parallel_chunks(threads_, n, 256, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t row = first + i, offset = (at + i) * k;
        float* r = r_.data() + offset;
        const float weight = examples_.weight(row);
        Part& sum = parts[static_cast<size_t>(first_part + i / 256)];
        rows.add_scaled(z_.data() + offset, static_cast<float>(t), dz_.data() + offset, k, r);
        double loss = 0;
        switch (examples_.loss()) {
          case Loss::softmax:
            loss = rows.softmax(r, k, examples_.label(row), r);
            break;
          case Loss::sigmoid:
            loss = rows.sigmoid(r, examples_.targets(row), k, r);
            break;
          case Loss::squared_hinge:
            loss = rows.squared_hinge(r, examples_.targets(row), k, r);
            break;
        }
        sum.loss += static_cast<double>(weight) * loss;
        if (weight != 1.0F)
          for (int64_t c = 0; c < k; ++c) r[c] *= weight;
        if (derivative) sum.derivative += rows.dot(r, dz_.data() + offset, k);
      }
    });
  }
  Part total;
  for (const Part& p : parts) {
    total.loss += p.loss;
    total.derivative += p.derivative;
  }
  if (derivative) *derivative = total.derivative / total_weight_;
  return total.loss / total_weight_;
}

double Objective::move_to(std::span<const float> p) {
  scores_of(examples_, ranges_, p, intercept_, threads_, z_.data());
  std::fill(dz_.begin(), dz_.end(), 0.0F);
  ww_ = loss_rows().dot(p.data(), p.data(), n_weights_);
  wd_ = dd_ = 0;
  return mean_loss(0, nullptr) + 0.5 * l2_ * ww_;
}

void Objective::look_along(std::span<const float> p, std::span<const float> direction) {
  scores_of(examples_, ranges_, direction, intercept_, threads_, dz_.data());
  const LossRows& rows = loss_rows();
  ww_ = rows.dot(p.data(), p.data(), n_weights_);
  wd_ = rows.dot(p.data(), direction.data(), n_weights_);
  dd_ = rows.dot(direction.data(), direction.data(), n_weights_);
}

Slope Objective::along(double t) {
  Slope found{};
  found.value = mean_loss(t, &found.derivative) + 0.5 * l2_ * (ww_ + t * (2 * wd_ + t * dd_));
  found.derivative += l2_ * (wd_ + t * dd_);
  return found;
}

void Objective::step(double t) {
  loss_rows().add_scaled(z_.data(), static_cast<float>(t), dz_.data(), std::ssize(z_), z_.data());
}

void Objective::gradient(std::span<const float> p, std::span<float> g) {
  const int64_t d = examples_.features(), k = examples_.classes();
  std::vector<double> sum(static_cast<size_t>(n_parameters()), 0.0);
  std::vector<float> part(static_cast<size_t>(n_weights_));
  for (size_t range = 0; range < ranges_.size(); ++range) {
    const auto [first, last] = ranges_[range];
    for (int64_t i = first; i < last; i += kBlock) {
      const int64_t m = std::min(kBlock, last - i);
      const float* r = r_.data() + (local(static_cast<int64_t>(range)) + i - first) * k;
      multiply_transposed(r, m, k, examples_.x(i), d, part.data(), threads_);
      for (int64_t j = 0; j < n_weights_; ++j)
        sum[static_cast<size_t>(j)] += static_cast<double>(part[static_cast<size_t>(j)]);
      if (!intercept_) continue;
      for (int64_t row = 0; row < m; ++row)
        for (int64_t c = 0; c < k; ++c)
          sum[static_cast<size_t>(n_weights_ + c)] += static_cast<double>(r[row * k + c]);
    }
  }
  for (int64_t j = 0; j < n_parameters(); ++j) {
    const auto at = static_cast<size_t>(j);
    const double penalty = j < n_weights_ ? l2_ * static_cast<double>(p[at]) : 0.0;
    g[at] = static_cast<float>(sum[at] / total_weight_ + penalty);
  }
}

}  // namespace andiron::linear
