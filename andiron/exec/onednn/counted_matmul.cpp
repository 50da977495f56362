#include "andiron/exec/onednn/counted_matmul.hpp"

#include <omp.h>

#include <algorithm>
#include <cstring>

#include "andiron/exec/native/parallel.hpp"
#include "andiron/ops/matmul/counted_matmul.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::exec {

namespace {

// Rows of one product. The last block of the count is computed as a whole: what it reads beyond
// the count is memory of the operand.
constexpr int64_t kBlock = 256;

Operand matrix(int64_t rows, int64_t cols, int64_t row_stride) {
  return {DType::f32, {rows, cols}, row_stride};
}

// A product of fixed size that several workers run at once.
class Product {
 public:
  Product(const Operand& a, const Operand& b, const Operand& dst, bool transpose_a,
          bool transpose_b, int workers, bool adds) {
    value_ = ops::matmul(input("a", a.dtype, Shape(a.sizes)), input("b", b.dtype, Shape(b.sizes)),
                         transpose_a, transpose_b);
    KernelRequest request{value_.node(), {a, b}, {dst}};
    request.workers = workers;
    request.accumulate = {adds};
    kernel_ = make_kernel(request);
  }
  void run(const float* a, const float* b, float* dst, std::byte* scratch, int worker) const {
    const void* src[] = {a, b};
    void* out[] = {dst};
    kernel_->run({src, out, scratch, 0, worker});
  }
  size_t scratch_bytes() const { return (kernel_->scratch_bytes() + 63) / 64 * 64; }
  std::string_view name() const { return kernel_->name(); }

 private:
  Value value_;  // the kernel may refer to its node
  std::unique_ptr<Kernel> kernel_;
};

int threads_for(const KernelRequest& r) {
  return r.src[0].count() * r.dst[0].cols() < 200'000 ? 1 : r.threads;
}

// a [n, k] b -> [n, m]: blocks of rows are handed out to the threads.
class CountedRows final : public Kernel {
 public:
  explicit CountedRows(const KernelRequest& r)
      : n_(r.dst[0].sizes[0]),
        k_(r.src[0].sizes[1]),
        m_(r.dst[0].sizes[1]),
        zero_rest_(r.node.attr<bool>("zero_rest")),
        threads_(threads_for(r)),
        block_(std::min(n_, kBlock)),
        whole_(product(r, block_)),
        rest_(product(r, n_ % block_ == 0 ? block_ : n_ % block_)) {}

  size_t scratch_bytes() const override { return static_cast<size_t>(threads_) * stride(); }

  void run(const KernelCall& call) const override {
    const auto* a = static_cast<const float*>(call.src[0]);
    const auto* b = static_cast<const float*>(call.src[1]);
    const int64_t count = ops::checked_count(static_cast<const int32_t*>(call.src[2])[0], n_);
    auto* dst = static_cast<float*>(call.dst[0]);
    parallel_chunks(threads_, zero_rest_ ? n_ : count, block_, [&](int64_t begin, int64_t end) {
      for (; begin < end; begin += block_) {
        const int64_t stop = std::min(begin + block_, n_);
        if (begin < count) {
          const int worker = threads_ > 1 ? omp_get_thread_num() : 0;
          (stop - begin == block_ ? whole_ : rest_)
              .run(a + begin * k_, b, dst + begin * m_,
                   call.scratch + static_cast<size_t>(worker) * stride(), worker);
        }
        if (!zero_rest_) continue;
        const int64_t zero = std::clamp(count, begin, stop);
        std::memset(dst + zero * m_, 0, static_cast<size_t>((stop - zero) * m_) * 4);
      }
    });
  }
  std::string_view name() const override { return whole_.name(); }

 private:
  Product product(const KernelRequest& r, int64_t rows) const {
    return Product(matrix(rows, k_, k_), r.src[1], matrix(rows, m_, m_), false,
                   r.node.attr<bool>("transpose_b"), threads_, false);
  }
  size_t stride() const { return std::max(whole_.scratch_bytes(), rest_.scratch_bytes()); }

