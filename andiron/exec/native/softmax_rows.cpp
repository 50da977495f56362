#include "andiron/exec/native/softmax_rows.hpp"

#include <algorithm>

#include "andiron/base/error.hpp"
#include "andiron/exec/native/along_axis.hpp"
#include "andiron/exec/native/hands.hpp"
#include "andiron/exec/native/softmax_rows_table.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kSharedElements = 16384;

/// Calls `rows(call, range)` for all rows; they are independent, so any split gives the same bits.
template <class Rows>
class RowKernel final : public Kernel {
 public:
  RowKernel(const KernelRequest& request, Rows rows)
      : n_(request.src[0].rows()),
        hands_(request, request.src[0].count() >= kSharedElements, n_),
        rows_(rows) {}

  void run(const KernelCall& call) const override {
    rows_.check(call);
    hands_.run([&](int part, int parts) { rows_(call, part_of(n_, part, parts)); });
  }
  std::string_view name() const override { return "softmax rows"; }

 private:
  int64_t n_;
  Hands hands_;
  Rows rows_;
};

template <class Rows>
std::unique_ptr<Kernel> make_rows(const KernelRequest& request, Rows rows) {
  return std::make_unique<RowKernel<Rows>>(request, rows);
}

const float* row_of(const KernelCall& call, size_t src, int64_t r, int64_t cols) {
  return static_cast<const float*>(call.src[src]) + r * cols;
}
float* result(const KernelCall& call) { return static_cast<float*>(call.dst[0]); }

/// A function of the table that makes `width` numbers of each row.
struct OfRows {
  void (*f)(const float*, float*, int64_t, int64_t);
  int64_t cols, width;
  void check(const KernelCall&) const {}
  void operator()(const KernelCall& call, const Range& r) const {
    f(row_of(call, 0, r.begin, cols), result(call) + r.begin * width, r.end - r.begin, cols);
  }
};

// Labels are checked before any thread starts: an exception must not leave a parallel region.
struct Labels {
  static constexpr int64_t kRun = 256;

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
  // f(first row, labels of the rows from there on, how many) for runs of rows.
  template <class F>
  void each_run(const void* labels, const Range& range, F f) const {
    int64_t run[kRun];
    for (int64_t first = range.begin; first < range.end; first += kRun) {
      const int64_t n = std::min(kRun, range.end - first);
      for (int64_t i = 0; i < n; ++i) run[i] = at(labels, first + i);
      f(first, run, n);
    }
  }
};

struct CrossEntropy {
  Labels labels;
  void check(const KernelCall& call) const { labels.check(call.src[1]); }
  void operator()(const KernelCall& call, const Range& range) const {
    const int64_t n = labels.classes;
    labels.each_run(call.src[1], range, [&](int64_t r, const int64_t* some, int64_t rows) {
      softmax_table().cross_entropy(row_of(call, 0, r, n), some, result(call) + r, rows, n);
    });
  }
};

struct CrossEntropyGrad {
  Labels labels;
  void check(const KernelCall& call) const { labels.check(call.src[1]); }
  void operator()(const KernelCall& call, const Range& range) const {
    const int64_t n = labels.classes;
    labels.each_run(call.src[1], range, [&](int64_t r, const int64_t* some, int64_t rows) {
      softmax_table().cross_entropy_grad(row_of(call, 0, r, n), some, row_of(call, 2, r, 1),
                                         result(call) + r * n, rows, n);
    });
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
  ColumnKernel(const KernelRequest& request, const AxisView& v, int64_t n_dst, Columns f)
      : v_(v),
        n_dst_(n_dst),
        f_(f),
        strips_((v.inner + SoftmaxTable::kColumns - 1) / SoftmaxTable::kColumns),
        hands_(request, v.outer * v.n * v.inner >= kSharedElements, v.outer * strips_) {}
  void run(const KernelCall& call) const override {
    hands_.run([&](int part, int parts) {
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
  Hands hands_;
};

std::unique_ptr<Kernel> make_columns(const KernelRequest& request, ColumnKernel::Columns f) {
  const Operand& x = request.src[0];
  if (x.dtype != DType::f32 || x.count() == 0) return nullptr;
  const AxisView v = along_axis(x.sizes, request.node.attr<int64_t>("axis"));
  return std::make_unique<ColumnKernel>(request, v, v.n, f);
}

}  // namespace

std::unique_ptr<Kernel> make_softmax(const KernelRequest& request) {
  if (!floats_along(request, request.node.attr<int64_t>("axis")))
    return make_columns(request, softmax_table().softmax_columns);
  const int64_t cols = request.src[0].cols();
  return make_rows(request, OfRows{softmax_table().softmax, cols, cols});
}

std::unique_ptr<Kernel> make_log_softmax(const KernelRequest& request) {
  if (!floats_along(request, request.node.attr<int64_t>("axis")))
    return make_columns(request, softmax_table().log_softmax_columns);
  const int64_t cols = request.src[0].cols();
  return make_rows(request, OfRows{softmax_table().log_softmax, cols, cols});
}

std::unique_ptr<Kernel> make_logsumexp(const KernelRequest& request) {
  const auto& axes = request.node.attr<std::vector<int64_t>>("axes");
  const Operand& x = request.src[0];
  if (axes.size() != 1 || x.cols() == 0) return nullptr;
  if (x.dtype == DType::f32 && x.count() > 0 && !floats_along(request, axes[0]))
    return std::make_unique<ColumnKernel>(request, along_axis(x.sizes, axes[0]), 1,
                                          softmax_table().logsumexp_columns);
  if (!floats_along(request, axes[0])) return nullptr;
  return make_rows(request, OfRows{softmax_table().logsumexp, x.cols(), 1});
}

std::unique_ptr<Kernel> make_sparse_softmax_cross_entropy(const KernelRequest& request) {
  if (!floats_along(request, -1)) return nullptr;
  const Operand& x = request.src[0];
  return make_rows(request, CrossEntropy{{request.src[1].dtype, x.rows(), x.cols()}});
}

std::unique_ptr<Kernel> make_sparse_softmax_cross_entropy_grad(const KernelRequest& request) {
  if (!floats_along(request, -1)) return nullptr;
  const Operand& x = request.src[0];
  return make_rows(request, CrossEntropyGrad{{request.src[1].dtype, x.rows(), x.cols()}});
}

}  // namespace andiron::exec
