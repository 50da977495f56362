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
    if (g.request.valid() && !g.request.done()) return true;
  return false;
}

void DataParallel::abort(const std::string& why) {
  communicator_->abort(why);
  for (const auto& [bucket, s] : sums_)
    for (const collective::Request& r : s.requests) (void)r.wait();
  for (const auto& [bucket, g] : gathers_)
    if (g.request.valid()) (void)g.request.wait();
}

void DataParallel::sum_start(uint32_t bucket, std::span<const Tensor> values) {
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
                                                        std::span(s.packed), label(bucket), wire_));
  for (const Tensor& t : values)
    if (t.n_bytes() >= kSmall)
      s.requests.push_back(
          communicator_->allreduce_start(element_of(t.dtype()), bytes_of(t), label(bucket), wire_));
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

// int64 count, then the rows, then their values.
void DataParallel::gather_start(uint32_t bucket, const Tensor& rows, const Tensor& values,
                                int64_t count) {
  Gather& g = gathers_[bucket];
  if (!counts_) count = 0;
  g.mine.clear();
  append(g.mine, &count, sizeof count);
  append(g.mine, rows.raw(), static_cast<size_t>(count) * sizeof(int32_t));
  append(g.mine, values.raw(),
         static_cast<size_t>(count * values.size(1)) * size_of(values.dtype()));
  g.request = communicator_->allgather_start(g.mine, g.all, label(bucket));
}

void DataParallel::gather_wait(uint32_t bucket, Tensor& ids, Tensor& values) {
  Gather& g = gathers_.at(bucket);
  g.request.wait().value_or_throw();
  const size_t row_bytes = static_cast<size_t>(values.size(1)) * size_of(values.dtype());
  auto* to_ids = ids.data<int32_t>();
  auto* to_values = static_cast<std::byte*>(values.raw());
  int64_t n = 0;
  for (int w = 0; w < workers(); ++w) {
    const std::span<const std::byte> part = g.all.of(w);
    int64_t count = 0;
    if (part.size() >= sizeof count) std::memcpy(&count, part.data(), sizeof count);
    const size_t each = sizeof(int32_t) + row_bytes;
    if (count < 0 || part.size() != sizeof count + static_cast<size_t>(count) * each ||
        n + count > ids.count())
      fail("[data_parallel] worker {} sent {} bytes for {} rows of {} bytes in step {}; {} fit", w,
           part.size(), count, each, step_, ids.count());
    const std::byte* from = part.data() + sizeof count;
    std::memcpy(to_ids + n, from, static_cast<size_t>(count) * sizeof(int32_t));
    std::memcpy(to_values + static_cast<size_t>(n) * row_bytes,
                from + static_cast<size_t>(count) * sizeof(int32_t),
                static_cast<size_t>(count) * row_bytes);
    n += count;
  }
  std::fill(to_ids + n, to_ids + ids.count(), -1);
  // Nobody reads the values of negative ids, but they must not be NaN by chance.
  std::memset(to_values + static_cast<size_t>(n) * row_bytes, 0,
              static_cast<size_t>(ids.count() - n) * row_bytes);
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
