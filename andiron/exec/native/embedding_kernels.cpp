#include "andiron/exec/native/embedding_kernels.hpp"

#include <atomic>
#include <cstring>

#include "andiron/base/philox.hpp"
#include "andiron/exec/native/hands.hpp"
#include "andiron/ops/embedding/column_ids.hpp"
#include "andiron/ops/embedding/embedding_bag.hpp"
#include "andiron/ops/embedding/hash_cross.hpp"
#include "andiron/ops/embedding/ids.hpp"

namespace andiron::exec {

namespace {

using ops::in_range;
using ops::visit_ids;

// Rows that are fetched before they are needed: enough to hide the latency of memory.
constexpr int64_t kAhead = 8;
// A table of this many bytes stays in the cache while a batch reads it.
constexpr int64_t kNearBytes = 256 * 1024;
// Below this many bytes a parallel region, or the crew's help, costs more than it brings.
constexpr int64_t kParallelBytes = 32 * 1024, kSharedBytes = 128 * 1024;

void prefetch_row(const char* row, int64_t n_bytes) {
  for (int64_t b = 0; b < n_bytes; b += 64) __builtin_prefetch(row + b);
}

// Most rows are multiples of 64 bytes: copies of a known size need no call.
void copy_row(char* to, const char* from, int64_t n_bytes) {
  for (; n_bytes >= 64; n_bytes -= 64, to += 64, from += 64) std::memcpy(to, from, 64);
  if (n_bytes > 0) std::memcpy(to, from, static_cast<size_t>(n_bytes));
}

int threads_for(int threads, int64_t n_bytes) { return n_bytes < kParallelBytes ? 1 : threads; }
Hands hands_for(const KernelRequest& request, int64_t n_bytes, int64_t most_parts) {
  return {request, n_bytes >= kParallelBytes, n_bytes >= kSharedBytes, most_parts};
}

class Embedding final : public Kernel {
 public:
  explicit Embedding(const KernelRequest& r)
      : id_type_(r.src[1].dtype),
        n_(r.src[1].count()),
        n_rows_(r.src[0].sizes[0]),
        row_bytes_(r.src[0].sizes[1] * static_cast<int64_t>(size_of(r.src[0].dtype))),
        dst_bytes_(r.dst[0].row_stride * static_cast<int64_t>(size_of(r.src[0].dtype))),
        far_(n_rows_ * row_bytes_ > kNearBytes),
        hands_(hands_for(r, n_ * row_bytes_, n_)) {}

  void run(const KernelCall& call) const override {
    const auto* table = static_cast<const char*>(call.src[0]);
    auto* dst = static_cast<char*>(call.dst[0]);
    visit_ids(id_type_, call.src[1], [&](const auto* ids) {
      std::atomic<int64_t> bad = INT64_MAX;
      hands_.run([&](int part, int parts) {
        const Range range = part_of(n_, part, parts);
        for (int64_t i = range.begin; i < range.end; ++i) {
          if (far_ && i + kAhead < range.end && in_range(ids[i + kAhead], n_rows_))
            prefetch_row(table + ids[i + kAhead] * row_bytes_, row_bytes_);
          if (!in_range(ids[i], n_rows_)) {
            lower(bad, i);
            return;
          }
          copy_row(dst + i * dst_bytes_, table + ids[i] * row_bytes_, row_bytes_);
        }
      });
      if (bad < INT64_MAX)
        ops::fail_id("embedding", ids[bad.load()], call.first_row + bad.load(), n_rows_);
    });
  }
  std::string_view name() const override { return "gather rows"; }

