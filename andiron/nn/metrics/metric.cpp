#include "andiron/nn/metrics/metric.hpp"

#include <cstring>

#include "andiron/base/error.hpp"

namespace andiron::metrics {

void Metric::require_same(const Metric& other) const {
  if (signature() != other.signature())
    fail("[metric] {} cannot be merged with {}", signature(), other.signature());
}

void Metric::merge(const Metric& other) {
  require_same(other);
  merge_state(other.state());
}

void SumsMetric::merge_state(const std::map<std::string, Tensor>& state) {
  const double* sums = sums_of(state);
  for (size_t i = 0; i < sums_.size(); ++i) sums_[i] += sums[i];
}

std::map<std::string, Tensor> SumsMetric::state() const {
  return {{"sums", Tensor::from(sums_, {static_cast<int64_t>(sums_.size())})}};
}

const double* SumsMetric::sums_of(const std::map<std::string, Tensor>& state) const {
  const auto at = state.find("sums");
  if (at == state.end() || at->second.dtype() != DType::f64 || !at->second.dense() ||
      at->second.count() != static_cast<int64_t>(sums_.size()))
    fail("[metric] this is not the state of {}", signature());
  return at->second.data<double>();
}

void SumsMetric::restore(const std::map<std::string, Tensor>& state) {
  std::copy_n(sums_of(state), sums_.size(), sums_.begin());
}

namespace {

// Little-endian numbers and counted strings.
void put(std::string& bytes, uint64_t v) {
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(v >> (8 * i)));
}

void put(std::string& bytes, std::string_view text) {
  put(bytes, text.size());
  bytes += text;
}

struct ByteReader {
  std::string_view rest;

  std::string_view take(uint64_t n) {
    if (n > rest.size()) fail("[metric] the serialized state is too short");
    const std::string_view taken = rest.substr(0, n);
    rest.remove_prefix(n);
    return taken;
  }
  uint64_t number() {
    const std::string_view b = take(8);
    uint64_t v = 0;
    for (size_t i = 0; i < 8; ++i)
      v |= static_cast<uint64_t>(static_cast<uint8_t>(b[i])) << (8 * i);
    return v;
  }
  std::string_view text() { return take(number()); }
};

}  // namespace

std::string Metric::serialize() const {
  const auto tensors = state();
  std::string bytes;
  put(bytes, signature());
  put(bytes, tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const Tensor t = tensor.contiguous();
    put(bytes, name);
    put(bytes, name_of(t.dtype()));
    put(bytes, static_cast<uint64_t>(t.rank()));
    for (int64_t size : t.sizes()) put(bytes, static_cast<uint64_t>(size));
    put(bytes, std::string_view(static_cast<const char*>(t.raw()), t.n_bytes()));
  }
  return bytes;
}

void Metric::deserialize(std::string_view bytes) {
  ByteReader in{bytes};
  const std::string_view saved = in.text();
  if (saved != signature())
    fail("[metric] {} cannot take the state of {}", signature(), saved.substr(0, 100));
  std::map<std::string, Tensor> tensors;
  for (uint64_t i = in.number(); i > 0; --i) {
    const std::string name(in.text());
    const DType dtype = parse_dtype(in.text());
    Sizes sizes;
    for (uint64_t axis = in.number(); axis > 0; --axis)
      sizes.push_back(static_cast<int64_t>(in.number()));
    const std::string_view data = in.text();
    int64_t n_bytes = static_cast<int64_t>(size_of(dtype));
    for (int64_t s : sizes)
      if (s < 0 || __builtin_mul_overflow(n_bytes, s, &n_bytes)) n_bytes = -1;
    if (n_bytes != static_cast<int64_t>(data.size()))
      fail("[metric] the serialized state is damaged at '{}'", name);
    Tensor t(dtype, std::move(sizes));
    std::memcpy(t.raw(), data.data(), data.size());
    tensors[name] = std::move(t);
  }
  if (!in.rest.empty()) fail("[metric] the serialized state is too long");
  restore(tensors);
}

}  // namespace andiron::metrics
