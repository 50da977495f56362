#include "andiron/exec/native/softmax_rows.hpp"

#include <algorithm>

#include "andiron/base/error.hpp"
#include "andiron/exec/native/along_axis.hpp"
#include "andiron/exec/native/parallel.hpp"
#include "andiron/exec/native/softmax_rows_table.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kParallelElements = 16384;

/// Calls `row(call, r)` for every row; rows are independent, so any split gives the same bits.
template <class Row>
class RowKernel final : public Kernel {
 public:
  RowKernel(int64_t rows, int64_t cols, int threads, std::string_view name, Row row)
      : rows_(rows),
        threads_(rows * cols < kParallelElements ? 1 : threads),
        name_(name),
        row_(std::move(row)) {}

  void run(const KernelCall& call) const override {
    row_.check(call);
    if (threads_ == 1) {
      for (int64_t r = 0; r < rows_; ++r) row_(call, r);
      return;
    }
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (int64_t r = 0; r < rows_; ++r) row_(call, r);
  }
  std::string_view name() const override { return name_; }

 private:
  int64_t rows_;
  int threads_;
  std::string_view name_;
  Row row_;
};

template <class Row>
std::unique_ptr<Kernel> make_rows(const KernelRequest& request, std::string_view name, Row row) {
  const Operand& x = request.src[0];
  return std::make_unique<RowKernel<Row>>(x.rows(), x.cols(), request.threads, name,
                                          std::move(row));
}

const float* row_of(const KernelCall& call, size_t src, int64_t r, int64_t cols) {
  return static_cast<const float*>(call.src[src]) + r * cols;
}
float* result(const KernelCall& call) { return static_cast<float*>(call.dst[0]); }

struct RowToRow {
  void (*f)(const float*, float*, int64_t);
  int64_t cols;
  void check(const KernelCall&) const {}
  void operator()(const KernelCall& call, int64_t r) const {
    f(row_of(call, 0, r, cols), result(call) + r * cols, cols);
  }
};

struct Logsumexp {
  int64_t cols;
  void check(const KernelCall&) const {}
  void operator()(const KernelCall& call, int64_t r) const {
    result(call)[r] = softmax_table().logsumexp(row_of(call, 0, r, cols), cols);
  }
};

// Labels are checked before any thread starts: an exception must not leave a parallel region.
struct Labels {
  DType dtype;
  int64_t rows, classes;
  int64_t at(const void* labels, int64_t r) const {
    return dtype == DType::i32 ? static_cast<const int32_t*>(labels)[r]
                               : static_cast<const int64_t*>(labels)[r];
  }
  void check(const void* labels) const {
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t label = at(labels, r);
      if (label < 0 || label >= classes)
        fail("[sparse_softmax_cross_entropy] label {} of sample {} is out of range for {} classes",
             label, r, classes);
    }
  }
};

struct CrossEntropy {
  Labels labels;
  void check(const KernelCall& call) const { labels.check(call.src[1]); }
  void operator()(const KernelCall& call, int64_t r) const {
    result(call)[r] = softmax_table().cross_entropy(row_of(call, 0, r, labels.classes),
                                                    labels.classes, labels.at(call.src[1], r));
  }
};

struct CrossEntropyGrad {
  Labels labels;
  void check(const KernelCall& call) const { labels.check(call.src[1]); }
  void operator()(const KernelCall& call, int64_t r) const {
    softmax_table().cross_entropy_grad(row_of(call, 0, r, labels.classes), labels.classes,
                                       labels.at(call.src[1], r), *row_of(call, 2, r, 1),
                                       result(call) + r * labels.classes);
  }
};

bool floats_along(const KernelRequest& request, int64_t axis) {
  const Operand& x = request.src[0];
  const auto rank = static_cast<int64_t>(x.sizes.size());
  return x.dtype == DType::f32 && rank > 0 &&
         normalize_axis(request.node.op->name, axis, rank) == rank - 1;
}

