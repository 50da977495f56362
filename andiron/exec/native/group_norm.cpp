#include "andiron/exec/native/group_norm.hpp"

#include <algorithm>
#include <cmath>

#include "andiron/exec/native/group_norm_table.hpp"
#include "andiron/exec/native/hands.hpp"
#include "andiron/ops/norm/group_norm.hpp"

namespace andiron::exec {

namespace {

using ops::Groups;

constexpr int64_t kSharedElements = 16384;
constexpr int64_t kFlushRows = 64;  // rows added in float

const float* floats(const KernelCall& call, size_t src) {
  return static_cast<const float*>(call.src[src]);
}
float* result(const KernelCall& call, size_t dst = 0) { return static_cast<float*>(call.dst[dst]); }

// Arrays of a number for each channel, a set for each thread.
struct ChannelArrays {
  static constexpr int64_t kBytes = 2 * sizeof(double) + 6 * sizeof(float);
  static size_t bytes(int64_t channels) {
    return (static_cast<size_t>(channels * kBytes) + kAlignment - 1) / kAlignment * kAlignment;
  }
  ChannelArrays(const KernelCall& call, int part, int64_t channels) {
    auto* d = reinterpret_cast<double*>(call.scratch + static_cast<size_t>(part) * bytes(channels));
    total[0] = d;
    total[1] = d + channels;
    auto* f = reinterpret_cast<float*>(d + 2 * channels);
    for (float*& array : row) {
      array = f;
      f += channels;
    }
  }
  double* total[2];
  float* row[6];
};

// The sums of `terms(r, row[0], row[1])` over rows r, which adds to both arrays.
template <class Terms>
void sum_rows(const ChannelArrays& a, int64_t rows, int64_t channels, Terms terms) {
  for (double* t : a.total) std::fill_n(t, channels, 0.0);
  for (int64_t first = 0; first < rows; first += kFlushRows) {
    for (int k : {0, 1}) std::fill_n(a.row[k], channels, 0.0F);
    for (int64_t r = first; r < std::min(rows, first + kFlushRows); ++r)
      terms(r, a.row[0], a.row[1]);
    for (int k : {0, 1})
      for (int64_t c = 0; c < channels; ++c) a.total[k][c] += static_cast<double>(a.row[k][c]);
  }
}

class GroupKernel : public Kernel {
 public:
  GroupKernel(const KernelRequest& request, const Groups& s, bool center)
      : s_(s),
        center_(center),
        hands_(request, s.images * s.groups * s.n() >= kSharedElements,
               s.last ? s.images : s.images * s.groups) {}
  size_t scratch_bytes() const override {
    return s_.last ? ChannelArrays::bytes(s_.channels()) * static_cast<size_t>(hands_.parts()) : 0;
  }
  void run(const KernelCall& call) const override {
    hands_.run([&](int part, int parts) {
      const Range range = part_of(s_.last ? s_.images : s_.images * s_.groups, part, parts);
      for (int64_t i = range.begin; i < range.end; ++i)
        s_.last ? image(call, i, ChannelArrays(call, part, s_.channels())) : group(call, i);
    });
  }
  std::string_view name() const override { return "group norm"; }

 protected:
  // The i-th group, whose elements lie side by side.
  virtual void group(const KernelCall& call, int64_t i) const = 0;
  // An image with channels last.
  virtual void image(const KernelCall& call, int64_t i, const ChannelArrays& a) const = 0;

  int64_t first_channel(int64_t i) const { return i % s_.groups * s_.per_group; }
  double of_group(const double* by_channel, int64_t group) const {
    double sum = 0;
    for (int64_t c = group * s_.per_group; c < (group + 1) * s_.per_group; ++c)
      sum += by_channel[c];
    return sum;
  }
  void spread(float* by_channel, int64_t group, float value) const {
    std::fill_n(by_channel + group * s_.per_group, s_.per_group, value);
  }

  Groups s_;
  bool center_;
  Hands hands_;
};

class Forward final : public GroupKernel {
 public:
  Forward(const KernelRequest& request, const Groups& s, bool center)
      : GroupKernel(request, s, center),
        epsilon_(request.node.attr<double>("epsilon")),
        inputs_(request.node.inputs.size()) {}

 private:
  const float* channel_input(const KernelCall& call, size_t i) const {
    return inputs_ > i ? floats(call, i) : nullptr;
  }

