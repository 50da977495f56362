#include "andiron/exec/section.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <unordered_map>

#include "andiron/base/error.hpp"
#include "andiron/exec/section_builder.hpp"

namespace andiron::exec {

namespace {

// Their addresses stand on the stack while a step runs: 128 KB. An update of all parameters by Adam
// has seven for each.
constexpr size_t kMaxOperands = 16384;

template <class T>
bool all_finite(const T* x, int64_t rows, int64_t cols, int64_t stride) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c)
      if (!std::isfinite(static_cast<double>(x[r * stride + c]))) return false;
  return true;
}

}  // namespace

Section::Section(const Graph& graph, SectionOptions options) : graph_(graph) {
  n_imports_ = graph.inputs().size();
  n_exports_ = graph.outputs().size();
  SectionBuilder(*this, std::move(options)).build();
  for (const Step& step : steps_) {
    const size_t n = step.src.size() + step.dst.size();
    if (n > kMaxOperands)
      fail("[{}] has {} operands; at most {} are possible", step.node->op->name, n, kMaxOperands);
    max_operands_ = std::max(max_operands_, n);
  }
}

void Section::run(const Call& call) const {
  // A step of training allocates nothing.
  auto** pointers = static_cast<void**>(__builtin_alloca(max_operands_ * sizeof(void*)));
  // Bases: 0 nothing (offsets are addresses), 1 the arena, then imports, then exports.
  auto address = [&](const Place& p) -> std::byte* {
    if (p.base < 0) return nullptr;
    if (p.base == 0) return reinterpret_cast<std::byte*>(p.offset);
    if (p.base == 1) return call.arena + p.offset;
    const auto i = static_cast<size_t>(p.base - 2);
    if (i < n_imports_)
      return static_cast<std::byte*>(const_cast<void*>(call.imports[i])) + p.offset;
    return static_cast<std::byte*>(call.exports[i - n_imports_]) + p.offset;
  };
  for (size_t s = 0; s < steps_.size(); ++s) {
    const Step& step = steps_[s];
    void** src = pointers;
    void** dst = pointers + step.src.size();
    for (size_t i = 0; i < step.src.size(); ++i) src[i] = address(step.src[i]);
    for (size_t i = 0; i < step.dst.size(); ++i) dst[i] = address(step.dst[i]);
    const KernelCall kernel_call{src, dst, address(step.scratch), call.first_row, call.worker};
    if (call.seconds != nullptr) {
      const auto start = std::chrono::steady_clock::now();
      step.kernel->run(kernel_call);
      (*call.seconds)[s] +=
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    } else {
      step.kernel->run(kernel_call);
    }
    if (call.check_numerics) check(step, dst);
  }
}

void Section::check(const Step& step, void* const* dst) const {
  for (size_t i = 0; i < step.dst.size(); ++i) {
    const Operand& o = step.dst_operands[i];
    if (!is_floating(o.dtype)) continue;
    const bool finite = visit_dtype(o.dtype, [&]<class T>() {
      return all_finite(static_cast<const T*>(dst[i]), o.rows(), o.cols(), o.row_stride);
    });
    if (!finite)
      fail("[{}] produced NaN or infinity{}{}", step.node->op->name,
           step.node->name.empty() ? "" : " in ", step.node->name);
  }
}

void Section::describe(const std::vector<double>& seconds, int64_t runs,
                       std::vector<NodeProfile>& profile) const {
  for (size_t s = 0; s < steps_.size(); ++s) {
    const Node& node = *steps_[s].node;
    NodeProfile p{node.op->name, node.name, std::string(steps_[s].kernel->name()), {}, 0, 0, 0, 0};
    for (const Value& v : node.inputs) {
      if (!v.defined()) continue;
      p.types += fmt::format("{}{}", p.types.empty() ? "" : " ", str(v.type()));
      p.bytes += static_cast<double>(v.shape().count().size()) *
                 static_cast<double>(size_of(v.dtype()));
    }
    p.types += " ->";
    double elements = 0;
    for (const TensorType& t : node.outputs) {
      p.types += fmt::format(" {}", str(t));
      elements += static_cast<double>(t.shape.count().size());
      p.bytes +=
          static_cast<double>(t.shape.count().size()) * static_cast<double>(size_of(t.dtype));
    }
    p.flops = (node.op->flops != nullptr ? node.op->flops(node) : elements) *
              static_cast<double>(runs);
    p.bytes *= static_cast<double>(runs);
    p.seconds = s < seconds.size() ? seconds[s] : 0;
    p.runs = runs;
    profile.push_back(std::move(p));
  }
}

std::string Section::print() const {
  std::string text = graph_.print() + fmt::format("arena {} bytes\n", arena_bytes_);
  for (const Step& step : steps_) {
    text += fmt::format("  {:<14} {:<22}", step.node->op->name, step.kernel->name());
    for (const Place& p : step.src) text += fmt::format(" {}+{}", p.base, p.base ? p.offset : 0);
    text += " ->";
    for (const Place& p : step.dst) text += fmt::format(" {}+{}", p.base, p.base ? p.offset : 0);
    text += "\n";
  }
  return text;
}

}  // namespace andiron::exec
