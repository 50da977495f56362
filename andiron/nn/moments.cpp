#include "andiron/nn/moments.hpp"

#include <algorithm>
#include <cmath>

#include "andiron/base/error.hpp"

namespace andiron::nn {

namespace {

constexpr int64_t kBlock = 1 << 16;  // elements that are made double at a time

Tensor as_f32(const std::vector<double>& values, const Sizes& sizes) {
  return Tensor::from(values, sizes).cast(DType::f32);
}

}  // namespace

void Moments::begin(const Tensor& piece) {
  row_.assign(piece.sizes().begin() + 1, piece.sizes().end());
  int64_t places = 1, elements = 1;
  for (int64_t axis : kept_) {
    sizes_.push_back(piece.size(axis));
    places *= piece.size(axis);
  }
  for (int64_t size : row_) elements *= size;
  place_.resize(static_cast<size_t>(elements));
  for (int64_t i = 0; i < elements; ++i) {
    int64_t rest = i, place = 0, stride = 1;
    for (int64_t axis = piece.rank() - 1; axis > 0; --axis) {
      const int64_t at = rest % piece.size(axis);
      rest /= piece.size(axis);
      if (!std::binary_search(kept_.begin(), kept_.end(), axis)) continue;
      place += at * stride;
      stride *= piece.size(axis);
    }
    place_[static_cast<size_t>(i)] = place;
  }
  per_row_ = places == 0 ? 0 : static_cast<double>(elements / places);
  mean_.assign(static_cast<size_t>(places), 0.0);
  squares_.assign(static_cast<size_t>(places), 0.0);
}

void Moments::add(const Tensor& piece) {
  if (piece.rank() == 0) fail("[adapt] data need an axis of rows; got a number");
  if (rows_ == 0) begin(piece);
  if (Sizes(piece.sizes().begin() + 1, piece.sizes().end()) != row_)
    fail("[adapt] rows are {} in one piece and {} in another", str(row_),
         str(Sizes(piece.sizes().begin() + 1, piece.sizes().end())));
  const int64_t n = piece.size(0);
  const int64_t each = std::max<int64_t>(1, kBlock / std::max<int64_t>(1, std::ssize(place_)));
  for (int64_t first = 0; first < n; first += each)
    add_rows(piece.rows(first, std::min(n, first + each)).cast(DType::f64).contiguous());
}

void Moments::add_rows(const Tensor& block) {
  const double* x = block.data<double>();
  const int64_t rows = block.size(0), elements = std::ssize(place_);
  const double count = per_row_ * static_cast<double>(rows);
  std::vector<double> mean(mean_.size(), 0.0), squares(mean_.size(), 0.0);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < elements; ++i) {
      const double value = x[r * elements + i];
      if (!std::isfinite(value))
        fail("[adapt] data must be finite; row {} has {}", rows_ + r, value);
      mean[static_cast<size_t>(place_[static_cast<size_t>(i)])] += value;
    }
  for (double& m : mean) m /= count;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < elements; ++i) {
      const auto place = static_cast<size_t>(place_[static_cast<size_t>(i)]);
      const double deviation = x[r * elements + i] - mean[place];
      squares[place] += deviation * deviation;
    }
  const double before = per_row_ * static_cast<double>(rows_), total = before + count;
  for (size_t p = 0; p < mean.size(); ++p) {
    const double apart = mean[p] - mean_[p];
    mean_[p] += apart * count / total;
    squares_[p] += squares[p] + apart * apart * before * count / total;
  }
  rows_ += rows;
}

Tensor Moments::mean() const { return as_f32(mean_, sizes_); }

Tensor Moments::variance() const {
  std::vector<double> values = squares_;
  for (double& v : values) v /= per_row_ * static_cast<double>(rows_);
  return as_f32(values, sizes_);
}

}  // namespace andiron::nn
