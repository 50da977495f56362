#include "andiron/collective/algorithms.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "andiron/collective/memory_transport_testing.hpp"
#include "andiron/collective/ranks_testing.hpp"
#include "andiron/collective/ring.hpp"

namespace andiron::collective {
namespace {

using Bytes = std::vector<std::byte>;

/// Ranks over both transports: whatever holds for one holds for the other.
struct World {
  explicit World(const std::string& transport, int n, const Options& options = test_options())
      : memory(n) {
    if (transport == "tcp") {
      ranks = connect_ranks(n, options);
      return;
    }
    for (int r = 0; r < n; ++r)
      ranks.all.push_back(std::make_unique<Communicator>(memory.rank(r), test_options(), 7));
  }
  MemoryNetwork memory;
  Ranks ranks;
};

/// Any integers, or numbers in [-2, 2). Millions are drawn, also by unoptimized code that a
/// sanitizer watches: so by Knuth's linear congruential generator.
template <class T>
std::vector<T> numbers(size_t n, int rank) {
  uint64_t state = 1000 + static_cast<uint64_t>(rank);
  std::vector<T> out(n);
  for (T& x : out) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    if constexpr (std::is_integral_v<T>)
      x = static_cast<T>(state);
    else
      x = static_cast<T>(static_cast<double>(static_cast<int64_t>(state)) * 0x1p-62);
  }
  return out;
}

/// The sum over the ranks in double, or in wrapping integers.
template <class T>
auto brute_force(const std::vector<std::vector<T>>& data) {
  std::vector<std::conditional_t<std::is_integral_v<T>, uint64_t, double>> sum(data[0].size());
  for (const std::vector<T>& x : data)
    for (size_t i = 0; i < x.size(); ++i)
      sum[i] += static_cast<typename decltype(sum)::value_type>(x[i]);
  return sum;
}

template <class T>
void expect_sum(World& world, size_t n, Wire wire, double tolerance) {
  const int size = world.ranks.size();
  std::vector<std::vector<T>> data;
  for (int r = 0; r < size; ++r) data.push_back(numbers<T>(n, r));
  const auto sum = brute_force(data);
  on_ranks(size, [&](int r) {
    Result<> done = world.ranks[r].allreduce(std::span(data[static_cast<size_t>(r)]), {3, 1}, wire);
    EXPECT_TRUE(done.ok()) << done.failure().report();
  });
  for (size_t i = 0; i < n; ++i) {
    if constexpr (std::is_integral_v<T>) {
      ASSERT_EQ(static_cast<uint64_t>(data[0][i]), sum[i]) << "at " << i << " of " << n;
    } else {
      ASSERT_NEAR(static_cast<double>(data[0][i]), sum[i], tolerance * std::max(1, size))
          << "at " << i << " of " << n;
    }
  }
  for (int r = 1; n > 0 && r < size; ++r)
    ASSERT_EQ(std::memcmp(data[0].data(), data[static_cast<size_t>(r)].data(), n * sizeof(T)), 0)
        << "rank " << r << " has other bits than rank 0, n=" << n;
}

class Collectives : public testing::TestWithParam<std::tuple<std::string, int>> {
 protected:
  World world{std::get<0>(GetParam()), std::get<1>(GetParam())};
  int size = std::get<1>(GetParam());
};

TEST_P(Collectives, allreduce_is_the_sum_with_the_same_bits_on_every_rank) {
  // 0, 1, fewer than ranks, odd.
  for (const size_t n : {0, 1, 3, 7, 1000, 5001}) {
    expect_sum<float>(world, n, Wire::same, 1e-6);
    expect_sum<double>(world, n, Wire::same, 1e-14);
    expect_sum<int64_t>(world, n, Wire::same, 0);
  }
}

TEST_P(Collectives, bfloat16_on_the_wire_costs_two_roundings_however_many_ranks) {
  // Contributions of about 1 are rounded to 8 bits, and the sum again.
  for (const size_t n : {0, 1, 3, 1000, 5001})
    expect_sum<float>(world, n, Wire::bf16, size > 1 ? 0.03 : 1e-6);
}

TEST_P(Collectives, large_allreduces_are_the_sum_too) {
  // Just over each algorithm's limit, and several chunks and blocks; a ring from 9 ranks on.
  for (const size_t n : {9001, 140003, size <= 3 ? 400003 : 70001}) {
    expect_sum<float>(world, n, Wire::same, 1e-6);
    expect_sum<float>(world, n, Wire::bf16, size > 1 ? 0.03 : 1e-6);
  }
}

TEST_P(Collectives, every_algorithm_sums_at_every_size) {
  using Function = Result<> (*)(Operation&, std::span<std::byte>);
  if (std::get<0>(GetParam()) == "tcp" || size == 1) return;
  for (Function f : {allreduce_doubling, allreduce_halving, allreduce_direct, allreduce_ring}) {
    for (const size_t n : {0, 1, 5, 1001, 50001, 200001}) {
      MemoryNetwork network(size);
      std::vector<std::vector<double>> data;
      for (int r = 0; r < size; ++r) data.push_back(numbers<double>(n, r));
      const auto sum = brute_force(data);
      on_ranks(size, [&](int r) {
        auto transport = network.rank(r);
        Workspace workspace;
        Header header;
        header.element = Element::f64;
        Operation op(*transport, header, Clock::now() + std::chrono::seconds(20), workspace);
        Result<> done = f(op, std::as_writable_bytes(std::span(data[static_cast<size_t>(r)])));
        EXPECT_TRUE(done.ok()) << done.failure().report();
      });
      for (size_t i = 0; i < n; ++i) ASSERT_NEAR(data[0][i], sum[i], 1e-13);
      for (const auto& d : data) ASSERT_EQ(d, data[0]);
    }
  }
}

TEST_P(Collectives, allgather_takes_any_number_of_bytes_from_each) {
  for (const size_t unit : {0, 1, 300, 90000}) {
    std::vector<Gathered> out(static_cast<size_t>(size));
    // Rank 1 has none, the others different numbers.
    auto mine = [&](int r) {
      return Bytes(r == 1 ? 0 : unit * static_cast<size_t>(r + 1), std::byte(r + 1));
    };
    on_ranks(size, [&](int r) {
      Result<> done = world.ranks[r].allgather(mine(r), out[static_cast<size_t>(r)]);
      EXPECT_TRUE(done.ok()) << done.failure().report();
    });
    for (int r = 0; r < size; ++r) {
      for (int s = 0; s < size; ++s) {
        const std::span<const std::byte> got = out[static_cast<size_t>(r)].of(s);
        ASSERT_EQ(Bytes(got.begin(), got.end()), mine(s)) << "of rank " << s << " at " << r;
      }
    }
  }
}

TEST_P(Collectives, allgather_in_slots_leaves_what_is_there) {
  for (const size_t unit : {0, 1, 300, 90000}) {
    const size_t slot = unit * static_cast<size_t>(size + 1);
    const Bytes untouched(slot, std::byte{77});
    auto bytes_of = [&](int r) { return r == 1 ? 0 : unit * static_cast<size_t>(r + 1); };
    std::vector<Bytes> memory(static_cast<size_t>(size));
    on_ranks(size, [&](int r) {
      Bytes& mine = memory[static_cast<size_t>(r)];
      for (int s = 0; s < size; ++s) mine.insert(mine.end(), untouched.begin(), untouched.end());
      std::fill_n(mine.begin() + static_cast<ptrdiff_t>(slot) * r, bytes_of(r), std::byte(r + 1));
      Slots slots{mine, slot, std::vector<size_t>(static_cast<size_t>(size), bytes_of(r))};
      Result<> done = world.ranks[r].allgather(slots);
      EXPECT_TRUE(done.ok()) << done.failure().report();
      for (int s = 0; s < size; ++s) EXPECT_EQ(slots.sizes[static_cast<size_t>(s)], bytes_of(s));
    });
    Bytes wanted;
    for (int s = 0; s < size; ++s) {
      wanted.insert(wanted.end(), bytes_of(s), std::byte(s + 1));
      wanted.insert(wanted.end(), slot - bytes_of(s), std::byte{77});
    }
    for (const Bytes& m : memory) ASSERT_EQ(m, wanted);
  }
}

TEST_P(Collectives, allgather_refuses_more_than_fits_a_slot) {
  if (size == 1) return;
  on_ranks(size, [&](int r) {
    // The last rank was told of larger slots.
    const size_t slot = r + 1 == size ? 900 : 90;
    Bytes memory(slot * static_cast<size_t>(size));
    Slots slots{memory, slot, std::vector<size_t>(static_cast<size_t>(size), slot)};
    Result<> done = world.ranks[r].allgather(slots);
    if (r + 1 == size) return;  // it may have all that it wants
    EXPECT_FALSE(done.ok());
  });
}

TEST_P(Collectives, broadcast_brings_the_roots_data_from_every_root) {
  for (const size_t n : {0, 1, 5000, 300001}) {
    for (int root = 0; root < size; ++root) {
      std::vector<Bytes> data;
      for (int r = 0; r < size; ++r) data.emplace_back(n, std::byte(r));
      on_ranks(size, [&](int r) {
        Result<> done = world.ranks[r].broadcast(data[static_cast<size_t>(r)], root);
        EXPECT_TRUE(done.ok()) << done.failure().report();
      });
      for (const Bytes& d : data) ASSERT_EQ(d, Bytes(n, std::byte(root)));
    }
  }
}

TEST_P(Collectives, broadcast_bytes_tells_the_size_too) {
  std::vector<Bytes> data(static_cast<size_t>(size));
  const Bytes wanted(777, std::byte{9});
  data.back() = wanted;
  on_ranks(size, [&](int r) {
    Result<> done = world.ranks[r].broadcast_bytes(data[static_cast<size_t>(r)], size - 1);
    EXPECT_TRUE(done.ok()) << done.failure().report();
  });
  for (const Bytes& d : data) EXPECT_EQ(d, wanted);
}

TEST_P(Collectives, nobody_leaves_a_barrier_before_all_have_entered) {
  for (int last = 0; last < size; ++last) {
    std::atomic<int> entered{0};
    on_ranks(size, [&](int r) {
      if (r == last) std::this_thread::sleep_for(std::chrono::milliseconds(20));
      ++entered;
      EXPECT_TRUE(world.ranks[r].barrier().ok());
      EXPECT_EQ(entered.load(), size);
    });
  }
}

TEST_P(Collectives, started_ones_run_in_order_and_mix_with_those_that_wait) {
  constexpr int kBuckets = 5;
  on_ranks(size, [&](int r) {
    std::vector<std::vector<float>> data;
    for (int b = 0; b < kBuckets; ++b)
      data.emplace_back(3000, static_cast<float>((r + 1) * (b + 1)));
    std::vector<Request> requests;
    for (uint32_t b = 0; b < kBuckets; ++b)
      requests.push_back(world.ranks[r].allreduce_start(std::span(data[b]), {1, b}));
    std::vector<int64_t> one{1};
    EXPECT_TRUE(world.ranks[r].allreduce(std::span(one)).ok());
    EXPECT_EQ(one[0], size);
    for (const Request& request : requests) EXPECT_TRUE(request.wait().ok());
    for (int b = 0; b < kBuckets; ++b) {
      const auto expected = static_cast<float>((b + 1) * size * (size + 1) / 2);
      EXPECT_EQ(data[static_cast<size_t>(b)], std::vector<float>(3000, expected));
    }
  });
}

INSTANTIATE_TEST_SUITE_P(, Collectives,
                         testing::Combine(testing::Values("memory", "tcp"),
                                          testing::Values(1, 2, 3, 4, 5, 6, 7, 8, 9)),
                         [](const auto& info) {
                           return std::get<0>(info.param) + "_" +
                                  std::to_string(std::get<1>(info.param));
                         });

TEST(CollectiveSums, have_the_same_bits_even_from_two_nans) {
  constexpr int kSize = 5;
  for (const size_t n : {9, 30000}) {
    World world("memory", kSize);
    std::vector<std::vector<uint32_t>> data(kSize);
    for (uint32_t r = 0; r < kSize; ++r) data[r].assign(n, 0x7FC00000U + r);  // other payloads
    on_ranks(kSize, [&](int r) {
      const auto bytes = std::as_writable_bytes(std::span(data[static_cast<size_t>(r)]));
      EXPECT_TRUE(world.ranks[r].allreduce(Element::f32, bytes).ok());
    });
    for (const auto& d : data) EXPECT_EQ(d, data[0]);
  }
}

TEST(CollectiveTraffic, of_an_allreduce_is_the_optimum) {
  Options options = test_options();
  options.socket_buffer_bytes = 0;
  for (const int size : {2, 4, 7}) {
    World world("tcp", size, options);
    std::vector<std::vector<float>> data(static_cast<size_t>(size), std::vector<float>(1 << 20));
    for (const Wire wire : {Wire::same, Wire::bf16}) {
      std::vector<double> sent(static_cast<size_t>(size));
      on_ranks(size, [&](int r) {
        const Costs before = world.ranks[r].costs();
        EXPECT_TRUE(
            world.ranks[r].allreduce(std::span(data[static_cast<size_t>(r)]), {}, wire).ok());
        const Costs after = world.ranks[r].costs();
        const size_t kind = static_cast<size_t>(Kind::allreduce);
        sent[static_cast<size_t>(r)] = static_cast<double>(after[kind].traffic.payload_sent -
                                                           before[kind].traffic.payload_sent);
      });
      const double optimum = 2.0 * (size - 1) / size * (4 << 20) / (wire == Wire::bf16 ? 2 : 1);
      for (const double bytes : sent) EXPECT_NEAR(bytes, optimum, 0.001 * optimum);
    }
  }
}

TEST(Bfloat16, rounds_to_nearest_even_and_keeps_nan_and_infinity) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> x = {1.0F, 1.00390625F, 1.01171875F, -inf, 3.4e38F, 1e-40F};
  std::vector<uint16_t> wire(x.size());
  std::vector<float> back(x.size());
  to_bf16(wire.data(), x.data(), x.size());
  from_bf16(back.data(), wire.data(), x.size());
  EXPECT_THAT(std::span(back).first(5), testing::ElementsAre(1.0F, 1.0F, 1.015625F, -inf, inf));
  const float nan = std::numeric_limits<float>::signaling_NaN();
  to_bf16(wire.data(), &nan, 1);
  from_bf16(back.data(), wire.data(), 1);
  EXPECT_TRUE(std::isnan(back[0]));
}

}  // namespace
}  // namespace andiron::collective
