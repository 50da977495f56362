#include "andiron/exec/native/kernel_testing.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "andiron/base/philox.hpp"

namespace andiron::exec::testing_support {

namespace {

constexpr int64_t kGuard = 64;
constexpr auto kGuardByte = std::byte{0xA5};

// An operand in memory of its own: guard, rows with gaps, guard.
struct Placed {
  Placed(const TensorType& type, int64_t gap) : operand{type.dtype, type.shape.sizes(), 0} {
    operand.row_stride = operand.cols() + gap;
    item = static_cast<int64_t>(size_of(operand.dtype));
    const int64_t n_bytes = operand.rows() * operand.row_stride * item + 2 * kGuard;
    bytes.assign(static_cast<size_t>(n_bytes) + kAlignment, kGuardByte);
    const auto address = reinterpret_cast<uintptr_t>(bytes.data());
    first = bytes.data() + (kAlignment - address % kAlignment) % kAlignment + kGuard;
  }
  std::byte* row(int64_t r) { return first + r * operand.row_stride * item; }
  size_t row_bytes() const { return static_cast<size_t>(operand.cols() * item); }

  void put(const Tensor& dense) {
    for (int64_t r = 0; r < operand.rows(); ++r)
      std::memcpy(row(r),
                  static_cast<std::byte*>(dense.raw()) + r * static_cast<int64_t>(row_bytes()),
                  row_bytes());
  }
  Tensor take() {
    Tensor dense(operand.dtype, operand.sizes);
    for (int64_t r = 0; r < operand.rows(); ++r) {
      std::memcpy(static_cast<std::byte*>(dense.raw()) + r * static_cast<int64_t>(row_bytes()),
                  row(r), row_bytes());
      std::memset(row(r), static_cast<int>(kGuardByte), row_bytes());
    }
    return dense;
  }
  bool only_guards_left() const {
    return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == kGuardByte; });
  }

  Operand operand;
  int64_t item;
  std::vector<std::byte> bytes;
  std::byte* first;
};

}  // namespace

RunResult run_kernel(const Node& node, const std::vector<Tensor>& src, const RunOptions& options) {
  std::vector<Placed> sources, destinations;
  KernelRequest request{node, {}, {}, options.threads};
  request.accumulate = options.accumulate;
  request.helpers = options.helpers;
  for (const Tensor& t : src) {
    if (!t.defined()) {  // an optional input that is left out
      request.src.push_back({DType::f32, {}, 1});
      continue;
    }
    sources.emplace_back(TensorType{t.dtype(), Shape(t.sizes())},
                         t.rank() > 0 ? options.src_gap : 0);
    sources.back().put(t);
    request.src.push_back(sources.back().operand);
  }
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    destinations.emplace_back(node.outputs[i],
                              node.outputs[i].shape.rank() > 0 ? options.dst_gap : 0);
    request.dst.push_back(destinations.back().operand);
    if (request.adds_to(i))
      destinations.back().put(Tensor::full(node.outputs[i].dtype, request.dst[i].sizes, 1.0));
  }
  const std::unique_ptr<Kernel> kernel = make_kernel(request);
  const auto scratch = Buffer::allocate(kernel->scratch_bytes() + kGuard);
  std::memset(scratch->data(), 0xFF, scratch->n_bytes());
  std::vector<const void*> src_memory;
  std::vector<void*> dst_memory;
  auto source = sources.begin();
  for (const Tensor& t : src) src_memory.push_back(t.defined() ? (source++)->first : nullptr);
  for (Placed& p : destinations) dst_memory.push_back(p.first);
  kernel->run({src_memory.data(), dst_memory.data(), scratch->data()});

  RunResult result;
  result.kernel = kernel->name();
  for (Placed& p : destinations) {
    result.dst.push_back(p.take());
    EXPECT_TRUE(p.only_guards_left()) << "wrote outside of its destination";
  }
  for (int64_t i = 0; i < kGuard; ++i)
    EXPECT_EQ(scratch->data()[kernel->scratch_bytes() + static_cast<size_t>(i)], std::byte{0xFF});
  return result;
}

std::vector<Tensor> run_reference(const Node& node, const std::vector<Tensor>& src) {
  std::vector<Tensor> dst;
  for (const TensorType& type : node.outputs) dst.emplace_back(type.dtype, type.shape.sizes());
  node.op->reference(ReferenceContext{src, dst, node.attributes});
  return dst;
}

Tensor random_tensor(const TensorType& type, uint64_t seed, double low, double high) {
  Tensor t(DType::f64, type.shape.sizes());
  const Philox philox{seed};
  for (int64_t i = 0; i < t.count(); ++i) {
    const auto words = philox(static_cast<uint64_t>(i));
    t.data<double>()[i] = low + (high - low) * uniform_double(words[0], words[1]);
  }
  if (type.dtype == DType::boolean)
    for (int64_t i = 0; i < t.count(); ++i)
      t.data<double>()[i] = t.data<double>()[i] > (low + high) / 2 ? 1 : 0;
  return t.cast(type.dtype);
}

std::vector<Tensor> random_inputs(const Node& node, uint64_t seed, double low, double high) {
  std::vector<Tensor> src;
  for (const Value& v : node.inputs) src.push_back(random_tensor(v.type(), seed++, low, high));
  return src;
}

void expect_close(const Tensor& got, const Tensor& want, double relative, double absolute) {
  ASSERT_EQ(got.sizes(), want.sizes());
  for (int64_t i = 0; i < got.count(); ++i) {
    const double g = got.item(i), w = want.item(i);
    if (g == w || (std::isnan(g) && std::isnan(w))) continue;
    ASSERT_LE(std::abs(g - w), absolute + relative * std::abs(w))
        << "element " << i << " of " << str(got.sizes()) << ": " << g << " instead of " << w;
  }
}

void expect_same_bits(const Tensor& got, const Tensor& want) {
  ASSERT_EQ(got.sizes(), want.sizes());
  if (got.count() == 0) return;
  ASSERT_EQ(std::memcmp(got.raw(), want.raw(), got.n_bytes()), 0);
}

}  // namespace andiron::exec::testing_support