 private:
  DType id_type_;
  int64_t n_, n_rows_, row_bytes_, dst_bytes_;
  bool far_;  // the table does not stay in the cache
  Hands hands_;
};

// What the ops of bags have in common: ids [n, k], optional weights, the scales they give.
class BagKernel : public Kernel {
 public:
  explicit BagKernel(const KernelRequest& r)
      : id_type_(r.src[1].dtype),
        n_(r.src[1].sizes[0]),
        k_(r.src[1].sizes[1]),
        width_(r.src[0].sizes[1]),
        weighted_(r.src.size() > 2),
        mean_(r.node.attr<std::string>("combiner") == "mean"),
        hands_(hands_for(r, n_ * k_ * width_ * 4, n_)) {}

  size_t scratch_bytes() const override { return stride() * static_cast<size_t>(hands_.parts()); }

 protected:
  // Calls f(i, ids of bag i, their scales) for all bags; until it returns false, in each share.
  template <class Id, class F>
  void each_bag(const KernelCall& call, const Id* ids, F&& f) const {
    const auto* weights = weighted_ ? static_cast<const float*>(call.src[2]) : nullptr;
    hands_.run([&](int part, int parts) {
      auto* scales = reinterpret_cast<float*>(call.scratch + stride() * static_cast<size_t>(part));
      float* ones = scales + k_;
      for (int64_t j = 0; j < k_; ++j) ones[j] = 1.0F;
      const Range range = part_of(n_, part, parts);
      for (int64_t i = range.begin; i < range.end; ++i) {
        const Id* bag = ids + i * k_;
        ops::bag_scales(bag, weights ? weights + i * k_ : ones, k_, mean_, scales);
        if (!f(i, bag, scales)) return;
      }
    });
  }

  DType id_type_;
  int64_t n_, k_, width_;

 private:
  size_t stride() const { return (static_cast<size_t>(2 * k_) * 4 + 63) / 64 * 64; }

  bool weighted_;  // may still be null
  bool mean_;
  Hands hands_;
};

class EmbeddingBag final : public BagKernel {
 public:
  explicit EmbeddingBag(const KernelRequest& r)
      : BagKernel(r), n_rows_(r.src[0].sizes[0]), dst_stride_(r.dst[0].row_stride) {}

  void run(const KernelCall& call) const override {
    const auto* table = static_cast<const float*>(call.src[0]);
    visit_ids(id_type_, call.src[1], [&](const auto* ids) {
      std::atomic<int64_t> bad = INT64_MAX;
      each_bag(call, ids, [&](int64_t i, const auto* bag, const float* scales) {
        const int64_t wrong = ops::first_bad_id(bag, k_, n_rows_, true);
        if (wrong >= 0) {
          lower(bad, i * k_ + wrong);
          return false;
        }
        sum_bag(table, bag, scales, static_cast<float*>(call.dst[0]) + i * dst_stride_);
        return true;
      });
      if (bad < INT64_MAX)
        ops::fail_id("embedding_bag", ids[bad.load()], call.first_row * k_ + bad.load(), n_rows_);
    });
  }
  std::string_view name() const override { return "bag of rows"; }

 private:
  template <class Id>
  void sum_bag(const float* table, const Id* bag, const float* scales, float* dst) const {
    for (int64_t d = 0; d < width_; ++d) dst[d] = 0.0F;
    for (int64_t j = 0; j < k_; ++j) {
      if (bag[j] < 0) continue;
      const float* row = table + bag[j] * width_;
      const float scale = scales[j];
      for (int64_t d = 0; d < width_; ++d) dst[d] += scale * row[d];
    }
  }

  int64_t n_rows_, dst_stride_;
};

class EmbeddingBagGradValues final : public BagKernel {
 public:
  explicit EmbeddingBagGradValues(const KernelRequest& r) : BagKernel(r) {}

