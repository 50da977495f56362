#include "andiron/exec/native/middle_fold.hpp"

#include <algorithm>

#include "andiron/exec/native/vector_form.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kStrip = 512;     // columns at a time
constexpr int64_t kFlushRows = 64;  // rows added in float
constexpr int64_t kParallelElements = 32768;

class MiddleFold final : public Kernel {
 public:
  MiddleFold(Fold fold, int64_t outer, int64_t reduced, int64_t inner, int threads)
      : fold_(fold), outer_(outer), reduced_(reduced), inner_(inner) {
    threads_ = outer * reduced * inner < kParallelElements ? 1 : threads;
  }

  void run(const KernelCall& call) const override {
    if (threads_ == 1) {
      for (int64_t o = 0; o < outer_; ++o) matrix(call, o);
      return;
    }
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (int64_t o = 0; o < outer_; ++o) matrix(call, o);
  }
  std::string_view name() const override { return "fold of middle axes"; }

 private:
  // The strips and runs are the same for any number of threads.
  void matrix(const KernelCall& call, int64_t o) const {
    const VectorTable& table = vector_table();
    const auto how = static_cast<size_t>(fold_);
    const float* src = static_cast<const float*>(call.src[0]) + o * reduced_ * inner_;
    float* dst = static_cast<float*>(call.dst[0]) + o * inner_;
    const double none = empty_fold(fold_);
    float acc[kStrip];
    double total[kStrip];
    for (int64_t begin = 0; begin < inner_; begin += kStrip) {
      const int64_t n = std::min(kStrip, inner_ - begin);
      std::fill_n(total, n, none);
      for (int64_t first = 0; first < reduced_; first += kFlushRows) {
        const int64_t last = std::min(reduced_, first + kFlushRows);
        std::fill_n(acc, n, static_cast<float>(none));
        if (n == inner_) {
          table.fold_rows[how](acc, src + first * inner_, last - first, inner_);
        } else {
          for (int64_t i = first; i < last; ++i)
            table.fold_rows[how](acc, src + i * inner_ + begin, 1, n);
        }
        table.fold_into[how](total, acc, n);
      }
      for (int64_t j = 0; j < n; ++j) dst[begin + j] = static_cast<float>(total[j]);
    }
  }

  Fold fold_;
  int64_t outer_, reduced_, inner_;
  int threads_;
};

}  // namespace

std::unique_ptr<Kernel> make_middle_fold(const KernelRequest& request) {
  const auto fold = fold_form(request.node);
  const Operand& x = request.src[0];
  if (!fold || x.dtype != DType::f32) return nullptr;
  const auto rank = static_cast<int64_t>(x.sizes.size());
  const auto axes =
      normalize_axes(request.node.op->name, request.node.attr<std::vector<int64_t>>("axes"), rank);
  if (axes.empty() || axes.back() - axes.front() + 1 != static_cast<int64_t>(axes.size()))
    return nullptr;
  int64_t outer = 1, reduced = 1, inner = 1;
  for (int64_t i = 0; i < rank; ++i)
    (i < axes.front() ? outer : (i > axes.back() ? inner : reduced)) *=
        x.sizes[static_cast<size_t>(i)];
  return std::make_unique<MiddleFold>(*fold, outer, reduced, inner, request.threads);
}

}  // namespace andiron::exec
