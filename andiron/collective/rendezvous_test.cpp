#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "andiron/collective/fake_rank_testing.hpp"
#include "andiron/collective/ranks_testing.hpp"

// Who is let in, and who is not while the others go on.
namespace andiron::collective {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::vector<std::byte> bytes(const std::string& text) {
  const auto raw = std::as_bytes(std::span(text));
  return {raw.begin(), raw.end()};
}

bool has_refused(Communicator& c, const std::string& text) {
  for (int i = 0; i < 200; ++i) {
    for (const std::string& line : c.refused())
      if (line.find(text) != std::string::npos) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

void expect_ranks_work(Ranks& ranks) {
  on_ranks(ranks.size(), [&](int r) {
    std::vector<float> data(40'000, 1.0F);
    Result<> done = ranks[r].allreduce(std::span(data));
    EXPECT_TRUE(done.ok()) << done.failure().report();
    EXPECT_EQ(data[39'999], static_cast<float>(ranks.size()));
  });
}

TEST(CollectiveRendezvous, tls_ranks_sum_and_refuse_who_has_no_key) {
  Options options = test_options();
  options.tls = true;
  Ranks ranks = connect_ranks(3, options);
  for (const std::string& failure : ranks.failures) ASSERT_EQ(failure, "");
  auto stranger = connect_raw(ranks.addresses[0]);
  write_raw(*stranger, bytes("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_TRUE(has_refused(ranks[0], "TLS"));
  expect_ranks_work(ranks);
  // A plain peer that knows the secret has no place either.
  FakeRank plain({2, 3, "test run", 1, kTestSecret}, ranks.addresses);
  EXPECT_NE(plain.refusal(), "");
}

TEST(CollectiveRendezvous, strangers_are_refused_logged_and_cost_nothing) {
  std::atomic<int> logged{0};
  Options options = test_options();
  options.log = [&](const std::string&) { ++logged; };
  options.handshake_timeout = 300ms;
  Ranks ranks = connect_ranks(3, options);
  auto talker = connect_raw(ranks.addresses[0]);
  write_raw(*talker, std::vector<std::byte>(1 << 16, std::byte{'x'}));
  EXPECT_TRUE(closes_within(*talker, 1s));
  EXPECT_TRUE(has_refused(ranks[0], "does not speak Andiron's protocol"));
  auto mute = connect_raw(ranks.addresses[0]);
  EXPECT_TRUE(closes_within(*mute, 1s));
  EXPECT_TRUE(has_refused(ranks[0], "did not say who it is"));
  EXPECT_GE(logged.load(), 2);
  expect_ranks_work(ranks);
}

TEST(CollectiveRendezvous, ranks_meet_through_a_crowd_of_strangers) {
  Options options = test_options();
  options.handshake_timeout = 10s;
  const int n = 3;
  std::vector<Listener> listeners;
  std::vector<std::string> addresses;
  for (int r = 0; r < n; ++r) {
    listeners.push_back(Listener::bind("127.0.0.1").value_or_throw());
    addresses.push_back(listeners.back().address());
  }
  std::vector<std::unique_ptr<Stream>> crowd;
  for (int i = 0; i < 200; ++i) crowd.push_back(connect_raw(addresses[0]));
  on_ranks(n, [&](int r) {
    auto joined = Communicator::connect(std::move(listeners[static_cast<size_t>(r)]), r, addresses,
                                        kTestSecret, "test run", 1, options);
    ASSERT_TRUE(joined.ok()) << joined.failure().report();
    EXPECT_TRUE(joined.value()->barrier().ok());
  });
}

TEST(CollectiveRendezvous, other_secrets_runs_attempts_and_sizes_are_refused) {
  Ranks ranks = connect_ranks(2);
  struct Case {
    Membership who;
    std::string answer, log;
  };
  const std::vector<Case> cases = {
      {{1, 2, "test run", 1, "another secret of 16 bytes"},
       "does not know this job's secret",
       "did not answer the challenge"},
      {{1, 2, "yesterday's run", 1, kTestSecret}, "another run", "run 'yesterday's run'"},
      {{1, 2, "test run", 0, kTestSecret}, "another attempt", "attempt 0, this is attempt 1"},
      {{1, 3, "test run", 1, kTestSecret}, "another number of ranks", "counts 3 ranks"},
      {{1, 2, "test run", 1, kTestSecret}, "connected already", "rank 1 is connected already"},
  };
  for (const Case& c : cases) {
    FakeRank fake(c.who, {ranks.addresses[0]});
    EXPECT_THAT(fake.refusal(), HasSubstr(c.answer));
    EXPECT_TRUE(has_refused(ranks[0], c.log)) << c.log;
  }
  expect_ranks_work(ranks);
}

TEST(CollectiveRendezvous, a_replayed_handshake_is_refused) {
  std::vector<Listener> listeners;
  std::vector<std::string> addresses;
  for (int r = 0; r < 2; ++r) {
    listeners.push_back(Listener::bind("127.0.0.1").value_or_throw());
    addresses.push_back(listeners.back().address());
  }
  std::unique_ptr<Communicator> real;
  std::thread joining([&] {
    real = Communicator::connect(std::move(listeners[0]), 0, addresses, kTestSecret, "test run", 1,
                                 test_options())
               .value_or_throw();
  });
  FakeRank peer({1, 2, "test run", 1, kTestSecret}, addresses);
  joining.join();
  ASSERT_EQ(peer.recorded().size(), sizeof(Hello) + kDigestBytes);
  auto replayer = connect_raw(addresses[0]);
  write_raw(*replayer, peer.recorded());
  EXPECT_TRUE(closes_within(*replayer, 2s));
  EXPECT_TRUE(has_refused(*real, "says it is rank 1 but does not know this job's secret"));
  EXPECT_FALSE(real->fault().has_value());
}

TEST(CollectiveRendezvous, a_listener_without_the_secret_is_refused_by_the_dialing_side) {
  Listener impostor = Listener::bind("127.0.0.1").value_or_throw();
  Listener mine = Listener::bind("127.0.0.1").value_or_throw();
  Listener theirs = Listener::bind("127.0.0.1").value_or_throw();
  const std::vector<std::string> addresses = {theirs.address(), mine.address()};
  Options options = test_options();
  options.rendezvous_timeout = 1s;
  on_ranks(2, [&](int r) {
    auto joined = Communicator::connect(std::move(r == 0 ? theirs : mine), r, addresses,
                                        r == 0 ? "a secret of another job" : kTestSecret,
                                        "test run", 1, options);
    ASSERT_FALSE(joined.ok());
    if (r == 0) return;
    EXPECT_THAT(joined.failure().report(), HasSubstr("does not know this job's secret"));
  });
}

TEST(CollectiveRendezvous, a_missing_rank_is_named_when_time_is_over) {
  Listener zero = Listener::bind("127.0.0.1").value_or_throw();
  Listener one = Listener::bind("127.0.0.1").value_or_throw();
  Options options = test_options();
  options.rendezvous_timeout = 300ms;
  const std::vector<std::string> addresses = {zero.address(), one.address()};
  auto joined =
      Communicator::connect(std::move(zero), 0, addresses, kTestSecret, "test run", 1, options);
  ASSERT_FALSE(joined.ok());
  EXPECT_THAT(joined.failure().report(), HasSubstr("rank 0 did not meet rank(s) 1 within 300 ms"));
}

TEST(CollectiveRendezvous, an_address_where_nothing_listens_fails_soon) {
  std::string gone;
  {
    Listener closed = Listener::bind("127.0.0.1").value_or_throw();
    gone = closed.address();
  }
  Listener mine = Listener::bind("127.0.0.1").value_or_throw();
  const auto start = Clock::now();
  auto joined = Communicator::connect(std::move(mine), 1, {gone, "127.0.0.1:9"}, kTestSecret,
                                      "test run", 1, test_options());
  ASSERT_FALSE(joined.ok());
  EXPECT_THAT(joined.failure().report(), HasSubstr("nothing listens at " + gone));
  EXPECT_LT(Clock::now() - start, 4s);
}

// The last rank dials the others and is dialled by nobody.
TEST(CollectiveRendezvous, a_rank_that_died_before_it_dialled_is_missed_soon) {
  std::vector<Listener> listeners;
  std::vector<std::string> addresses;
  for (int r = 0; r < 3; ++r) {
    listeners.push_back(Listener::bind("127.0.0.1").value_or_throw());
    addresses.push_back(listeners.back().address());
  }
  {
    const Listener dies = std::move(listeners.back());
  }
  const auto start = Clock::now();
  on_ranks(2, [&](int r) {
    auto joined = Communicator::connect(std::move(listeners[static_cast<size_t>(r)]), r, addresses,
                                        kTestSecret, "test run", 1, test_options());
    ASSERT_FALSE(joined.ok());
    EXPECT_THAT(joined.failure().report(), HasSubstr("rank 2 has not come"));
    EXPECT_THAT(joined.failure().report(), HasSubstr("nothing listens at " + addresses[2]));
  });
  EXPECT_LT(Clock::now() - start, 10s);  // not the 20 s of the rendezvous
}

// As a machine without power: what is sent to it is lost.
TEST(CollectiveRendezvous, an_address_that_does_not_answer_is_given_up_in_time) {
  const int silent = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof at;
  ASSERT_EQ(::bind(silent, reinterpret_cast<sockaddr*>(&at), length), 0);
  ASSERT_EQ(::listen(silent, 0), 0);
  ASSERT_EQ(::getsockname(silent, reinterpret_cast<sockaddr*>(&at), &length), 0);
  // Behind a full queue the system drops who wants to connect.
  std::vector<int> queue;
  for (int i = 0; i < 8; ++i) {
    queue.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    (void)::connect(queue.back(), reinterpret_cast<sockaddr*>(&at), length);
  }
  Listener mine = Listener::bind("127.0.0.1").value_or_throw();
  Options options = test_options();
  options.rendezvous_timeout = 300ms;
  const std::string address = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
  const std::vector<std::string> addresses = {address, mine.address()};
  const auto start = Clock::now();
  auto joined =
      Communicator::connect(std::move(mine), 1, addresses, kTestSecret, "test run", 1, options);
  ASSERT_FALSE(joined.ok());
  EXPECT_THAT(joined.failure().report(), HasSubstr("did not meet rank(s) 0"));
  EXPECT_LT(Clock::now() - start, 10s);
  for (const int fd : queue) ::close(fd);
  ::close(silent);
}

TEST(CollectiveRendezvous, arguments_are_checked) {
  auto connect = [](int rank, std::string secret, std::vector<std::string> addresses) {
    return Communicator::connect(Listener::bind("127.0.0.1").value_or_throw(), rank, addresses,
                                 std::move(secret), "run", 0, test_options());
  };
  EXPECT_THROW((void)connect(2, kTestSecret, {"a:1", "b:2"}), Error);
  EXPECT_THROW((void)connect(0, "short", {"a:1"}), Error);
  for (const char* address : {"", "host", "host:", ":80", "host:0", "host:99999"})
    EXPECT_FALSE(parse_address(address).ok()) << address;
  EXPECT_EQ(parse_address("[::1]:80").value_or_throw().host, "::1");
  EXPECT_FALSE(Listener::bind("no such host").ok());
}

}  // namespace
}  // namespace andiron::collective
