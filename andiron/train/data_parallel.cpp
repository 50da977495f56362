#include "andiron/train/data_parallel.hpp"

#include <cstring>

#include "andiron/base/error.hpp"

namespace andiron::train {

namespace {

// Values below this size travel together.
constexpr size_t kSmall = 64 * 1024;
// Labels of what is exchanged between steps; buckets of a step count from 0.
constexpr uint32_t kBetween = 0x8000'0000;

collective::Element element_of(DType dtype) {
  if (dtype == DType::f64) return collective::Element::f64;
  ANDIRON_ASSERT(dtype == DType::f32);
  return collective::Element::f32;
}

std::span<std::byte> bytes_of(const Tensor& t) {
  return {static_cast<std::byte*>(t.raw()), t.n_bytes()};
}

std::byte* own_slot(const collective::Slots& slots, int worker) {
  return slots.memory.data() + static_cast<size_t>(worker) * slots.slot;
}

// Where the plan has not given the result its source's memory.
void copy(std::byte* to, const void* from, size_t n) {
  if (to != from && n > 0) std::memcpy(to, from, n);
}

void append(std::vector<std::byte>& to, const void* from, size_t n) {
  const auto* bytes = static_cast<const std::byte*>(from);
  to.insert(to.end(), bytes, bytes + n);
}

}  // namespace

DataParallel::DataParallel(std::shared_ptr<collective::Communicator> communicator, int64_t capacity,
                           bool bf16)
    : communicator_(std::move(communicator)),
      capacity_(capacity),
      wire_(bf16 ? collective::Wire::bf16 : collective::Wire::same) {
  if (capacity < 1) fail("[data_parallel] capacity must be positive; got {}", capacity);
}

void DataParallel::check(const Variable& variable) const {
  if (wire_ == collective::Wire::bf16 && variable.value().dtype() != DType::f32)
    fail(
        "[fit] wire_dtype=\"bfloat16\" is for float32 weights, and '{}' is {}: leave wire_dtype at "
        "\"float32\", which sends each gradient in its own type",
        variable.name(), name_of(variable.value().dtype()));
}

DataParallel::~DataParallel() {
  if (under_way()) abort("a training ended in the middle of a step");
}

bool DataParallel::under_way() const {
  for (const auto& [bucket, s] : sums_)
    for (const collective::Request& r : s.requests)
      if (!r.done()) return true;
  for (const auto& [bucket, g] : gathers_)
    for (const collective::Request& r : g.requests)
      if (!r.done()) return true;
  return false;
}

void DataParallel::abort(const std::string& why) {
  communicator_->abort(why);
  for (const auto& [bucket, s] : sums_)
    for (const collective::Request& r : s.requests) (void)r.wait();
  for (const auto& [bucket, g] : gathers_)
    for (const collective::Request& r : g.requests) (void)r.wait();
}

void DataParallel::sum_start(uint32_t bucket, std::span<const Tensor> values, bool exact) {
  const collective::Wire wire = exact ? collective::Wire::same : wire_;
  Sum& s = sums_[bucket];
  if (!counts_)  // not even a NaN times a share of 0
    for (const Tensor& t : values) std::memset(t.raw(), 0, t.n_bytes());
  s.packed.clear();
  s.small.clear();
  s.requests.clear();
  for (const Tensor& t : values)
    if (t.n_bytes() < kSmall) {
      s.small.push_back(bytes_of(t));
      append(s.packed, t.raw(), t.n_bytes());
    }
  if (!s.packed.empty())
    s.requests.push_back(communicator_->allreduce_start(element_of(values[0].dtype()),
                                                        std::span(s.packed), label(bucket), wire));
  for (const Tensor& t : values)
    if (t.n_bytes() >= kSmall)
      s.requests.push_back(
          communicator_->allreduce_start(element_of(t.dtype()), bytes_of(t), label(bucket), wire));
}

void DataParallel::sum_wait(uint32_t bucket) {
  Sum& s = sums_.at(bucket);
  for (const collective::Request& r : s.requests) r.wait().value_or_throw();
  size_t at = 0;
  for (const std::span<std::byte>& to : s.small) {
    std::memcpy(to.data(), s.packed.data() + at, to.size());
    at += to.size();
  }
}

void DataParallel::gather_start(uint32_t bucket, int64_t count, const Tensor& rows,
                                std::span<const Tensor> values, const Tensor& ids,
                                std::span<const Tensor> all) {
  Gather& g = gathers_[bucket];
  const auto n_workers = static_cast<size_t>(workers());
  const size_t most = static_cast<size_t>(ids.count()) / n_workers;
  const size_t n_rows = counts_ ? static_cast<size_t>(count) : 0;
  ANDIRON_ASSERT(n_rows <= most);
  g.requests.clear();
  g.ids = {bytes_of(ids), most * sizeof(int32_t), {}};
  g.ids.sizes.assign(n_workers, n_rows * sizeof(int32_t));
  copy(own_slot(g.ids, worker()), rows.raw(), n_rows * sizeof(int32_t));
  g.requests.push_back(communicator_->allgather_start(g.ids, label(bucket)));
  g.tables.resize(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    Table& table = g.tables[i];
    table.width = static_cast<size_t>(values[i].size(1));
    table.slots.memory = bytes_of(all[i]);
    table.slots.slot = most * table.width * size_of(values[i].dtype());
    start_rows(table, n_rows, values[i], bucket, g);
  }
}

void DataParallel::start_rows(Table& table, size_t n_rows, const Tensor& values, uint32_t bucket,
                              Gather& g) {
  const size_t n = n_rows * table.width;
  if (wire_ == collective::Wire::bf16) {
    table.rounded.resize(n);
    collective::to_bf16(table.rounded.data(), values.data<float>(), n);
    g.requests.push_back(communicator_->allgather_start(std::as_bytes(std::span(table.rounded)),
                                                        table.all, label(bucket)));
    return;
  }
  const size_t n_bytes = n * size_of(values.dtype());
  table.slots.sizes.assign(static_cast<size_t>(workers()), n_bytes);
  copy(own_slot(table.slots, worker()), values.raw(), n_bytes);
  g.requests.push_back(communicator_->allgather_start(table.slots, label(bucket)));
}

void DataParallel::gather_wait(uint32_t bucket) {
  Gather& g = gathers_.at(bucket);
  for (const collective::Request& r : g.requests) r.wait().value_or_throw();
  const size_t most = g.ids.slot / sizeof(int32_t);
  for (size_t w = 0; w < g.ids.sizes.size(); ++w) {
    const size_t n_rows = g.ids.sizes[w] / sizeof(int32_t);
    auto* ids = reinterpret_cast<int32_t*>(g.ids.memory.data() + w * g.ids.slot);
    std::fill(ids + n_rows, ids + most, -1);
    for (Table& table : g.tables) {
      const bool rounded = wire_ == collective::Wire::bf16;
      const std::span<const std::byte> sent =
          rounded ? table.all.of(static_cast<int>(w)) : table.slots.of(w);
      const size_t row_bytes =
          rounded ? table.width * sizeof(uint16_t) : table.slots.slot / std::max<size_t>(most, 1);
      if (sent.size() != n_rows * row_bytes)
        fail("[data_parallel] worker {} sent {} bytes for {} rows of {} bytes in step {}", w,
             sent.size(), n_rows, row_bytes, step_);
      // Its own, too: all workers add up the same numbers.
      if (rounded)
        collective::from_bf16(
            reinterpret_cast<float*>(table.slots.memory.data() + w * table.slots.slot),
            reinterpret_cast<const uint16_t*>(sent.data()), n_rows * table.width);
    }
  }
}

std::vector<std::string> DataParallel::gather(const std::string& mine) {
  collective::Gathered all;
  communicator_->allgather(std::as_bytes(std::span(mine)), all, label(kBetween)).value_or_throw();
  std::vector<std::string> out;
  for (int w = 0; w < workers(); ++w) {
    const std::span<const std::byte> part = all.of(w);
    out.emplace_back(reinterpret_cast<const char*>(part.data()), part.size());
  }
  return out;
}

std::string DataParallel::from_first(const std::string& mine) {
  std::vector<std::byte> bytes;
  if (worker() == 0) append(bytes, mine.data(), mine.size());
  communicator_->broadcast_bytes(bytes, 0, label(kBetween + 1)).value_or_throw();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace andiron::train
