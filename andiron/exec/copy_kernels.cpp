#include "andiron/exec/copy_kernels.hpp"

#include <cstring>

#include "andiron/base/error.hpp"

namespace andiron::exec {

namespace {

class RowKernel : public Kernel {
 public:
  RowKernel(Operand src, int threads)
      : src_(std::move(src)), threads_(src_.count() < (1 << 16) ? 1 : threads) {}

  void run(const KernelCall& call) const override {
    const int64_t rows = src_.dense() ? 1 : src_.rows();
    const int64_t cols = src_.dense() ? src_.count() : src_.cols();
    if (threads_ == 1) {
      for (int64_t r = 0; r < rows; ++r) row(call, r, 0, cols, cols);
      return;
    }
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (int part = 0; part < threads_; ++part) {
      const Range range = part_of(rows == 1 ? cols : rows, part, threads_, rows == 1 ? 64 : 1);
      if (rows == 1) {
        row(call, 0, range.begin, range.end, cols);
      } else {
        for (int64_t r = range.begin; r < range.end; ++r) row(call, r, 0, cols, cols);
      }
    }
  }

 protected:
  virtual void span(void* dst, const void* src, int64_t n) const = 0;
  Operand src_;

 private:
  void row(const KernelCall& call, int64_t r, int64_t begin, int64_t end, int64_t cols) const {
    const auto item = static_cast<int64_t>(size_of(src_.dtype));
    span(static_cast<std::byte*>(call.dst[0]) + (r * cols + begin) * item,
         static_cast<const std::byte*>(call.src[0]) + (r * src_.row_stride + begin) * item,
         end - begin);
  }
  int threads_;
};

class Copy final : public RowKernel {
 public:
  using RowKernel::RowKernel;
  std::string_view name() const override { return "copy"; }

 protected:
  void span(void* dst, const void* src, int64_t n) const override {
    if (n > 0) std::memmove(dst, src, static_cast<size_t>(n) * size_of(src_.dtype));
  }
};

class AddInto final : public RowKernel {
 public:
  using RowKernel::RowKernel;
  std::string_view name() const override { return "add into"; }

 protected:
  void span(void* dst, const void* src, int64_t n) const override {
    visit_dtype(src_.dtype, [&]<class T>() {
      T* d = static_cast<T*>(dst);
      const T* s = static_cast<const T*>(src);
      for (int64_t i = 0; i < n; ++i) d[i] = static_cast<T>(d[i] + s[i]);
    });
  }
};

}  // namespace

std::unique_ptr<Kernel> make_copy(const Operand& src, int threads) {
  return std::make_unique<Copy>(src, threads);
}

std::unique_ptr<Kernel> make_add_into(const Operand& src, int threads) {
  return std::make_unique<AddInto>(src, threads);
}

}  // namespace andiron::exec