  // The mean and one over the deviation, made of deviations from a mean that may be some roundings
  // off. Where x is one number over and over its own mean comes out.
  struct Moments {
    float mean, factor;
  };
  Moments moments(float mean, Deviations away) const {
    const auto n = static_cast<double>(s_.n());
    double variance = away.squares / n;
    const double missed = away.sum / n;
    if (center_ && std::isfinite(missed)) {
      mean = static_cast<float>(static_cast<double>(mean) + missed);
      variance = std::max(0.0, variance - missed * missed);
    }
    return {mean, static_cast<float>(1.0 / std::sqrt(variance + epsilon_))};
  }

  void group(const KernelCall& call, int64_t i) const override {
    const GroupNormTable& t = group_norm_table();
    const float* x = floats(call, 0) + i * s_.n();
    const float *scale = channel_input(call, 1), *offset = channel_input(call, 2);
    const float first_mean =
        center_ ? static_cast<float>(t.sum(x, s_.n()) / static_cast<double>(s_.n())) : 0.0F;
    const auto [mean, factor] = moments(first_mean, t.deviations(x, first_mean, s_.n()));
    result(call, 1)[i] = mean;
    result(call, 2)[i] = factor;
    float* dst = result(call) + i * s_.n();
    const int64_t first = first_channel(i);
    if (s_.inner == 1) {
      t.normalize(x, mean, factor, scale != nullptr ? scale + first : nullptr, 0.0F,
                  offset != nullptr ? offset + first : nullptr, dst, s_.per_group);
      return;
    }
    for (int64_t k = 0; k < s_.per_group; ++k)
      t.normalize(x + k * s_.inner, mean, scale != nullptr ? factor * scale[first + k] : factor,
                  nullptr, offset != nullptr ? offset[first + k] : 0.0F, nullptr,
                  dst + k * s_.inner, s_.inner);
  }

  void image(const KernelCall& call, int64_t i, const ChannelArrays& a) const override {
    const int64_t n = s_.channels();
    const float* x = floats(call, 0) + i * s_.inner * n;
    const float *scale = channel_input(call, 1), *offset = channel_input(call, 2);
    float *mean = a.row[2], *factor = a.row[3], *shift = a.row[4];
    std::fill_n(mean, n, 0.0F);
    if (center_) {
      sum_rows(a, s_.inner, n, [&](int64_t r, float* sums, float*) {
        const float* row = x + r * n;
#pragma omp simd
        for (int64_t c = 0; c < n; ++c) sums[c] += row[c];
      });
      for (int64_t g = 0; g < s_.groups; ++g)
        spread(mean, g, static_cast<float>(of_group(a.total[0], g) / static_cast<double>(s_.n())));
    }
    sum_rows(a, s_.inner, n, [&](int64_t r, float* squares, float* rest) {
      const float* row = x + r * n;
#pragma omp simd
      for (int64_t c = 0; c < n; ++c) {
        const float away = row[c] - mean[c];
        squares[c] += away * away;
        rest[c] += away;
      }
    });
    for (int64_t g = 0; g < s_.groups; ++g) {
      const auto [corrected, inverse] =
          moments(mean[g * s_.per_group], {of_group(a.total[1], g), of_group(a.total[0], g)});
      spread(mean, g, corrected);
      spread(factor, g, inverse);
      result(call, 1)[i * s_.groups + g] = mean[g * s_.per_group];
      result(call, 2)[i * s_.groups + g] = factor[g * s_.per_group];
    }
    for (int64_t c = 0; c < n; ++c) {
      if (scale != nullptr) factor[c] *= scale[c];
      shift[c] = offset != nullptr ? offset[c] : 0.0F;
    }
    float* dst = result(call) + i * s_.inner * n;
    for (int64_t r = 0; r < s_.inner; ++r) {
#pragma omp simd
      for (int64_t c = 0; c < n; ++c)
        dst[r * n + c] = (x[r * n + c] - mean[c]) * factor[c] + shift[c];
    }
  }

  double epsilon_;
  size_t inputs_;
};

class Backward final : public GroupKernel {
 public:
  Backward(const KernelRequest& request, const Groups& s, bool center, bool scaled)
      : GroupKernel(request, s, center), scaled_(scaled) {}

