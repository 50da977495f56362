#include "andiron/exec/native/packed_panels.hpp"

#include <algorithm>

#include "andiron/exec/native/panels_table.hpp"
#include "andiron/exec/shared_copies.hpp"

namespace andiron::exec {

Panels::Panels(int64_t filters, int64_t depth, int64_t vector, bool blocks)
    : filters_(filters), depth_(depth), vector_(vector) {
  const int64_t unit = blocks ? kChannelBlock : vector;
  const int64_t units = (filters + unit - 1) / unit;
  const int64_t each = blocks ? 1 : 2;
  for (int64_t u = each; u <= units; u += each) first_.push_back(u * unit);
  if (units % each == 0) return;
  if (first_.size() > 1)
    first_.back() = units * unit;
  else
    first_.push_back(units * unit);
}

void Panels::pack(const float* weights, int64_t channels, int64_t taps, float* to) const {
  std::fill_n(to, size(), 0.0F);
  for (int64_t p = 0; p < count(); ++p) {
    const int64_t n_lanes = lanes(p);
    for (int64_t l = 0; l < filters(p); ++l) {
      const float* from = weights + (first(p) + l) * channels * taps;
      float* lane = to + offset(p) + l;
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t t = 0; t < taps; ++t) lane[(t * channels + c) * n_lanes] = from[c * taps + t];
    }
  }
}

std::shared_ptr<Buffer> Panels::pack_shared(const Tensor& weights, int64_t channels,
                                            int64_t taps) const {
  static SharedCopies<std::pair<int64_t, std::vector<int64_t>>, Buffer> copies;
  return copies.get(weights, {depth_, first_}, [&] {
    auto memory = Buffer::allocate(static_cast<size_t>(size()) * sizeof(float));
    pack(weights.data<float>(), channels, taps, reinterpret_cast<float*>(memory->data()));
    return memory;
  });
}

std::vector<float> padded_with_zeros(const float* data, int64_t n, int64_t padded) {
  std::vector<float> all(static_cast<size_t>(padded), 0.0F);
  if (data != nullptr) std::copy_n(data, n, all.begin());
  return all;
}

}  // namespace andiron::exec
