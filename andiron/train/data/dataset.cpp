#include "andiron/train/data/dataset.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "andiron/base/error.hpp"

namespace andiron::train {

namespace {

constexpr int64_t kPiece = 4096;  // samples between two looks at `stop`

Sizes with_rows(int64_t n, const Sizes& row) {
  Sizes sizes = {n};
  sizes.insert(sizes.end(), row.begin(), row.end());
  return sizes;
}

}  // namespace

BatchBuffer::BatchBuffer(const std::vector<Field>& fields, int64_t capacity, int64_t short_rows)
    : capacity_(capacity), rows_(capacity) {
  auto add = [](View& view, Field::Role role, const Tensor& t) {
    view.tensors.push_back(t);
    (role == Field::Role::input   ? view.batch.x
     : role == Field::Role::label ? view.batch.y
                                  : view.batch.sample_weight)
        .push_back(t);
  };
  for (const Field& f : fields) {
    const Tensor t(f.dtype, with_rows(capacity, f.row));
    add(full_, f.role, t);
    add(short_, f.role, t.rows(0, short_rows));
  }
}

void BatchBuffer::set_rows(int64_t rows) {
  ANDIRON_ASSERT(0 < rows && rows <= capacity_);
  rows_ = rows;
  if (rows == capacity_ || short_.tensors.empty() || rows == short_.tensors[0].size(0)) return;
  const auto cut = [rows](const std::vector<Tensor>& full, std::vector<Tensor>& out) {
    for (size_t i = 0; i < full.size(); ++i) out[i] = full[i].rows(0, rows);
  };
  cut(full_.tensors, short_.tensors);
  cut(full_.batch.x, short_.batch.x);
  cut(full_.batch.y, short_.batch.y);
  cut(full_.batch.sample_weight, short_.batch.sample_weight);
}

void Dataset::set_samples(std::vector<Field> fields, int64_t n_samples) {
  if (options_.batch_size < 1)
    fail("[{}] batch_size must be at least 1; got {}", name_, options_.batch_size);
  if (n_samples < 1) fail("[{}] there are no samples", name_);
  fields_ = std::move(fields);
  n_samples_ = n_samples;
  options_.batch_size = std::min(options_.batch_size, n_samples);
  n_batches_ = n_samples / options_.batch_size;
  if (!options_.drop_last && n_samples % options_.batch_size != 0) ++n_batches_;
}

int64_t Dataset::rows_of(int64_t index) const {
  return std::min(options_.batch_size, n_samples_ - index * options_.batch_size);
}

BatchBuffer Dataset::make_buffer() const {
  return BatchBuffer(fields_, options_.batch_size, rows_of(n_batches_ - 1));
}

void Dataset::choose(int64_t epoch, int64_t first, std::span<int64_t> samples) {
  std::iota(samples.begin(), samples.end(), first);
  if (!options_.shuffle) return;
  if (order_epoch_ != epoch) {
    order_ = Permutation(n_samples_, mix_key(options_.seed, static_cast<uint64_t>(epoch)));
    order_epoch_ = epoch;
  }
  for (int64_t& s : samples) s = order_[s];
}

bool Dataset::cheap_to_fill() const {
  constexpr int64_t kCheapBytes = 4 << 20;
  int64_t row_bytes = 0;
  for (const Field& f : fields_)
    row_bytes += count_of(f.row) * static_cast<int64_t>(size_of(f.dtype));
  return row_bytes * options_.batch_size <= kCheapBytes;
}

bool Dataset::fill(int64_t epoch, int64_t index, BatchBuffer& out, const std::atomic<bool>* stop) {
  ANDIRON_ASSERT(0 <= index && index < n_batches_);
  const int64_t first = index * options_.batch_size, n = rows_of(index);
  out.epoch = epoch;
  out.index = index;
  out.set_rows(n);
  return read(epoch, first, n, out, 0, stop);
}

bool Dataset::read(int64_t epoch, int64_t first, int64_t n, BatchBuffer& out, int64_t at,
                   const std::atomic<bool>* stop) {
  // No more than is needed: there may be thousands of shards.
  const auto piece = static_cast<size_t>(std::min(kPiece, n));
  if (samples_.size() < piece) samples_.resize(piece);
  for (int64_t done = 0; done < n; done += kPiece) {
    if (stop != nullptr && stop->load(std::memory_order_relaxed)) return false;
    const std::span<int64_t> samples(samples_.data(),
                                     static_cast<size_t>(std::min(kPiece, n - done)));
    choose(epoch, first + done, samples);
    gather(samples, epoch, out, at + done);
  }
  return true;
}

namespace {

template <class T>
void copy_elements(const Tensor& src, std::span<const int64_t> rows, const Tensor& dst,
                   int64_t at) {
  const T* from = static_cast<const T*>(src.raw());
  T* to = static_cast<T*>(dst.raw()) + at;
  const int64_t stride = src.strides()[0];
  for (size_t i = 0; i < rows.size(); ++i) to[i] = from[rows[i] * stride];
}

// Writes a strided row densely; returns the end of what was written.
std::byte* copy_strided(const std::byte* src, const Tensor& like, size_t axis, size_t n_bytes,
                        std::byte* dst) {
  if (axis == like.sizes().size()) {
    std::memcpy(dst, src, n_bytes);
    return dst + n_bytes;
  }
  for (int64_t i = 0; i < like.sizes()[axis]; ++i)
    dst = copy_strided(src + i * like.strides()[axis] * static_cast<int64_t>(n_bytes), like,
                       axis + 1, n_bytes, dst);
  return dst;
}

bool dense_rows(const Tensor& t) {
  int64_t step = 1;
  for (size_t axis = t.sizes().size(); axis-- > 1;) {
    if (t.sizes()[axis] != 1 && t.strides()[axis] != step) return false;
    step *= t.sizes()[axis];
  }
  return true;
}

}  // namespace

void copy_rows(const Tensor& src, std::span<const int64_t> rows, const Tensor& dst, int64_t at) {
  const auto element = static_cast<int64_t>(size_of(src.dtype()));
  int64_t row_bytes = element;
  for (size_t axis = 1; axis < src.sizes().size(); ++axis) row_bytes *= src.sizes()[axis];
  if (row_bytes == 0) return;
  if (row_bytes == element) {
    switch (element) {
      case 1:
        return copy_elements<uint8_t>(src, rows, dst, at);
      case 2:
        return copy_elements<uint16_t>(src, rows, dst, at);
      case 4:
        return copy_elements<uint32_t>(src, rows, dst, at);
      default:
        return copy_elements<uint64_t>(src, rows, dst, at);
    }
  }
  const auto* from = static_cast<const std::byte*>(src.raw());
  auto* to = static_cast<std::byte*>(dst.raw()) + at * row_bytes;
  const int64_t stride = src.strides()[0] * element;
  const bool dense = dense_rows(src);
  for (int64_t row : rows) {
    if (dense) {
      std::memcpy(to, from + row * stride, static_cast<size_t>(row_bytes));
    } else {
      copy_strided(from + row * stride, src, 1, static_cast<size_t>(element), to);
    }
    to += row_bytes;
  }
}

}  // namespace andiron::train
