#include "andiron/nn/accumulator.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "andiron/base/error.hpp"

namespace andiron::nn {

namespace {

constexpr size_t kPerTable = 3;  // rows, values, count

// Some room beyond the rows, so that updates with other numbers of rows share a plan.
int64_t rounded_up(int64_t n) {
  const uint64_t least = 16;
  const auto power = static_cast<int64_t>(std::bit_ceil(std::max(static_cast<uint64_t>(n), least)));
  return n <= power / 4 * 3 ? power / 4 * 3 : power;
}

void append(const Tensor& src, int64_t n, int64_t at, int64_t room, Tensor& dst) {
  if (!dst.defined() || dst.size(0) < room) {
    Sizes sizes = src.sizes();
    sizes[0] = room;
    Tensor longer(src.dtype(), std::move(sizes));
    if (at > 0) longer.rows(0, at).copy_from(dst.rows(0, at));
    dst = std::move(longer);
  }
  if (n > 0) dst.rows(at, at + n).copy_from(src.rows(0, n));
}

}  // namespace

void Accumulator::add(int64_t samples, std::span<const Tensor> tables) {
  ++batches_;
  samples_ += samples;
  tables_.resize(std::max(tables_.size(), tables.size() / kPerTable));
  for (size_t i = 0; i + kPerTable <= tables.size(); i += kPerTable) {
    const int64_t n = *tables[i + 2].data<int32_t>();
    Table& t = tables_[i / kPerTable];
    const int64_t room = rounded_up(t.n + n);
    append(tables[i], n, t.n, room, t.rows);
    append(tables[i + 1], n, t.n, room, t.values);
    t.n += n;
  }
}

void Accumulator::update(const std::shared_ptr<const Graph>& graph, int64_t step, PlanCache& plans,
                         const exec::PlanOptions& options) {
  const std::vector<double> scalars = optimizer_->scalars_at(step);
  const std::vector<Value>& inputs = graph->inputs();
  const size_t n_tables = (inputs.size() - scalars.size() - 2) / 2;
  tables_.resize(n_tables);
  std::vector<Tensor> src;
  PlanCache::Sizes sizes;
  for (size_t i = 0; i < n_tables; ++i) {
    Table& t = tables_[i];
    const Value& values = inputs[2 * i + 1];
    const int64_t n = rounded_up(t.n);
    // None of this worker's batches had samples.
    if (!t.rows.defined()) {
      t.rows = Tensor(DType::i32, {n});
      t.values = Tensor(values.dtype(), {n, values.shape()[1].size()});
    }
    src.push_back(t.rows.rows(0, n));
    src.push_back(t.values.rows(0, n));
    std::fill(src[2 * i].data<int32_t>() + t.n, src[2 * i].data<int32_t>() + n, -1);
    const Tensor unused = src[2 * i + 1].rows(t.n, n);
    std::memset(unused.raw(), 0, unused.n_bytes());
    sizes[inputs[2 * i].shape()[0].str()] = n;
  }
  for (const double value : scalars) src.push_back(Tensor::full(DType::f32, {}, value));
  src.push_back(Tensor::full(DType::f32, {}, static_cast<double>(samples_)));
  src.push_back(Tensor::full(DType::i64, {}, static_cast<double>(step)));
  plans.checkout(graph, sizes, options)->run(src, {});
  clear();
}

void Accumulator::clear() {
  batches_ = samples_ = 0;
  for (Table& t : tables_) t.n = 0;
  optimizer_->clear_accumulators();
}

}  // namespace andiron::nn
