#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "andiron/base/waiting.hpp"
#include "andiron/collective/fake_rank_testing.hpp"
#include "andiron/collective/ranks_testing.hpp"

// What goes wrong between ranks, and that every rank learns it in time and by its true name.
namespace andiron::collective {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

Membership membership(int rank, int size) { return {rank, size, "test run", 1, kTestSecret}; }

/// n real ranks and a fake one above them.
struct WithFake {
  explicit WithFake(int n, const Options& options = test_options()) : size(n + 1) {
    std::vector<Listener> listeners;
    for (int r = 0; r < size; ++r) {
      listeners.push_back(Listener::bind("127.0.0.1").value_or_throw());
      addresses.push_back(listeners.back().address());
    }
    real.resize(static_cast<size_t>(n));
    std::thread joining([&] {
      on_ranks(n, [&](int r) {
        const auto i = static_cast<size_t>(r);
        auto joined = Communicator::connect(std::move(listeners[i]), r, addresses, kTestSecret,
                                            "test run", 1, options);
        EXPECT_TRUE(joined.ok()) << joined.failure().report();
        if (joined) real[i] = std::move(joined).value();
      });
    });
    fake.emplace(membership(n, size), addresses);
    joining.join();
    EXPECT_EQ(fake->refusal(), "");
  }
  Communicator& operator[](int r) { return *real[static_cast<size_t>(r)]; }

  /// A barrier's message from the fake rank, as a real one would send it.
  Header barrier_header() const {
    Header h;
    h.run = membership(0, size).run_key();
    h.sender = static_cast<uint32_t>(size - 1);
    return h;
  }

