#include "andiron/collective/ranks_testing.hpp"

namespace andiron::collective {

using namespace std::chrono_literals;

Options test_options() {
  Options options;
  options.rendezvous_timeout = 20s;
  options.handshake_timeout = 2s;
  options.heartbeat_timeout = 20s;
  options.operation_timeout = 30s;
  options.socket_buffer_bytes = 4 << 10;
  options.log = [](const std::string&) {};
  return options;
}

void on_ranks(int n, const std::function<void(int)>& f) {
  std::vector<std::thread> threads;
  for (int r = 0; r < n; ++r) threads.emplace_back(f, r);
  for (std::thread& thread : threads) thread.join();
}

Ranks connect_ranks(int n, const Options& options) {
  const auto count = static_cast<size_t>(n);
  Ranks ranks{
      std::vector<std::unique_ptr<Communicator>>(count), std::vector<std::string>(count), {}};
  std::vector<Listener> listeners;
  for (int r = 0; r < n; ++r) {
    listeners.push_back(Listener::bind("127.0.0.1").value_or_throw());
    ranks.addresses.push_back(listeners.back().address());
  }
  on_ranks(n, [&](int r) {
    const auto i = static_cast<size_t>(r);
    auto joined = Communicator::connect(std::move(listeners[i]), r, ranks.addresses, kTestSecret,
                                        "test run", 1, options);
    if (joined)
      ranks.all[i] = std::move(joined).value();
    else
      ranks.failures[i] = joined.failure().report();
  });
  return ranks;
}

}  // namespace andiron::collective