  int64_t n_, k_, m_;
  bool zero_rest_;
  int threads_;
  int64_t block_;
  Product whole_, rest_;
};

// a [n, k], b [n, m] -> [k, m]: each thread owns some of a's columns and adds block after block, so
// that the order of the sum does not depend on the threads. Rows beyond the count would count, so
// the last block is copied and filled with zeros.
class CountedSum final : public Kernel {
 public:
  explicit CountedSum(const KernelRequest& r)
      : n_(r.src[0].sizes[0]),
        k_(r.src[0].sizes[1]),
        m_(r.src[1].sizes[1]),
        threads_(static_cast<int>(std::min<int64_t>(threads_for(r), (k_ + kGrain - 1) / kGrain))),
        block_(std::min(n_, kBlock)) {
    for (int part = 0; part < threads_; ++part) {
      const Range own = columns(part);
      parts_.emplace_back(matrix(block_, own.end - own.begin, k_), matrix(block_, m_, m_),
                          matrix(own.end - own.begin, m_, m_), true, false, 1, true);
      product_bytes_ = std::max(product_bytes_, parts_.back().scratch_bytes());
    }
  }

  size_t scratch_bytes() const override {
    return 2 * copy_bytes() + static_cast<size_t>(threads_) * product_bytes_;
  }

  void run(const KernelCall& call) const override {
    const auto* a = static_cast<const float*>(call.src[0]);
    const auto* b = static_cast<const float*>(call.src[1]);
    const int64_t count = ops::checked_count(static_cast<const int32_t*>(call.src[2])[0], n_);
    auto* dst = static_cast<float*>(call.dst[0]);
    auto* last_a = reinterpret_cast<float*>(call.scratch);
    auto* last_b = reinterpret_cast<float*>(call.scratch + copy_bytes());
    const int64_t last = count / block_ * block_;
    copy_rest(a, k_, last, count, last_a);
    copy_rest(b, m_, last, count, last_b);
    parallel(threads_, [&](int thread, int n_threads) {
      for (int part = thread; part < threads_; part += n_threads) {
        const Range own = columns(part);
        std::byte* scratch =
            call.scratch + 2 * copy_bytes() + static_cast<size_t>(part) * product_bytes_;
        const Product& product = parts_[static_cast<size_t>(part)];
        float* to = dst + own.begin * m_;
        std::memset(to, 0, static_cast<size_t>((own.end - own.begin) * m_) * 4);
        for (int64_t i = 0; i < last; i += block_)
          product.run(a + i * k_ + own.begin, b + i * m_, to, scratch, 0);
        if (last < count) product.run(last_a + own.begin, last_b, to, scratch, 0);
      }
    });
  }
  std::string_view name() const override { return parts_[0].name(); }

 private:
  static constexpr int64_t kGrain = 16;

  Range columns(int part) const { return part_of(k_, part, threads_, kGrain); }
  size_t copy_bytes() const {
    return (static_cast<size_t>(block_ * std::max(k_, m_)) * 4 + 63) / 64 * 64;
  }
  void copy_rest(const float* from, int64_t width, int64_t last, int64_t count, float* to) const {
    if (last >= count) return;
    const auto used = static_cast<size_t>((count - last) * width);
    std::memcpy(to, from + last * width, used * 4);
    std::memset(to + used, 0, (static_cast<size_t>(block_ * width) - used) * 4);
  }

  int64_t n_, k_, m_;
  int threads_;
  int64_t block_;
  std::vector<Product> parts_;
  size_t product_bytes_ = 0;
};

}  // namespace

std::unique_ptr<Kernel> make_counted_matmul(const KernelRequest& r) {
  if (r.dst[0].dtype != DType::f32 || r.src[0].count() == 0 || r.dst[0].count() == 0)
    return nullptr;
  if (r.node.attr<bool>("transpose_a")) return std::make_unique<CountedSum>(r);
  return std::make_unique<CountedRows>(r);
}

}  // namespace andiron::exec