  void run(const KernelCall& call) const override {
    const auto* grad = static_cast<const float*>(call.src[0]);
    auto* dst = static_cast<float*>(call.dst[0]);
    visit_ids(id_type_, call.src[1], [&](const auto* ids) {
      each_bag(call, ids, [&](int64_t i, const auto*, const float* scales) {
        const float* from = grad + i * width_;
        float* to = dst + i * k_ * width_;
        for (int64_t j = 0; j < k_; ++j, to += width_)
          for (int64_t d = 0; d < width_; ++d) to[d] = scales[j] * from[d];
        return true;
      });
    });
  }
  std::string_view name() const override { return "rows of a bag"; }
};

class EmbeddingGradDense final : public Kernel {
 public:
  explicit EmbeddingGradDense(const KernelRequest& r)
      : id_type_(r.src[0].dtype),
        n_(r.src[0].count()),
        n_rows_(r.dst[0].sizes[0]),
        width_(r.dst[0].sizes[1]),
        src_stride_(r.src[1].row_stride),
        add_(r.adds_to(0)),
        threads_(threads_for(r.threads, n_ * width_ * 4)) {}

  // Each thread owns elements of the result, so that sums keep the order of the batch: columns of
  // wide tables, rows of narrow ones.
  void run(const KernelCall& call) const override {
    const auto* values = static_cast<const float*>(call.src[1]);
    auto* dst = static_cast<float*>(call.dst[0]);
    visit_ids(id_type_, call.src[0], [&](const auto* ids) {
      const int64_t bad = ops::first_bad_id(ids, n_, n_rows_, true);
      if (bad >= 0) ops::fail_id("embedding_grad_dense", ids[bad], call.first_row + bad, n_rows_);
      const bool by_columns = width_ >= 32;
      parallel(threads_, [&](int part, int parts) {
        const Range columns = by_columns ? part_of(width_, part, parts, 16) : Range{0, width_};
        const Range rows = by_columns ? Range{0, n_rows_} : part_of(n_rows_, part, parts);
        if (!add_)
          for (int64_t r = rows.begin; r < rows.end; ++r)
            std::memset(dst + r * width_ + columns.begin, 0,
                        static_cast<size_t>(columns.end - columns.begin) * 4);
        for (int64_t i = 0; i < n_; ++i) {
          const auto row = static_cast<int64_t>(ids[i]);
          if (row < rows.begin || row >= rows.end) continue;
          float* to = dst + row * width_;
          const float* from = values + i * src_stride_;
          for (int64_t d = columns.begin; d < columns.end; ++d) to[d] += from[d];
        }
      });
    });
  }
  std::string_view name() const override { return "scatter-add rows"; }

 private:
  DType id_type_;
  int64_t n_, n_rows_, width_, src_stride_;
  bool add_;
  int threads_;
};

class SumSegments final : public Kernel {
 public:
  explicit SumSegments(const KernelRequest& r)
      : n_(r.dst[0].sizes[0]),
        width_(r.dst[0].sizes[1]),
        src_stride_(r.src[3].row_stride),
        zero_rest_(r.node.attr<bool>("zero_rest")),
        threads_(threads_for(r.threads, n_ * width_ * 4)) {}

  void run(const KernelCall& call) const override {
    const auto* order = static_cast<const int32_t*>(call.src[0]);
    const auto* starts = static_cast<const int32_t*>(call.src[1]);
    const int64_t count = static_cast<const int32_t*>(call.src[2])[0];
    const auto* values = static_cast<const float*>(call.src[3]);
    auto* dst = static_cast<float*>(call.dst[0]);
    parallel_chunks(threads_, count, 64, [&](int64_t begin, int64_t end) {
      const int32_t last = starts[end];
      int32_t i = starts[begin];
      for (int64_t j = begin; j < end; ++j) {
        float* to = dst + j * width_;
        for (int64_t d = 0; d < width_; ++d) to[d] = 0.0F;
        for (; i < starts[j + 1]; ++i) {
          if (i + kAhead < last)
            prefetch_row(reinterpret_cast<const char*>(values + order[i + kAhead] * src_stride_),
                         width_ * 4);
          const float* from = values + order[i] * src_stride_;
          for (int64_t d = 0; d < width_; ++d) to[d] += from[d];
        }
      }
    });
    if (zero_rest_)
      parallel_chunks(threads_, n_ - count, 1024, [&](int64_t begin, int64_t end) {
        std::memset(dst + (count + begin) * width_, 0,
                    static_cast<size_t>((end - begin) * width_) * 4);
      });
  }
  std::string_view name() const override { return "sum segments"; }

