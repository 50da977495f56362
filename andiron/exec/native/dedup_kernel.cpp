#include <bit>
#include <cstring>

#include "andiron/exec/native/embedding_kernels.hpp"
#include "andiron/exec/native/parallel.hpp"
#include "andiron/ops/embedding/ids.hpp"

namespace andiron::exec {

namespace {

// Sorts by least significant digit first: stable, so positions of one row stay in order. Each
// thread counts and moves its part of the list; where it moves to follows from the counts of all.
class Dedup final : public Kernel {
 public:
  explicit Dedup(const KernelRequest& r)
      : id_type_(r.src[0].dtype),
        n_(r.src[0].count()),
        n_rows_(r.node.attr<int64_t>("n_rows")),
        threads_(n_ < 16384 ? 1 : std::min(r.threads, kMaxThreads)) {
    const int bits = std::max(
        1,
        static_cast<int>(std::bit_width(static_cast<uint64_t>(std::max<int64_t>(n_rows_ - 1, 1)))));
    passes_ = (bits + kMaxDigit - 1) / kMaxDigit;
    digit_ = (bits + passes_ - 1) / passes_;
  }

  size_t scratch_bytes() const override {
    return 2 * list_bytes() + static_cast<size_t>(threads_) * count_bytes();
  }

  void run(const KernelCall& call) const override {
    auto* const order = static_cast<int32_t*>(call.dst[0]);
    auto* const rows = static_cast<int32_t*>(call.dst[1]);
    auto* const starts = static_cast<int32_t*>(call.dst[2]);
    Item* from = reinterpret_cast<Item*>(call.scratch);
    Item* to = reinterpret_cast<Item*>(call.scratch + list_bytes());
    int64_t n_valid = 0;
    ops::visit_ids(id_type_, call.src[0], [&](const auto* ids) {
      const int64_t bad = ops::first_bad_id(ids, n_, n_rows_, true);
      if (bad >= 0) ops::fail_id("embedding", ids[bad], bad, n_rows_);
      n_valid = first_pass(ids, from, call.scratch);
    });
    for (int pass = 1; pass < passes_; ++pass) {
      move(
          n_valid, pass * digit_, call.scratch, to, [&](int64_t i) { return from[i]; },
          [](const Item&) { return true; });
      std::swap(from, to);
    }
    const int32_t count = list_rows(from, n_valid, order, rows, starts);
    static_cast<int32_t*>(call.dst[3])[0] = count;
    for (int64_t j = count; j <= n_; ++j) starts[j] = static_cast<int32_t>(n_valid);
    std::fill(rows + count, rows + n_, -1);
    std::fill(order + n_valid, order + n_, -1);
  }
  std::string_view name() const override { return "radix sort"; }

 private:
  struct Item {
    uint32_t row, position;
  };
  static constexpr uint32_t kNoRow = UINT32_MAX;
  static constexpr int kMaxThreads = 64;
  static constexpr int kMaxDigit = 13;  // 8,192 counters: they fit the L1 cache

  size_t list_bytes() const { return (static_cast<size_t>(n_) * sizeof(Item) + 63) / 64 * 64; }
  size_t count_bytes() const { return (size_t{4} << digit_) + 64; }
  uint32_t* counts_of(std::byte* scratch, int part) const {
    return reinterpret_cast<uint32_t*>(scratch + 2 * list_bytes() +
                                       static_cast<size_t>(part) * count_bytes());
  }

  template <class Id>
  int64_t first_pass(const Id* ids, Item* to, std::byte* scratch) const {
    return move(
        n_, 0, scratch, to,
        [=](int64_t i) {
          const uint32_t row = ids[i] < 0 ? kNoRow : static_cast<uint32_t>(ids[i]);
          return Item{row, static_cast<uint32_t>(i)};
        },
        [](const Item& item) { return item.row != kNoRow; });
  }

  // One pass over n items by the digit at `shift`; returns how many were kept.
  template <class Get, class Keep>
  int64_t move(int64_t n, int shift, std::byte* scratch, Item* to, Get get, Keep keep) const {
    const size_t n_buckets = size_t{1} << digit_;
    const auto mask = static_cast<uint32_t>(n_buckets - 1);
    int parts_used = 1;
    parallel(threads_, [&](int part, int parts) {
      if (part == 0) parts_used = parts;
      uint32_t* count = counts_of(scratch, part);
      std::memset(count, 0, n_buckets * 4);
      const Range range = part_of(n, part, parts);
      for (int64_t i = range.begin; i < range.end; ++i) {
        const Item item = get(i);
        if (keep(item)) ++count[(item.row >> shift) & mask];
      }
    });
    uint32_t total = 0;
    for (size_t b = 0; b < n_buckets; ++b) {
      for (int part = 0; part < parts_used; ++part) {
        uint32_t& count = counts_of(scratch, part)[b];
        const uint32_t here = count;
        count = total;
        total += here;
      }
    }
    parallel(parts_used, [&](int part, int parts) {
      uint32_t* next = counts_of(scratch, part);
      const Range range = part_of(n, part, parts);
      for (int64_t i = range.begin; i < range.end; ++i) {
        const Item item = get(i);
        if (keep(item)) to[next[(item.row >> shift) & mask]++] = item;
      }
    });
    return total;
  }

  // Writes the sorted list out; returns the number of rows that occur.
  int32_t list_rows(const Item* items, int64_t n, int32_t* order, int32_t* rows,
                    int32_t* starts) const {
    int32_t heads[kMaxThreads] = {};
    auto is_head = [&](int64_t i) { return i == 0 || items[i].row != items[i - 1].row; };
    int parts_used = 1;
    parallel(threads_, [&](int part, int parts) {
      if (part == 0) parts_used = parts;
      const Range range = part_of(n, part, parts);
      for (int64_t i = range.begin; i < range.end; ++i) heads[part] += is_head(i) ? 1 : 0;
    });
    parallel(parts_used, [&](int part, int parts) {
      int32_t j = 0;
      for (int before = 0; before < part; ++before) j += heads[before];
      const Range range = part_of(n, part, parts);
      for (int64_t i = range.begin; i < range.end; ++i) {
        order[i] = static_cast<int32_t>(items[i].position);
        if (!is_head(i)) continue;
        rows[j] = static_cast<int32_t>(items[i].row);
        starts[j++] = static_cast<int32_t>(i);
      }
    });
    int32_t count = 0;
    for (int32_t h : heads) count += h;
    return count;
  }

  DType id_type_;
  int64_t n_, n_rows_;
  int threads_;
  int digit_ = 0, passes_ = 0;
};

}  // namespace

std::unique_ptr<Kernel> make_dedup(const KernelRequest& r) { return std::make_unique<Dedup>(r); }

}  // namespace andiron::exec
