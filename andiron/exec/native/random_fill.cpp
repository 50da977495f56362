#include "andiron/exec/native/random_fill.hpp"

#include <algorithm>

#include "andiron/exec/native/isa.hpp"
#include "andiron/ops/random/draw.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kParallelElements = 16384;

class RandomUniform final : public Kernel {
 public:
  explicit RandomUniform(const KernelRequest& request)
      : seed_(request.node.attr<int64_t>("seed")),
        low_(static_cast<float>(request.node.attr<double>("low"))),
        high_(static_cast<float>(request.node.attr<double>("high"))),
        count_(request.dst[0].count()),
        fill_(current_isa() == Isa::avx512 ? avx512::fill_uniform : avx2::fill_uniform) {
    const Sizes& sizes = request.dst[0].sizes;
    row_ = sizes.empty() ? 0 : andiron::count_of(Sizes(sizes.begin() + 1, sizes.end()));
    threads_ = count_ < kParallelElements ? 1 : request.threads;
  }

  void run(const KernelCall& call) const override {
    const uint64_t key = ops::stream_key(seed_, *static_cast<const int64_t*>(call.src[0]));
    float* dst = static_cast<float*>(call.dst[0]);
    if (threads_ == 1) {
      fill(dst, key, call.first_row * row_, count_);
      return;
    }
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (int part = 0; part < threads_; ++part) {
      const Range r = part_of(count_, part, threads_, 64);
      fill(dst + r.begin, key, call.first_row * row_ + r.begin, r.end - r.begin);
    }
  }
  std::string_view name() const override { return "philox"; }

 private:
  // Elements [first, first + n) of the stream; the ends may lie within a block of four.
  void fill(float* dst, uint64_t key, int64_t first, int64_t n) const {
    float block[4];
    while (n > 0 && (first % 4 != 0 || n < 4)) {
      fill_(block, key, first / 4, 1, low_, high_);
      const int64_t lane = first % 4, m = std::min(n, 4 - lane);
      std::copy_n(block + lane, m, dst);
      dst += m;
      first += m;
      n -= m;
    }
    if (n == 0) return;
    fill_(dst, key, first / 4, n / 4, low_, high_);
    if (n % 4 != 0) fill(dst + n / 4 * 4, key, first + n / 4 * 4, n % 4);
  }

  int64_t seed_;
  float low_, high_;
  int64_t count_, row_ = 0;
  decltype(&avx2::fill_uniform) fill_;
  int threads_ = 1;
};

}  // namespace

std::unique_ptr<Kernel> make_random_uniform(const KernelRequest& request) {
  return std::make_unique<RandomUniform>(request);
}

}  // namespace andiron::exec