 private:
  int64_t n_, width_, src_stride_;
  bool zero_rest_;
  int threads_;
};

// The places of ids whose row occurs are written through the sorted order, so each once.
class OccurringPlaces final : public Kernel {
 public:
  explicit OccurringPlaces(const KernelRequest& r)
      : id_type_(r.src[0].dtype),
        n_(r.src[0].count()),
        n_rows_(r.node.attr<int64_t>("n_rows")),
        threads_(threads_for(r.threads, n_ * 8)) {}

  void run(const KernelCall& call) const override {
    const auto* order = static_cast<const int32_t*>(call.src[1]);
    const auto* starts = static_cast<const int32_t*>(call.src[2]);
    const int32_t count = static_cast<const int32_t*>(call.src[3])[0];
    auto* dst = static_cast<int32_t*>(call.dst[0]);
    if (starts[count] < n_)  // dedup has left some out: they are negative
      visit_ids(id_type_, call.src[0], [&](const auto* ids) {
        const int64_t bad = ops::first_bad_id(ids, n_, n_rows_, false);
        ops::fail_id("embedding", ids[bad], bad, n_rows_);
      });
    parallel_chunks(threads_, count, 1024, [&](int64_t begin, int64_t end) {
      for (int64_t j = begin; j < end; ++j)
        for (int32_t i = starts[j]; i < starts[j + 1]; ++i) dst[order[i]] = static_cast<int32_t>(j);
    });
  }
  std::string_view name() const override { return "places of rows"; }

 private:
  DType id_type_;
  int64_t n_, n_rows_;
  int threads_;
};

class OccurringRows final : public Kernel {
 public:
  explicit OccurringRows(const KernelRequest& r)
      : row_bytes_(r.src[0].sizes[1] * static_cast<int64_t>(size_of(r.src[0].dtype))),
        threads_(threads_for(r.threads, r.dst[0].count() * 4)) {}

  void run(const KernelCall& call) const override {
    const auto* table = static_cast<const char*>(call.src[0]);
    const auto* rows = static_cast<const int32_t*>(call.src[1]);
    const int64_t count = static_cast<const int32_t*>(call.src[2])[0];
    auto* dst = static_cast<char*>(call.dst[0]);
    parallel_chunks(threads_, count, 256, [&](int64_t begin, int64_t end) {
      for (int64_t j = begin; j < end; ++j) {
        if (j + kAhead < end) prefetch_row(table + rows[j + kAhead] * row_bytes_, row_bytes_);
        copy_row(dst + j * row_bytes_, table + rows[j] * row_bytes_, row_bytes_);
      }
    });
  }
  std::string_view name() const override { return "gather rows"; }

 private:
  int64_t row_bytes_;
  int threads_;
};

class ColumnIds final : public Kernel {
 public:
  explicit ColumnIds(const KernelRequest& r)
      : id_type_(r.src[0].dtype),
        sizes_(r.node.attr<std::vector<int64_t>>("sizes")),
        offsets_(ops::column_offsets(sizes_)),
        n_(r.src[0].sizes[0]),
        threads_(threads_for(r.threads, r.src[0].count() * 4)) {}

