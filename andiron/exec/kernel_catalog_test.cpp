// Every fast kernel against the op's reference kernel, on every case of the catalog: each dtype,
// one and two threads, strided rows, accumulation, in place; and eager on strided tensors.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "andiron/base/error.hpp"
#include "andiron/eager/eager.hpp"
#include "andiron/exec/kernel.hpp"
#include "andiron/ops/case_testing.hpp"
#include "andiron/ops/reference.hpp"

namespace andiron::exec {
namespace {

using ops::CatalogCase;

struct Tolerance {
  DType dtype;
  double value;
};
constexpr Tolerance kTolerances[] = {
    {DType::f32, 3e-5}, {DType::f64, 1e-12}, {DType::bf16, 0x1p-6}};

// Memory with guards around it and `gap` elements behind each row; filled with a pattern.
class Block {
 public:
  Block(const TensorType& type, int64_t gap) {
    operand_.dtype = type.dtype;
    operand_.sizes = type.shape.sizes();
    operand_.row_stride = operand_.cols() + gap;
    const auto n_elements = static_cast<size_t>(operand_.rows() * operand_.row_stride);
    buffer_ = Buffer::allocate(n_elements * size_of(type.dtype) + 2 * kGuard);
    std::memset(buffer_->data(), kPattern, buffer_->n_bytes());
  }

  const Operand& operand() const { return operand_; }
  void* memory() const { return buffer_->data() + kGuard; }

  void fill(const Tensor& values) { matrix().copy_from(values.reshape({rows(), cols()})); }
  Tensor values() const { return matrix().clone().reshape(operand_.sizes); }
  // Nothing but the rows themselves was written.
  bool intact() const {
    const size_t element = size_of(operand_.dtype);
    for (size_t i = 0; i < buffer_->n_bytes(); ++i) {
      const bool guard = i < kGuard || i >= buffer_->n_bytes() - kGuard;
      const bool in_gap =
          !guard && static_cast<int64_t>((i - kGuard) / element) % operand_.row_stride >= cols();
      if ((guard || in_gap) && buffer_->data()[i] != std::byte(kPattern)) return false;
    }
    return true;
  }

 private:
  static constexpr size_t kGuard = 64;
  static constexpr int kPattern = 0x01;

  int64_t rows() const { return operand_.rows(); }
  int64_t cols() const { return operand_.cols(); }
  Tensor matrix() const {
    return Tensor(buffer_, operand_.dtype, {rows(), cols()}, {operand_.row_stride, 1}, kGuard);
  }

  Operand operand_;
  std::shared_ptr<Buffer> buffer_;
};

struct Way {
  int threads = 1;
  int64_t src_gap = 0, dst_gap = 0;
  bool accumulate = false;
};

class KernelTest : public testing::TestWithParam<CatalogCase> {
 protected:
  const Op& op() const { return *GetParam().op; }

  // Makes the node; false when the op does not take this dtype.
  bool prepare(DType dtype) {
    inputs_ = ops::case_inputs(GetParam(), dtype);
    try {
      outputs_ = make_node(op(), ops::placeholders(inputs_), GetParam().data().attributes);
    } catch (const Error&) {
      return false;
    }
    expected_ = ops::run_reference(node(), inputs_);
    return true;
  }
  const Node& node() const { return outputs_[0].node(); }

  KernelRequest request(const Way& way) const {
    KernelRequest r{node(), {}, {}, way.threads};
    for (const Tensor& t : inputs_)
      r.src.push_back(Block({t.dtype(), Shape(t.sizes())}, way.src_gap).operand());
    for (const TensorType& type : node().outputs)
      r.dst.push_back(Block(type, way.dst_gap).operand());
    if (way.accumulate) r.accumulate.assign(r.dst.size(), true);
    return r;
  }

  // Whether a fast kernel does it this way; the reference kernel was tested before.
  bool has_fast_kernel(const Way& way) const {
    const KernelSupport support = supports(request({way.threads}));
    if ((way.src_gap > 0 && !support.strided_src) || (way.dst_gap > 0 && !support.strided_dst) ||
        (way.accumulate && !support.accumulates))
      return false;
    return make_kernel(request(way))->name() != "reference";
  }