  int size;
  std::vector<std::string> addresses;
  std::vector<std::unique_ptr<Communicator>> real;
  std::optional<FakeRank> fake;
};

void expect_fault(Communicator& c, FaultKind kind, int culprit, const std::string& text) {
  const std::optional<Fault> fault = c.fault();
  ASSERT_TRUE(fault.has_value()) << "rank " << c.rank() << " knows of no fault";
  EXPECT_EQ(name_of(fault->kind), name_of(kind)) << fault->failure.report();
  EXPECT_EQ(fault->culprit, culprit) << fault->failure.report();
  EXPECT_THAT(fault->failure.report(), HasSubstr(text));
}

/// Calls f and expects that it takes at most that time.
template <class F>
void within(std::chrono::milliseconds time, F&& f) {
  const auto start = Clock::now();
  f();
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
  EXPECT_LT(took.count(), time.count());
}

TEST(CollectiveFaults, a_dead_rank_is_known_to_all_within_a_second) {
  WithFake world(3);
  // Rank 1 waits for rank 0, which does nothing; rank 2 waits for the dead one.
  std::thread killer([&] {
    std::this_thread::sleep_for(100ms);
    world.fake->die();
  });
  within(1100ms, [&] {
    on_ranks(3, [&](int r) {
      if (r == 0) return;
      std::vector<std::byte> data(300'000);
      Result<> result = r == 1 ? world[r].broadcast(data, 0) : world[r].broadcast(data, 3);
      ASSERT_FALSE(result.ok());
      EXPECT_THAT(result.failure().report(), HasSubstr("broadcast of 300000 bytes"));
    });
  });
  killer.join();
  for (int r : {1, 2}) expect_fault(world[r], FaultKind::lost, 3, "rank 3 is gone");
  // Also at a rank that was idle: its next collective fails at once.
  within(500ms, [&] { EXPECT_FALSE(world[0].barrier().ok()); });
  expect_fault(world[0], FaultKind::lost, 3, "rank 3 is gone");
}

TEST(CollectiveFaults, a_silent_rank_is_stalled_after_the_set_time) {
  Options options = test_options();
  options.heartbeat_timeout = 400ms;
  WithFake world(2, options);
  within(1500ms, [&] { on_ranks(2, [&](int r) { EXPECT_FALSE(world[r].barrier().ok()); }); });
  for (int r : {0, 1}) expect_fault(world[r], FaultKind::stalled, 2, "rank 2 was not heard of");
}

TEST(CollectiveFaults, a_rank_that_stops_in_the_middle_of_a_large_sum_is_stalled) {
  Options options = test_options();
  options.heartbeat_timeout = 400ms;
  WithFake world(2, options);
  std::vector<std::vector<float>> data(2, std::vector<float>(1 << 20, 1.0F));
  Header header = world.barrier_header();
  header.kind = Kind::allreduce;
  header.element = Element::f32;
  header.total = data[0].size() * sizeof(float);
  header.bytes = 256 << 10;  // of the first block
  std::thread writer([&] {
    for (int r : {0, 1}) world.fake->write(r, header, std::vector<std::byte>(100'000));
  });
  within(1500ms, [&] {
    on_ranks(2, [&](int r) {
      EXPECT_FALSE(world[r].allreduce(std::span(data[static_cast<size_t>(r)])).ok());
    });
  });
  writer.join();
  for (int r : {0, 1}) expect_fault(world[r], FaultKind::stalled, 2, "rank 2 was not heard of");
}

TEST(CollectiveFaults, heartbeats_keep_idle_ranks_together) {
  Options options = test_options();
  options.heartbeat_timeout = 300ms;
  Ranks ranks = connect_ranks(3, options);
  std::this_thread::sleep_for(900ms);
  on_ranks(3, [&](int r) { EXPECT_TRUE(ranks[r].barrier().ok()); });
}

TEST(CollectiveFaults, a_cut_data_connection_is_known_to_all) {
  WithFake world(2);
  std::thread cutter([&] {
    std::this_thread::sleep_for(50ms);
    world.fake->cut(1, Channel::data);
  });
  within(1500ms, [&] {
    on_ranks(2, [&](int r) {
      std::vector<std::byte> data(1);
      EXPECT_FALSE(world[r].broadcast(data, 2).ok());
    });
  });
  cutter.join();
  expect_fault(world[1], FaultKind::lost, 2, "lost the connection to rank 2 while receiving");
  expect_fault(world[0], FaultKind::lost, 2, "rank 1 reports: lost the connection to rank 2");
}

TEST(CollectiveFaults, a_rank_that_never_comes_is_named_by_all_when_time_is_over) {
  Options options = test_options();
  options.operation_timeout = 400ms;
  options.heartbeat_timeout = 600ms;
  Ranks ranks = connect_ranks(4, options);
  on_ranks(4, [&](int r) { EXPECT_TRUE(ranks[r].barrier().ok()); });
  // All but rank 2, of which some wait for others that wait for rank 2.
  within(1500ms, [&] {
    on_ranks(4, [&](int r) {
      std::vector<float> data(100'000);
      if (r == 2) return;
      EXPECT_FALSE(ranks[r].allreduce(std::span(data), {5, 0}).ok());
    });
  });
  std::this_thread::sleep_for(50ms);
  for (int r = 0; r < 4; ++r) expect_fault(ranks[r], FaultKind::stalled, 2, "has not begun");
}

TEST(CollectiveFaults, a_slow_rank_is_waited_for) {
  Ranks ranks = connect_ranks(3);
  on_ranks(3, [&](int r) {
    if (r == 1) std::this_thread::sleep_for(300ms);
    std::vector<float> data(50'000, 1.0F);
    EXPECT_TRUE(ranks[r].allreduce(std::span(data)).ok());
    EXPECT_EQ(data[49'999], 3.0F);
  });
}

TEST(CollectiveFaults, other_sizes_are_an_error_that_names_both) {
  for (const size_t n : {10, 100'000}) {
    Ranks ranks = connect_ranks(2);
    on_ranks(2, [&](int r) {
      std::vector<float> data(n + static_cast<size_t>(r));
      EXPECT_FALSE(ranks[r].allreduce(std::span(data)).ok());
    });
    const auto fault = ranks[0].fault();
    ASSERT_TRUE(fault.has_value());
    EXPECT_EQ(fault->kind, FaultKind::mismatch);
    EXPECT_THAT(fault->failure.report(), HasSubstr("bytes in all"));
    EXPECT_THAT(fault->failure.report(), HasSubstr(std::to_string(4 * n)));
    EXPECT_THAT(fault->failure.report(), HasSubstr(std::to_string(4 * n + 4)));
  }
}

TEST(CollectiveFaults, another_step_bucket_kind_or_dtype_is_an_error_that_names_both) {
  struct Case {
    std::function<Result<>(Communicator&)> zero, one;
    std::string text;
  };
  std::vector<float> f(4);
  std::vector<double> d(2);
  std::vector<int64_t> i(2);
  std::vector<std::byte> b(16);
  const std::vector<Case> cases = {
      {[&](auto& c) { return c.allreduce(std::span(f), {7, 1}); },
       [&](auto& c) { return c.allreduce(std::span(d), {7, 1}); }, "element float"},
      {[](auto& c) { return c.barrier({7, 1}); }, [](auto& c) { return c.barrier({8, 1}); },
       "step "},
      {[](auto& c) { return c.barrier({7, 1}); }, [](auto& c) { return c.barrier({7, 2}); },
       "bucket "},
      {[](auto& c) { return c.barrier(); }, [&](auto& c) { return c.allreduce(std::span(i)); },
       "collective "},
      {[&](auto& c) { return c.broadcast(b, 1); }, [](auto& c) { return c.barrier(); },
       "collective "},
  };
  for (const Case& one : cases) {
    Ranks ranks = connect_ranks(2);
    on_ranks(2, [&](int r) {
      // The one that only sends may have ended well before.
      (void)(r == 0 ? one.zero(ranks[0]) : one.one(ranks[1]));
      (void)ranks[r].barrier({99, 0});
    });
    for (int r : {0, 1}) {
      const auto fault = ranks[r].fault();
      ASSERT_TRUE(fault.has_value()) << one.text;
      EXPECT_EQ(fault->kind, FaultKind::mismatch);
      EXPECT_THAT(fault->failure.report(), HasSubstr(one.text));
    }
  }
}

TEST(CollectiveFaults, a_doubled_message_is_an_error) {
  WithFake world(1);
  world.fake->write(0, world.barrier_header());
  world.fake->write(0, world.barrier_header());
  EXPECT_TRUE(world[0].barrier().ok());
  EXPECT_FALSE(world[0].barrier().ok());
  expect_fault(world[0], FaultKind::mismatch, 1, "sequence 0 there, 1 here");
}

TEST(CollectiveFaults, a_message_of_another_run_is_an_error) {
  WithFake world(1);
  Header header = world.barrier_header();
  header.run += 1;
  world.fake->write(0, header);
  EXPECT_FALSE(world[0].barrier().ok());
  expect_fault(world[0], FaultKind::mismatch, 1, "run ");
}

TEST(CollectiveFaults, a_part_of_a_message_is_never_a_sum) {
  WithFake world(1);
  Header header = world.barrier_header();
  header.kind = Kind::allreduce;
  header.element = Element::f32;
  header.total = header.bytes = 4000;
  world.fake->write(0, header, std::vector<std::byte>(3996));
  std::thread killer([&] {
    std::this_thread::sleep_for(50ms);
    world.fake->die();
  });
  std::vector<float> data(1000, 1.0F);
  EXPECT_FALSE(world[0].allreduce(std::span(data)).ok());
  killer.join();
  expect_fault(world[0], FaultKind::lost, 1, "rank 1");
}

TEST(CollectiveFaults, garbage_on_either_connection_is_an_error) {
  const std::vector<std::byte> garbage(5000, std::byte{0xAB});
  for (const Channel channel : {Channel::control, Channel::data}) {
    WithFake world(1);
    world.fake->write(0, channel, garbage);
    EXPECT_FALSE(world[0].barrier().ok());
    ASSERT_TRUE(world[0].fault().has_value());
    EXPECT_EQ(world[0].fault()->culprit, 1);
  }
}

TEST(CollectiveFaults, abort_brings_the_reason_to_all) {
  Ranks ranks = connect_ranks(4);
  within(1000ms, [&] {
    on_ranks(4, [&](int r) {
      if (r == 2)
        ranks[r].abort("ValueError: the label is 'maybe'");
      else
        EXPECT_FALSE(ranks[r].barrier().ok());
    });
  });
  for (int r : {0, 1, 3})
    expect_fault(ranks[r], FaultKind::aborted, 2,
                 "rank 2 reports: ValueError: the label is 'maybe'");
  Result<> next = ranks[0].barrier();
  ASSERT_FALSE(next.ok());
  EXPECT_THAT(next.failure().report(), HasSubstr("the label is 'maybe'"));
}

// As Ctrl-C does it (bindings/training.cpp), in both kinds of waits.
TEST(CollectiveFaults, who_looks_up_while_it_waits_can_give_up) {
  for (const bool on_its_own_thread : {true, false}) {
    Ranks ranks = connect_ranks(2);
    within(5000ms, [&] {
      const WhileWaiting waiting([&] { ranks[1].abort("interrupted"); });
      Result<> result = on_its_own_thread ? ranks[1].barrier() : ranks[1].barrier_start().wait();
      EXPECT_FALSE(result.ok());
    });
    expect_fault(ranks[1], FaultKind::aborted, 1, "interrupted");
    (void)ranks[0].barrier();  // rank 1's message had left before it gave up
    EXPECT_FALSE(ranks[0].barrier().ok());
    expect_fault(ranks[0], FaultKind::aborted, 1, "rank 1 reports: interrupted");
  }
}

TEST(CollectiveFaults, destruction_in_the_middle_ends_quickly_and_tells_the_others) {
  Ranks ranks = connect_ranks(3);
  std::vector<float> data(500'000), other(500'000);
  Request pending = ranks[0].allreduce_start(std::span(data), {1, 0});
  Request queued = ranks[0].barrier_start();
  Request remote = ranks[1].allreduce_start(std::span(other), {1, 0});
  std::this_thread::sleep_for(30ms);
  within(1000ms, [&] { ranks.all[0].reset(); });
  EXPECT_FALSE(pending.wait().ok());
  EXPECT_FALSE(queued.wait().ok());
  within(1000ms, [&] { EXPECT_FALSE(remote.wait().ok()); });
  expect_fault(ranks[1], FaultKind::aborted, 0,
               "rank 0 closed its communicator with 2 collectives");
}

TEST(CollectiveFaults, leaving_in_peace_is_no_fault_until_somebody_needs_it) {
  Ranks ranks = connect_ranks(3);
  on_ranks(3, [&](int r) { EXPECT_TRUE(ranks[r].barrier().ok()); });
  within(1000ms, [&] { ranks.all[1].reset(); });
  std::this_thread::sleep_for(50ms);
  EXPECT_FALSE(ranks[0].fault().has_value());
  EXPECT_FALSE(ranks[2].fault().has_value());
  EXPECT_FALSE(ranks[0].barrier().ok());
  expect_fault(ranks[0], FaultKind::lost, 1, "rank 1 has left after 1 collectives");
}

TEST(CollectiveFaults, closing_twice_and_calling_after_it_are_errors_not_crashes) {
  Ranks ranks = connect_ranks(1);
  EXPECT_TRUE(ranks[0].barrier().ok());
  ranks[0].close();
  ranks[0].close();
  EXPECT_FALSE(ranks[0].barrier().ok());
  EXPECT_FALSE(ranks[0].barrier_start().wait().ok());
}

}  // namespace
}  // namespace andiron::collective
