#include "andiron/exec/native/conv_bytes_weights.hpp"

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "andiron/exec/shared_copies.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kQuad = kConvBytesQuad, kFilters = kConvBytesFilters, kMost = kConvBytesMost;
// What products of bytes up to 255 may add up to in 16 bits: 255 * 128 < 2^15.
constexpr int kRoom = 128;

// Four inputs and their weights of a block's filters.
struct Quad {
  int32_t offset;
  std::array<int8_t, kFilters * kQuad> weights{};
};

// The weights of each sign that are added in the same 16 bits: two inputs of a filter each, 255
// where they are more.
struct Needs {
  __m256i positive, negative;
};

// 64 weights, of each sign as 32 sums of two.
Needs needs_of(const Quad& quad) {
  const auto* from = reinterpret_cast<const __m256i*>(quad.weights.data());
  const __m256i zero = _mm256_setzero_si256(), ones = _mm256_set1_epi8(1);
  __m256i sums[2][2];
  for (int i = 0; i < 2; ++i) {
    const __m256i w = _mm256_loadu_si256(from + i);
    const __m256i below = _mm256_cmpgt_epi8(zero, w);
    sums[0][i] = _mm256_maddubs_epi16(_mm256_andnot_si256(below, w), ones);
    sums[1][i] = _mm256_maddubs_epi16(_mm256_and_si256(below, _mm256_sub_epi8(zero, w)), ones);
  }
  return {_mm256_packus_epi16(sums[0][0], sums[0][1]), _mm256_packus_epi16(sums[1][0], sums[1][1])};
}

int greatest_of(const Needs& needs) {
  alignas(32) std::array<uint8_t, 32> all;
  _mm256_store_si256(reinterpret_cast<__m256i*>(all.data()),
                     _mm256_max_epu8(needs.positive, needs.negative));
  return *std::max_element(all.begin(), all.end());
}

// Quads whose sums fit in 16 bits together, whatever the inputs.
struct Group {
  Needs room{_mm256_set1_epi8(static_cast<char>(kRoom)),
             _mm256_set1_epi8(static_cast<char>(kRoom))};
  int64_t n = 0;
  size_t quads[kMost];

  bool fits(const Needs& needs) const {
    const __m256i beyond = _mm256_or_si256(_mm256_subs_epu8(needs.positive, room.positive),
                                           _mm256_subs_epu8(needs.negative, room.negative));
    return _mm256_testz_si256(beyond, beyond) != 0;
  }
  void add(const Needs& needs, size_t quad) {
    room.positive = _mm256_sub_epi8(room.positive, needs.positive);
    room.negative = _mm256_sub_epi8(room.negative, needs.negative);
    quads[n++] = quad;
  }
};

// All quads of the filters from `first` on; one whose weights would not fit alone is taken apart.
std::vector<Quad> quads_of(const Tensor& w, const ConvBytesWindow& window, int64_t first,
                           int64_t filters) {
  const int64_t taps = window.rows * window.columns, run = window.run();
  const int64_t runs = run == window.channels ? window.columns : 1;  // of a row
  std::vector<Quad> quads;
  for (int64_t row = 0; row < window.rows; ++row)
    for (int64_t r = 0; r < runs; ++r)
      for (int64_t byte = 0; byte < run; byte += kQuad) {
        Quad quad{static_cast<int32_t>(row * window.row_step + r * window.column_step + byte), {}};
        bool any = false;
        for (int64_t i = byte; i < std::min(byte + kQuad, run); ++i) {
          const int64_t tap = row * window.columns + r + i / window.channels;
          for (int64_t f = 0; f < filters; ++f) {
            const int8_t weight =
                w.data<int8_t>()[((first + f) * window.channels + i % window.channels) * taps +
                                 tap];
            quad.weights[static_cast<size_t>(f * kQuad + i - byte)] = weight;
            any |= weight != 0;
          }
        }
        if (!any) continue;
        if (greatest_of(needs_of(quad)) <= kRoom) {
          quads.push_back(quad);
          continue;
        }
        Quad odd = quad;
        for (size_t i = 0; i < quad.weights.size(); ++i) (i % 2 == 0 ? odd : quad).weights[i] = 0;
        quads.push_back(quad);
        quads.push_back(odd);
      }
  return quads;
}

// The greatest quads first, each into the first group that has room; the greatest groups first.
std::vector<Group> groups_of(const std::vector<Quad>& quads) {
  std::vector<Needs> needs;
  std::vector<std::pair<int, size_t>> order;
  for (const Quad& quad : quads) {
    needs.push_back(needs_of(quad));
    order.emplace_back(-greatest_of(needs.back()), order.size());
  }
  std::sort(order.begin(), order.end());
  std::vector<Group> open, full;
  for (const auto& [greatest, quad] : order) {
    size_t i = 0;
    while (i < open.size() && !open[i].fits(needs[quad])) ++i;
    if (i == open.size()) open.emplace_back();
    open[i].add(needs[quad], quad);
    if (open[i].n < kMost) continue;
    full.push_back(open[i]);
    open.erase(open.begin() + static_cast<int64_t>(i));
  }
  std::stable_sort(open.begin(), open.end(),
                   [](const Group& a, const Group& b) { return a.n > b.n; });
  full.insert(full.end(), open.begin(), open.end());
  return full;
}

std::shared_ptr<const ConvBytesWeights> pack(const Tensor& w, const ConvBytesWindow& window) {
  const auto packed = std::make_shared<ConvBytesWeights>();
  const int64_t filters = w.size(0);
  std::vector<int8_t> bytes;
  for (int64_t first = 0; first < filters; first += kFilters) {
    ConvBytesBlock block{};
    block.filters = std::min(kFilters, filters - first);
    block.vectors = block.filters > kConvBytesLanes ? 2 : 1;
    const std::vector<Quad> quads = quads_of(w, window, first, block.filters);
    for (const Group& group : groups_of(quads)) {
      ++block.groups[group.n - 1];
      for (const size_t q : std::span(group.quads, static_cast<size_t>(group.n))) {
        packed->offsets.push_back(quads[q].offset);
        bytes.insert(bytes.end(), quads[q].weights.begin(),
                     quads[q].weights.begin() + block.vectors * kConvBytesLanes * kQuad);
      }
    }
    packed->blocks.push_back(block);
  }
  packed->weights = Buffer::allocate(std::max<size_t>(bytes.size(), 1));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<int8_t*>(packed->weights->data()));
  const auto* at = reinterpret_cast<const int8_t*>(packed->weights->data());
  const int32_t* offset = packed->offsets.data();
  for (ConvBytesBlock& block : packed->blocks) {
    block.weights = at;
    block.offsets = offset;
    for (int64_t i = 0; i < kMost; ++i) offset += block.groups[i] * (i + 1);
    at += (offset - block.offsets) * block.vectors * kConvBytesLanes * kQuad;
  }
  return packed;
}

}  // namespace

std::shared_ptr<const ConvBytesWeights> conv_bytes_weights(const Tensor& weights,
                                                           const ConvBytesWindow& window) {
  static SharedCopies<ConvBytesWindow, const ConvBytesWeights> copies;
  return copies.get(weights, window, [&] { return pack(weights, window); });
}

}  // namespace andiron::exec
