#include "andiron/exec/copy_kernels.hpp"

#include <cstring>

#include "andiron/base/error.hpp"
#include "andiron/exec/native/hands.hpp"

namespace andiron::exec {

namespace {

// What is worth a team's and a crew's help.
constexpr int64_t kParallelElements = 1 << 16, kSharedBytes = 1 << 18;
constexpr int64_t kGrain = 64;  // elements of a row that is cut

class RowKernel : public Kernel {
 public:
  RowKernel(Operand src, int64_t dst_row_stride, int threads, int helpers) : src_(std::move(src)) {
    const bool whole = src_.dense() && dst_row_stride == src_.cols();
    rows_ = whole ? 1 : src_.rows();
    cols_ = whole ? src_.count() : src_.cols();
    const auto item = static_cast<int64_t>(size_of(src_.dtype));
    src_step_ = src_.row_stride * item;
    dst_step_ = dst_row_stride * item;
    const int64_t count = src_.count();
    hands_ = Hands(count >= kParallelElements ? threads : 1,
                   count * item >= kSharedBytes ? helpers : 0, rows_ == 1 ? cols_ / kGrain : rows_);
  }

  void run(const KernelCall& call) const override {
    hands_.run([&](int part, int parts) {
      if (rows_ == 1) {
        block(call, {0, 1}, part_of(cols_, part, parts, kGrain));
      } else {
        block(call, part_of(rows_, part, parts), {0, cols_});
      }
    });
  }

 protected:
  virtual void span(void* dst, const void* src, int64_t n) const = 0;
  Operand src_;

 private:
  void block(const KernelCall& call, Range rows, Range cols) const {
    const auto item = static_cast<int64_t>(size_of(src_.dtype));
    for (int64_t r = rows.begin; r < rows.end; ++r)
      span(static_cast<std::byte*>(call.dst[0]) + r * dst_step_ + cols.begin * item,
           static_cast<const std::byte*>(call.src[0]) + r * src_step_ + cols.begin * item,
           cols.end - cols.begin);
  }
  int64_t rows_, cols_, src_step_, dst_step_;
  Hands hands_;
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

std::unique_ptr<Kernel> make_copy(const Operand& src, int64_t dst_row_stride, int threads,
                                  int helpers) {
  return std::make_unique<Copy>(src, dst_row_stride, threads, helpers);
}

std::unique_ptr<Kernel> make_add_into(const Operand& src, int threads, int helpers) {
  return std::make_unique<AddInto>(src, src.cols(), threads, helpers);
}

}  // namespace andiron::exec