  void run(const Way& way, double tolerance) const {
    const auto kernel = make_kernel(request(way));
    SCOPED_TRACE(std::string(kernel->name()) + " on " + str(node().outputs[0]));
    std::vector<Block> src, dst;
    std::vector<const void*> src_memory;
    std::vector<void*> dst_memory;
    for (const Tensor& t : inputs_) {
      src.emplace_back(TensorType{t.dtype(), Shape(t.sizes())}, way.src_gap);
      src.back().fill(t);
      src_memory.push_back(src.back().memory());
    }
    for (size_t i = 0; i < expected_.size(); ++i) {
      dst.emplace_back(node().outputs[i], way.dst_gap);
      if (way.accumulate)
        dst.back().fill(Tensor::full(expected_[i].dtype(), expected_[i].sizes(), 1));
      dst_memory.push_back(dst.back().memory());
    }
    const auto scratch = Buffer::allocate(kernel->scratch_bytes());
    kernel->run({src_memory.data(), dst_memory.data(), scratch->data()});
    for (size_t i = 0; i < expected_.size(); ++i) {
      EXPECT_TRUE(dst[i].intact()) << "wrote outside of output " << i;
      Tensor expected = expected_[i];
      if (way.accumulate) {
        expected = expected.cast(DType::f64).clone();
        for (int64_t j = 0; j < expected.count(); ++j) expected.data<double>()[j] += 1;
      }
      ops::expect_close(dst[i].values(), expected, tolerance, tolerance,
                        "output " + std::to_string(i));
    }
  }

  std::vector<Tensor> inputs_;
  std::vector<Value> outputs_;
  std::vector<Tensor> expected_;
};

INSTANTIATE_TEST_SUITE_P(all, KernelTest, testing::ValuesIn(ops::all_cases()),
                         [](const auto& info) { return info.param.name(); });

TEST_P(KernelTest, fast_kernel_equals_the_reference) {
  for (const auto& [dtype, tolerance] : kTolerances) {
    if (!prepare(dtype)) continue;
    for (const int threads : {1, 2})
      if (has_fast_kernel({threads})) run({threads}, tolerance);
    for (const Way& way : {Way{1, 3, 0}, Way{1, 0, 5}, Way{1, 0, 0, true}, Way{2, 4, 2, true}})
      if (has_fast_kernel(way)) run(way, tolerance);
    if (!ops::has_floating_input(GetParam())) break;
  }
}

TEST_P(KernelTest, fast_kernel_keeps_nan_and_infinity) {
  if (!ops::has_floating_input(GetParam()) || !prepare(DType::f32) || !has_fast_kernel({})) return;
  for (const double special : {NAN, INFINITY, -INFINITY}) {
    for (Tensor& t : inputs_)
      if (t.dtype() == DType::f32 && t.count() > 0)
        for (int64_t i = 0; i < t.count(); i += 3) t.data<float>()[i] = static_cast<float>(special);
    expected_ = ops::run_reference(node(), inputs_);
    SCOPED_TRACE(special);
    run({}, 3e-5);
  }
}

// What the traits allow: the output in the memory of an input.
TEST_P(KernelTest, in_place_gives_the_same) {
  if (!prepare(DType::f32)) return;
  for (size_t i = 0; i < expected_.size(); ++i) {
    const int input = inplace_input(node(), static_cast<int>(i));
    if (input < 0 || static_cast<size_t>(input) >= inputs_.size()) continue;
    const Tensor& shared = inputs_[static_cast<size_t>(input)];
    if (shared.sizes() != expected_[i].sizes() || shared.dtype() != expected_[i].dtype()) continue;
    const auto kernel = make_kernel(request({}));
    std::vector<Tensor> src, dst;
    for (const Tensor& t : inputs_) src.push_back(t.clone());
    for (const Tensor& t : expected_) dst.push_back(t.clone());
    dst[i] = src[static_cast<size_t>(input)];
    std::vector<const void*> src_memory;
    std::vector<void*> dst_memory;
    for (const Tensor& t : src) src_memory.push_back(t.raw());
    for (const Tensor& t : dst) dst_memory.push_back(t.raw());
    const auto scratch = Buffer::allocate(kernel->scratch_bytes());
    kernel->run({src_memory.data(), dst_memory.data(), scratch->data()});
    for (size_t j = 0; j < dst.size(); ++j)
      ops::expect_close(dst[j], expected_[j], 3e-5, 3e-5, std::string(kernel->name()));
  }
}

TEST_P(KernelTest, eager_takes_strided_tensors) {
  if (op().name == "row_sparse" || !prepare(DType::f32)) return;
  std::vector<Tensor> strided;
  for (const Tensor& t : inputs_) {
    // Twice as many along every axis, every other one of which is looked at.
    Sizes wide = t.sizes(), strides;
    for (int64_t& size : wide) size *= 2;
    Tensor parent = Tensor::zeros(t.dtype(), wide);
    for (int64_t s : parent.strides()) strides.push_back(2 * s);
    strided.emplace_back(parent.buffer(), t.dtype(), t.sizes(), strides, 0);
    strided.back().copy_from(t);
  }
  const auto actual = eager::run(op(), strided, GetParam().data().attributes);
  ASSERT_EQ(actual.size(), expected_.size());
  for (size_t i = 0; i < actual.size(); ++i)
    ops::expect_close(actual[i], expected_[i], 3e-5, 3e-5, "output " + std::to_string(i));
}

}  // namespace
}  // namespace andiron::exec
