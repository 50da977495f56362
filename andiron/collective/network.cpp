#include "andiron/collective/network.hpp"

#include <asio/post.hpp>
#include <cstdio>
#include <deque>
#include <thread>

#include "andiron/collective/rendezvous.hpp"
#include "andiron/collective/watch.hpp"

namespace andiron::collective {

using namespace std::chrono_literals;

namespace {

constexpr size_t kKeptRefusals = 64;
// What peers may take to accept our last words.
constexpr auto kFarewellTime = 300ms;

}  // namespace

struct Network::Impl {
  Impl(int listening_fd, Membership membership, Options o, Fate& f)
      : me(std::move(membership)),
        options(std::move(o)),
        fate(f),
        watch(io, me.rank, me.size, options, f),
        rendezvous(io, listening_fd, me, options, events()),
        data(static_cast<size_t>(me.size)) {}

  Rendezvous::Events events() {
    return {[this](int peer, Channel channel, std::shared_ptr<AsyncStream> stream) {
              connected(peer, channel, std::move(stream));
            },
            [this](int peer, Failure why) { fate.fail({FaultKind::lost, peer, std::move(why)}); },
            [this](const std::string& text) { refuse(text); }};
  }

  void connected(int peer, Channel channel, std::shared_ptr<AsyncStream> stream) {
    if (channel == Channel::control) {
      watch.add(peer, std::move(stream));
    } else {
      std::lock_guard lock(mutex);
      data[static_cast<size_t>(peer)] = stream->detach();
    }
    std::lock_guard lock(mutex);
    met.emplace(peer, channel);
    changed.notify_all();
  }

  void refuse(const std::string& text) {
    const std::string line =
        fmt::format("[collective] rank {} of run '{}' refused {}", me.rank, me.run_id, text);
    {
      std::lock_guard lock(mutex);
      if (refusals.size() == kKeptRefusals) refusals.pop_front();
      refusals.push_back(line);
      if (++refusals_logged > 1000) return;  // a scan of ports must not fill a disk
    }
    if (options.log)
      options.log(line);
    else
      std::fprintf(stderr, "%s\n", line.c_str());
  }

  void run() noexcept {
    try {
      io.run();
    } catch (const std::exception& e) {
      fate.fail({FaultKind::lost, me.rank, failure("the network thread ended: {}", e.what())});
    }
  }

  Result<> wait_until_all_are_here() {
    const Deadline deadline = Clock::now() + options.rendezvous_timeout;
    const size_t all = static_cast<size_t>(me.size - 1) * kChannels;
    std::unique_lock lock(mutex);
    while (met.size() < all) {
      changed.wait_for(lock, 20ms);
      if (fate.failed()) return fate.fault().failure;
      if (Clock::now() > deadline) {
        const auto [missing, text] = missing_ranks();
        lock.unlock();
        return fate
            .fail({FaultKind::stalled, missing,
                   failure("{} within {} ms", text, options.rendezvous_timeout.count())})
            .failure;
      }
      if (options.interrupted) {
        lock.unlock();
        if (options.interrupted())
          return fate
              .fail({FaultKind::aborted, me.rank, failure("rank {} was interrupted", me.rank)})
              .failure;
        lock.lock();
      }
    }
    return success();
  }

  std::pair<int, std::string> missing_ranks() const {
    int first = -1;
    std::string text;
    for (int peer = 0; peer < me.size; ++peer) {
      if (peer == me.rank ||
          (met.count({peer, Channel::control}) != 0 && met.count({peer, Channel::data}) != 0))
        continue;
      if (first < 0) first = peer;
      text += (text.empty() ? "" : ", ") + std::to_string(peer);
    }
    return {first, fmt::format("rank {} did not meet rank(s) {}", me.rank, text)};
  }

  Membership me;
  Options options;
  Fate& fate;
  // The context is destroyed after all that hangs on it.
  asio::io_context io{1};
  Watch watch;
  Rendezvous rendezvous;
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::set<std::pair<int, Channel>> met;
  std::vector<std::unique_ptr<Stream>> data;
  std::deque<std::string> refusals;
  size_t refusals_logged = 0;
  std::thread thread;
};

Network::Network(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Network>> Network::join(Listener listener,
                                               const std::vector<std::string>& addresses,
                                               Membership me, Options options, Fate& fate) {
  std::unique_ptr<Network> network(new Network(
      std::make_unique<Impl>(listener.release(), std::move(me), std::move(options), fate)));
  Impl& impl = *network->impl_;
  fate.on_failure([&impl](const Fault& fault) {
    if (fault.kind == FaultKind::closed) return;  // a goodbye is enough
    asio::post(impl.io, [&impl, fault] { impl.watch.spread(fault); });
  });
  impl.watch.start();
  impl.rendezvous.start(addresses);
  impl.thread = std::thread([&impl] { impl.run(); });
  if (Result<> here = impl.wait_until_all_are_here(); !here) return here.failure();
  return network;
}

Network::~Network() {
  Impl& impl = *impl_;
  if (!impl.thread.joinable()) return;
  // From here on no failure is the first one, so none calls for this network any more.
  impl.fate.fail({FaultKind::closed, impl.me.rank, failure("rank {} closed", impl.me.rank)});
  // All on the io thread: say goodbye, give it a moment, then end every wait.
  struct Farewell : std::enable_shared_from_this<Farewell> {
    explicit Farewell(Impl& i) : impl(i), timer(i.io), until(Clock::now() + kFarewellTime) {}
    void wait() {
      if (impl.watch.quiet() || Clock::now() > until) {
        impl.rendezvous.stop();
        impl.watch.stop();
        return;
      }
      timer.expires_after(2ms);
      timer.async_wait([self = shared_from_this()](const asio::error_code&) { self->wait(); });
    }
    Impl& impl;
    asio::steady_timer timer;
    Deadline until;
  };
  asio::post(impl.io, [&impl] {
    impl.watch.goodbye();
    std::make_shared<Farewell>(impl)->wait();
  });
  impl.thread.join();
}

std::vector<std::unique_ptr<Stream>> Network::take_data_streams() {
  std::lock_guard lock(impl_->mutex);
  return std::move(impl_->data);
}

void Network::set_sequence(uint64_t sequence) { impl_->watch.set_sequence(sequence); }

int Network::hindmost() const { return impl_->watch.hindmost(); }

std::vector<std::string> Network::refused() const {
  std::lock_guard lock(impl_->mutex);
  return {impl_->refusals.begin(), impl_->refusals.end()};
}

}  // namespace andiron::collective