 private:
  // What stands before x - mean, and alone.
  struct Line {
    float slope, shift;
  };
  Line line(double inverse, const ProductSums& sums) const {
    const auto n = static_cast<double>(s_.n());
    return {static_cast<float>(inverse * inverse * inverse * sums.products / n),
            center_ ? static_cast<float>(inverse * sums.h / n) : 0.0F};
  }

  void group(const KernelCall& call, int64_t i) const override {
    const GroupNormTable& t = group_norm_table();
    const float *x = floats(call, 0) + i * s_.n(), *g = floats(call, 3) + i * s_.n();
    const float mean = floats(call, 1)[i], inverse = floats(call, 2)[i];
    const float* scale = scaled_ ? floats(call, 4) + first_channel(i) : nullptr;
    float* dst = result(call) + i * s_.n();
    if (s_.inner == 1) {
      const Line l = line(static_cast<double>(inverse), t.products(x, mean, g, scale, s_.n()));
      t.gradient(x, mean, g, inverse, scale, l.slope, l.shift, dst, s_.n());
      return;
    }
    ProductSums all{0, 0};
    for (int64_t k = 0; k < s_.per_group; ++k) {
      const ProductSums p = t.products(x + k * s_.inner, mean, g + k * s_.inner, nullptr, s_.inner);
      const double factor = scaled_ ? static_cast<double>(scale[k]) : 1.0;
      all.h += factor * p.h;
      all.products += factor * p.products;
    }
    const Line l = line(static_cast<double>(inverse), all);
    for (int64_t k = 0; k < s_.per_group; ++k)
      t.gradient(x + k * s_.inner, mean, g + k * s_.inner, scaled_ ? inverse * scale[k] : inverse,
                 nullptr, l.slope, l.shift, dst + k * s_.inner, s_.inner);
  }

  void image(const KernelCall& call, int64_t i, const ChannelArrays& a) const override {
    const int64_t n = s_.channels();
    const float *x = floats(call, 0) + i * s_.inner * n, *g = floats(call, 3) + i * s_.inner * n;
    float *mean = a.row[2], *factor = a.row[3], *slope = a.row[4], *shift = a.row[5];
    for (int64_t k = 0; k < s_.groups; ++k) spread(mean, k, floats(call, 1)[i * s_.groups + k]);
    sum_rows(a, s_.inner, n, [&](int64_t r, float* sums, float* products) {
      const float *row = x + r * n, *grow = g + r * n;
#pragma omp simd
      for (int64_t c = 0; c < n; ++c) {
        sums[c] += grow[c];
        products[c] += grow[c] * (row[c] - mean[c]);
      }
    });
    for (int64_t c = 0; c < n && scaled_; ++c)
      for (double* total : a.total) total[c] *= static_cast<double>(floats(call, 4)[c]);
    for (int64_t k = 0; k < s_.groups; ++k) {
      const float inverse = floats(call, 2)[i * s_.groups + k];
      const Line l =
          line(static_cast<double>(inverse), {of_group(a.total[0], k), of_group(a.total[1], k)});
      spread(factor, k, inverse);
      spread(slope, k, l.slope);
      spread(shift, k, l.shift);
    }
    for (int64_t c = 0; c < n && scaled_; ++c) factor[c] *= floats(call, 4)[c];
    float* dst = result(call) + i * s_.inner * n;
    for (int64_t r = 0; r < s_.inner; ++r) {
#pragma omp simd
      for (int64_t c = 0; c < n; ++c)
        dst[r * n + c] = factor[c] * g[r * n + c] - slope[c] * (x[r * n + c] - mean[c]) - shift[c];
    }
  }

  bool scaled_;
};

// Sums over images: segments of them, which depend on the shape only, are added in order.
class BackwardOfScale final : public Kernel {
 public:
  BackwardOfScale(const Groups& s, const KernelRequest& request)
      : s_(s), adds_{request.adds_to(0), request.adds_to(1)} {
    n_segments_ = std::clamp<int64_t>(s.images * s.groups * s.n() / 32768, 1, 64);
    n_segments_ = std::clamp<int64_t>(n_segments_, 1, std::max<int64_t>(1, s.images));
    hands_ = Hands(request, true, n_segments_);
  }
  size_t scratch_bytes() const override {
    return ChannelArrays::bytes(s_.channels()) * static_cast<size_t>(n_segments_);
  }
  void run(const KernelCall& call) const override {
    hands_.run([&](int part, int parts) {
      const Range range = part_of(n_segments_, part, parts);
      for (int64_t i = range.begin; i < range.end; ++i) segment(call, i);
    });
    for (int k : {0, 1})
      for (int64_t c = 0; c < s_.channels(); ++c) {
        double sum = 0;
        for (int64_t i = 0; i < n_segments_; ++i) sum += arrays(call, i).total[k][c];
        float& dst = result(call, static_cast<size_t>(k))[c];
        dst = adds_[k] ? dst + static_cast<float>(sum) : static_cast<float>(sum);
      }
  }
  std::string_view name() const override { return "group norm"; }

