#include "andiron/exec/native/category_kernels.hpp"

#include <atomic>
#include <cstring>

#include "andiron/exec/native/parallel.hpp"
#include "andiron/ops/category/category.hpp"
#include "andiron/ops/embedding/ids.hpp"

namespace andiron::exec {

namespace {

using ops::visit_ids;

// Below this many elements a parallel region costs more than it brings.
constexpr int64_t kParallel = 4096;
int threads_for(int threads, int64_t n) { return n < kParallel ? 1 : threads; }

class HashBins final : public Kernel {
 public:
  explicit HashBins(const KernelRequest& r)
      : type_(r.src[0].dtype),
        n_(r.dst[0].count()),
        bins_(r.node.attr<int64_t>("bins")),
        hash_(ops::bin_hash_from(r.node.attr<std::string>("hash"))),
        threads_(threads_for(r.threads, n_)) {
    const auto& salt = r.node.attr<std::vector<int64_t>>("salt");
    salted_ = !salt.empty();
    for (size_t i = 0; i < salt.size(); ++i) key_[i] = static_cast<uint64_t>(salt[i]);
  }

  void run(const KernelCall& call) const override {
    auto* dst = static_cast<int64_t*>(call.dst[0]);
    visit_ids(type_, call.src[0], [&](const auto* x) {
      parallel(threads_, [&](int part, int parts) {
        const Range range = part_of(n_, part, parts);
        for (int64_t i = range.begin; i < range.end; ++i)
          dst[i] = ops::bin_of(static_cast<int64_t>(x[i]), bins_, hash_, salted_ ? &key_ : nullptr);
      });
    });
  }
  std::string_view name() const override { return "hash bins"; }

 private:
  DType type_;
  int64_t n_, bins_;
  ops::BinHash hash_;
  bool salted_ = false;
  SipKey key_ = {};
  int threads_;
};

class CrossBins final : public Kernel {
 public:
  explicit CrossBins(const KernelRequest& r)
      : n_(r.dst[0].count()),
        bins_(static_cast<uint64_t>(r.node.attr<int64_t>("bins"))),
        threads_(threads_for(r.threads, n_)) {
    for (const Operand& o : r.src) types_.push_back(o.dtype);
  }

  void run(const KernelCall& call) const override {
    auto* dst = static_cast<int64_t*>(call.dst[0]);
    parallel(threads_, [&](int part, int parts) {
      const Range range = part_of(n_, part, parts);
      for (int64_t i = range.begin; i < range.end; ++i) {
        uint64_t hash = ops::kCrossKey;
        for (size_t c = 0; c < types_.size(); ++c)
          visit_ids(types_[c], call.src[c], [&](const auto* x) {
            hash = joined_fingerprint(hash, static_cast<uint64_t>(static_cast<int64_t>(x[i])));
          });
        dst[i] = static_cast<int64_t>(hash % bins_);
      }
    });
  }
  std::string_view name() const override { return "cross bins"; }

 private:
  std::vector<DType> types_;
  int64_t n_;
  uint64_t bins_;
  int threads_;
};

class Lookup final : public Kernel {
 public:
  explicit Lookup(const KernelRequest& r)
      : type_(r.src[0].dtype),
        n_(r.dst[0].count()),
        mask_(static_cast<uint64_t>(r.src[1].count() - 1)),
        missing_(r.node.attr<int64_t>("missing")),
        strict_(r.node.attr<bool>("strict")),
        threads_(threads_for(r.threads, n_)) {}

  void run(const KernelCall& call) const override {
    const auto* keys = static_cast<const int64_t*>(call.src[1]);
    const auto* ids = static_cast<const int64_t*>(call.src[2]);
    auto* dst = static_cast<int64_t*>(call.dst[0]);
    std::atomic<int64_t> absent = INT64_MAX;
    visit_ids(type_, call.src[0], [&](const auto* x) {
      parallel(threads_, [&](int part, int parts) {
        const Range range = part_of(n_, part, parts);
        for (int64_t i = range.begin; i < range.end; ++i) {
          const int64_t id = ops::find_id(keys, ids, mask_, static_cast<int64_t>(x[i]));
          dst[i] = id == ops::kNoEntry ? missing_ : id;
          if (id == ops::kNoEntry && strict_) {
            lower(absent, i);
            return;
          }
        }
      });
    });
    if (absent < INT64_MAX) ops::fail_lookup(absent.load());
  }
  std::string_view name() const override { return "hash table"; }