  void run(const KernelCall& call) const override {
    visit_ids(id_type_, call.src[0], [&]<class Id>(const Id* ids) {
      std::atomic<int64_t> bad = INT64_MAX;
      parallel(threads_, [&](int part, int parts) {
        const Range range = part_of(n_, part, parts);
        const int64_t wrong = ops::column_ids(ids, sizes_, offsets_, range.begin, range.end,
                                              static_cast<Id*>(call.dst[0]));
        if (wrong >= 0) lower(bad, wrong);
      });
      const auto k = static_cast<int64_t>(sizes_.size());
      if (bad < INT64_MAX)
        ops::fail_id("column_ids", static_cast<int64_t>(ids[bad.load()]),
                     call.first_row * k + bad.load(), sizes_[static_cast<size_t>(bad.load() % k)]);
    });
  }
  std::string_view name() const override { return "offsets"; }

 private:
  DType id_type_;
  std::vector<int64_t> sizes_, offsets_;
  int64_t n_;
  int threads_;
};

class HashCross final : public Kernel {
 public:
  explicit HashCross(const KernelRequest& r)
      : n_(r.dst[0].count()),
        buckets_(r.node.attr<int64_t>("buckets")),
        seed_(static_cast<uint64_t>(r.node.attr<int64_t>("seed"))),
        threads_(threads_for(r.threads, n_ * 8)) {
    for (const Operand& o : r.src) types_.push_back(o.dtype);
  }

  void run(const KernelCall& call) const override {
    auto* dst = static_cast<int32_t*>(call.dst[0]);
    parallel(threads_, [&](int part, int parts) {
      const Range range = part_of(n_, part, parts);
      for (int64_t i = range.begin; i < range.end; ++i) {
        uint64_t hash = seed_;
        for (size_t c = 0; c < types_.size(); ++c)
          visit_ids(types_[c], call.src[c], [&](const auto* x) {
            hash = mix_key(hash, static_cast<uint64_t>(static_cast<int64_t>(x[i])));
          });
        dst[i] = ops::bucket_of(hash, buckets_);
      }
    });
  }
  std::string_view name() const override { return "hash"; }

 private:
  std::vector<DType> types_;
  int64_t n_, buckets_;
  uint64_t seed_;
  int threads_;
};

// Rows that do not lie apart; a vector is one row.
bool packed(const Operand& o) { return o.dense() || o.rows() <= 1; }

template <class K>
std::unique_ptr<Kernel> for_f32(const KernelRequest& request, size_t input) {
  if (request.src[input].dtype != DType::f32) return nullptr;
  return std::make_unique<K>(request);
}

}  // namespace

std::unique_ptr<Kernel> make_embedding(const KernelRequest& r) {
  return packed(r.src[0]) && packed(r.src[1]) ? std::make_unique<Embedding>(r) : nullptr;
}
std::unique_ptr<Kernel> make_embedding_bag(const KernelRequest& r) {
  return for_f32<EmbeddingBag>(r, 0);
}
std::unique_ptr<Kernel> make_embedding_grad_dense(const KernelRequest& r) {
  return packed(r.src[0]) && packed(r.dst[0]) ? for_f32<EmbeddingGradDense>(r, 1) : nullptr;
}
std::unique_ptr<Kernel> make_sum_segments(const KernelRequest& r) {
  for (size_t i = 0; i < 3; ++i)
    if (!packed(r.src[i])) return nullptr;
  return for_f32<SumSegments>(r, 3);
}
std::unique_ptr<Kernel> make_occurring_places(const KernelRequest& r) {
  return std::make_unique<OccurringPlaces>(r);
}
std::unique_ptr<Kernel> make_occurring_rows(const KernelRequest& r) {
  return packed(r.src[0]) ? std::make_unique<OccurringRows>(r) : nullptr;
}
std::unique_ptr<Kernel> make_embedding_bag_grad_values(const KernelRequest& r) {
  return for_f32<EmbeddingBagGradValues>(r, 0);
}
std::unique_ptr<Kernel> make_column_ids(const KernelRequest& r) {
  return std::make_unique<ColumnIds>(r);
}
std::unique_ptr<Kernel> make_hash_cross(const KernelRequest& r) {
  return std::make_unique<HashCross>(r);
}

}  // namespace andiron::exec
