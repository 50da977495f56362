#include "andiron/exec/native/random_fill.hpp"

#include <algorithm>

#include "andiron/exec/native/hands.hpp"
#include "andiron/exec/native/isa.hpp"
#include "andiron/ops/random/draw.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kSharedElements = 8192;
constexpr int64_t kGrain = 1024;

class RandomFill final : public Kernel {
 public:
  RandomFill(const KernelRequest& request, FillFn fill, double a, double b)
      : seed_(request.node.attr<int64_t>("seed")),
        a_(static_cast<float>(a)),
        b_(static_cast<float>(b)),
        count_(request.dst[0].count()),
        fill_(fill) {
    const Sizes& sizes = request.dst[0].sizes;
    row_ = sizes.empty() ? 0 : andiron::count_of(Sizes(sizes.begin() + 1, sizes.end()));
    hands_ = Hands(request, count_ >= kSharedElements, count_ / kGrain);
  }

  void run(const KernelCall& call) const override {
    const uint64_t key = ops::stream_key(seed_, *static_cast<const int64_t*>(call.src[0]));
    float* dst = static_cast<float*>(call.dst[0]);
    hands_.run([&](int part, int parts) {
      const Range r = part_of(count_, part, parts, kGrain);
      fill(dst + r.begin, key, call.first_row * row_ + r.begin, r.end - r.begin);
    });
  }
  std::string_view name() const override { return "philox"; }

 private:
  // Elements [first, first + n) of the stream; the ends may lie within a block of four.
  void fill(float* dst, uint64_t key, int64_t first, int64_t n) const {
    float block[4];
    while (n > 0 && (first % 4 != 0 || n < 4)) {
      fill_(block, key, first / 4, 1, a_, b_);
      const int64_t lane = first % 4, m = std::min(n, 4 - lane);
      std::copy_n(block + lane, m, dst);
      dst += m;
      first += m;
      n -= m;
    }
    if (n == 0) return;
    fill_(dst, key, first / 4, n / 4, a_, b_);
    if (n % 4 != 0) fill(dst + n / 4 * 4, key, first + n / 4 * 4, n % 4);
  }

  int64_t seed_;
  float a_, b_;
  int64_t count_, row_ = 0;
  FillFn fill_;
  Hands hands_;
};

std::unique_ptr<Kernel> make(const KernelRequest& request, FillFn on_avx2, FillFn on_avx512,
                             std::string_view a, std::string_view b) {
  return std::make_unique<RandomFill>(request, current_isa() == Isa::avx512 ? on_avx512 : on_avx2,
                                      request.node.attr<double>(a), request.node.attr<double>(b));
}

}  // namespace

std::unique_ptr<Kernel> make_random_uniform(const KernelRequest& request) {
  return make(request, avx2::fill_uniform, avx512::fill_uniform, "low", "high");
}

std::unique_ptr<Kernel> make_random_normal(const KernelRequest& request) {
  return make(request, avx2::fill_normal, avx512::fill_normal, "mean", "stddev");
}

}  // namespace andiron::exec