 private:
  DType type_;
  int64_t n_;
  uint64_t mask_;
  int64_t missing_;
  bool strict_;
  int threads_;
};

class Bucketize final : public Kernel {
 public:
  explicit Bucketize(const KernelRequest& r)
      : n_(r.dst[0].count()), k_(r.src[1].count()), threads_(threads_for(r.threads, n_)) {}

  void run(const KernelCall& call) const override {
    const auto* x = static_cast<const float*>(call.src[0]);
    const auto* boundaries = static_cast<const float*>(call.src[1]);
    auto* dst = static_cast<int32_t*>(call.dst[0]);
    parallel(threads_, [&](int part, int parts) {
      const Range range = part_of(n_, part, parts);
      if (k_ <= kFew)
        count(x, boundaries, dst, range);
      else
        for (int64_t i = range.begin; i < range.end; ++i)
          dst[i] = ops::bucket_of(x[i], boundaries, k_);
    });
  }
  std::string_view name() const override { return "bucketize"; }

 private:
  // So many comparisons of eight numbers at once are faster than a search for each number.
  static constexpr int64_t kFew = 48;
  static constexpr int64_t kBlock = 256;

  void count(const float* x, const float* boundaries, int32_t* dst, Range range) const {
    for (int64_t at = range.begin; at < range.end; at += kBlock) {
      const int64_t n = std::min(kBlock, range.end - at);
      std::fill_n(dst + at, n, 0);
      for (int64_t j = 0; j < k_; ++j) {
        const float b = boundaries[j];
        for (int64_t i = 0; i < n; ++i) dst[at + i] += x[at + i] < b ? 0 : 1;  // NaN: above all
      }
    }
  }

  int64_t n_, k_;
  int threads_;
};

class MultiHot final : public Kernel {
 public:
  explicit MultiHot(const KernelRequest& r)
      : type_(r.src[0].dtype),
        k_(r.src[0].cols()),
        depth_(r.dst[0].cols()),
        rows_(r.dst[0].rows()),
        count_(r.node.attr<bool>("count")),
        weighted_(r.node.inputs.size() > 1 && r.node.inputs[1].defined()),
        threads_(threads_for(r.threads, r.dst[0].count())) {}

  void run(const KernelCall& call) const override {
    const auto* weights = weighted_ ? static_cast<const float*>(call.src[1]) : nullptr;
    auto* dst = static_cast<float*>(call.dst[0]);
    visit_ids(type_, call.src[0], [&](const auto* ids) {
      std::atomic<int64_t> bad = INT64_MAX;
      parallel(threads_, [&](int part, int parts) {
        const Range range = part_of(rows_, part, parts);
        for (int64_t row = range.begin; row < range.end; ++row) {
          float* to = dst + row * depth_;
          std::memset(to, 0, static_cast<size_t>(depth_) * sizeof(float));
          for (int64_t i = row * k_; i < (row + 1) * k_; ++i) {
            const auto id = static_cast<int64_t>(ids[i]);
            if (id < 0) continue;
            if (id >= depth_) {
              lower(bad, i);
              return;
            }
            to[id] = !count_ ? 1.0F : to[id] + (weights == nullptr ? 1.0F : weights[i]);
          }
        }
      });
      if (bad < INT64_MAX)
        ops::fail_id("multi_hot", static_cast<int64_t>(ids[bad.load()]),
                     call.first_row * k_ + bad.load(), depth_);
    });
  }
  std::string_view name() const override { return "multi hot"; }

 private:
  DType type_;
  int64_t k_, depth_, rows_;
  bool count_, weighted_;
  int threads_;
};

}  // namespace

std::unique_ptr<Kernel> make_hash_bins(const KernelRequest& r) {
  return std::make_unique<HashBins>(r);
}
std::unique_ptr<Kernel> make_cross_bins(const KernelRequest& r) {
  return std::make_unique<CrossBins>(r);
}
std::unique_ptr<Kernel> make_lookup(const KernelRequest& r) { return std::make_unique<Lookup>(r); }
std::unique_ptr<Kernel> make_bucketize(const KernelRequest& r) {
  if (r.src[0].dtype != DType::f32) return nullptr;
  return std::make_unique<Bucketize>(r);
}
std::unique_ptr<Kernel> make_multi_hot(const KernelRequest& r) {
  if (r.dst[0].dtype != DType::f32) return nullptr;
  return std::make_unique<MultiHot>(r);
}

}  // namespace andiron::exec