// Along an axis that is not the last: strips of neighbours.
class ColumnKernel final : public Kernel {
 public:
  using Columns = void (*)(const float*, float*, int64_t, int64_t, int64_t);
  /// n_dst: the size of the axis in the result.
  ColumnKernel(const AxisView& v, int64_t n_dst, int threads, Columns f)
      : v_(v), n_dst_(n_dst), f_(f) {
    strips_ = (v.inner + SoftmaxTable::kColumns - 1) / SoftmaxTable::kColumns;
    threads_ = v.outer * v.n * v.inner < kParallelElements ? 1 : threads;
  }
  void run(const KernelCall& call) const override {
    parallel(threads_, [&](int part, int parts) {
      const Range range = part_of(v_.outer * strips_, part, parts);
      for (int64_t i = range.begin; i < range.end; ++i) {
        const int64_t first = i % strips_ * SoftmaxTable::kColumns;
        const int64_t matrix = i / strips_ * v_.inner;
        f_(static_cast<const float*>(call.src[0]) + matrix * v_.n + first,
           result(call) + matrix * n_dst_ + first, v_.n, v_.inner,
           std::min(SoftmaxTable::kColumns, v_.inner - first));
      }
    });
  }
  std::string_view name() const override { return "softmax columns"; }

 private:
  AxisView v_;
  int64_t n_dst_;
  Columns f_;
  int64_t strips_;
  int threads_;
};

std::unique_ptr<Kernel> make_columns(const KernelRequest& request, ColumnKernel::Columns f) {
  const Operand& x = request.src[0];
  if (x.dtype != DType::f32 || x.count() == 0) return nullptr;
  const AxisView v = along_axis(x.sizes, request.node.attr<int64_t>("axis"));
  return std::make_unique<ColumnKernel>(v, v.n, request.threads, f);
}

}  // namespace

std::unique_ptr<Kernel> make_softmax(const KernelRequest& request) {
  if (!floats_along(request, request.node.attr<int64_t>("axis")))
    return make_columns(request, softmax_table().softmax_columns);
  return make_rows(request, "softmax rows",
                   RowToRow{softmax_table().softmax, request.src[0].cols()});
}

std::unique_ptr<Kernel> make_log_softmax(const KernelRequest& request) {
  if (!floats_along(request, request.node.attr<int64_t>("axis")))
    return make_columns(request, softmax_table().log_softmax_columns);
  return make_rows(request, "softmax rows",
                   RowToRow{softmax_table().log_softmax, request.src[0].cols()});
}

std::unique_ptr<Kernel> make_logsumexp(const KernelRequest& request) {
  const auto& axes = request.node.attr<std::vector<int64_t>>("axes");
  const Operand& x = request.src[0];
  if (axes.size() != 1 || x.cols() == 0) return nullptr;
  if (x.dtype == DType::f32 && x.count() > 0 && !floats_along(request, axes[0]))
    return std::make_unique<ColumnKernel>(along_axis(x.sizes, axes[0]), 1, request.threads,
                                          softmax_table().logsumexp_columns);
  if (!floats_along(request, axes[0])) return nullptr;
  return make_rows(request, "softmax rows", Logsumexp{request.src[0].cols()});
}

std::unique_ptr<Kernel> make_sparse_softmax_cross_entropy(const KernelRequest& request) {
  if (!floats_along(request, -1)) return nullptr;
  const Operand& x = request.src[0];
  return make_rows(request, "softmax rows",
                   CrossEntropy{{request.src[1].dtype, x.rows(), x.cols()}});
}

std::unique_ptr<Kernel> make_sparse_softmax_cross_entropy_grad(const KernelRequest& request) {
  if (!floats_along(request, -1)) return nullptr;
  const Operand& x = request.src[0];
  return make_rows(request, "softmax rows",
                   CrossEntropyGrad{{request.src[1].dtype, x.rows(), x.cols()}});
}

}  // namespace andiron::exec