 private:
  ChannelArrays arrays(const KernelCall& call, int64_t segment) const {
    return {call, static_cast<int>(segment), s_.channels()};
  }

  void segment(const KernelCall& call, int64_t segment) const {
    const ChannelArrays a = arrays(call, segment);
    const Range images = part_of(s_.images, segment, n_segments_);
    if (!s_.last && s_.inner > 1) return by_places(call, images, a);
    const int64_t n = s_.channels(), rows = images.end - images.begin;
    float *mean = a.row[2], *inverse = a.row[3];
    sum_rows(a, rows * s_.inner, n, [&](int64_t r, float* products, float* sums) {
      const int64_t image = images.begin + r / s_.inner, at = (images.begin * s_.inner + r) * n;
      const float *x = floats(call, 0) + at, *g = floats(call, 3) + at;
      if (!s_.last) {
        for (int64_t k = 0; k < s_.groups; ++k) {
          const int64_t c = k * s_.per_group;
          group_norm_table().add_products(x + c, floats(call, 1)[image * s_.groups + k],
                                          floats(call, 2)[image * s_.groups + k], g + c,
                                          products + c, sums + c, s_.per_group);
        }
        return;
      }
      if (r % s_.inner == 0)
        for (int64_t c = 0; c < n; ++c) {
          mean[c] = floats(call, 1)[image * s_.groups + c / s_.per_group];
          inverse[c] = floats(call, 2)[image * s_.groups + c / s_.per_group];
        }
#pragma omp simd
      for (int64_t c = 0; c < n; ++c) {
        products[c] += g[c] * ((x[c] - mean[c]) * inverse[c]);
        sums[c] += g[c];
      }
    });
  }

  // Channels whose places lie side by side.
  void by_places(const KernelCall& call, Range images, const ChannelArrays& a) const {
    for (double* total : a.total) std::fill_n(total, s_.channels(), 0.0);
    for (int64_t i = images.begin; i < images.end; ++i)
      for (int64_t c = 0; c < s_.channels(); ++c) {
        const int64_t at = (i * s_.channels() + c) * s_.inner;
        const int64_t group = i * s_.groups + c / s_.per_group;
        const ProductSums p = group_norm_table().products(
            floats(call, 0) + at, floats(call, 1)[group], floats(call, 3) + at, nullptr, s_.inner);
        a.total[0][c] += p.products * static_cast<double>(floats(call, 2)[group]);
        a.total[1][c] += p.h;
      }
  }

  Groups s_;
  bool adds_[2];
  int64_t n_segments_;
  Hands hands_;
};

bool suits(const KernelRequest& request) {
  return request.src[0].dtype == DType::f32 && request.src[0].count() > 0;
}

Groups groups_of(const KernelRequest& request) {
  return ops::groups_of(request.src[0].sizes, request.node.attributes);
}

// Whether that optional input is there.
bool has(const KernelRequest& request, size_t input) {
  return request.node.inputs.size() > input && request.node.inputs[input].defined();
}

}  // namespace

std::unique_ptr<Kernel> make_group_norm(const KernelRequest& request) {
  if (!suits(request)) return nullptr;
  return std::make_unique<Forward>(request, groups_of(request), request.node.attr<bool>("center"));
}

std::unique_ptr<Kernel> make_group_norm_grad(const KernelRequest& request) {
  if (!suits(request)) return nullptr;
  return std::make_unique<Backward>(request, groups_of(request), request.node.attr<bool>("center"),
                                    has(request, 4));
}

std::unique_ptr<Kernel> make_group_norm_grad_scale(const KernelRequest& request) {
  if (!suits(request)) return nullptr;
  return std::make_unique<BackwardOfScale>(groups_of(request), request);
}

}  // namespace andiron::exec
