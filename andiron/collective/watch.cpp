#include "andiron/collective/watch.hpp"

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <cstring>

#include "andiron/collective/rendezvous.hpp"

namespace andiron::collective {

namespace {

using namespace std::chrono_literals;

// A frame of the control connection: this, then `bytes` of payload (docs/wire_protocol.md).
struct Prefix {
  uint32_t bytes;
  uint8_t type;
  uint8_t reserved[3];
};
static_assert(sizeof(Prefix) == 8);
enum Type : uint8_t { kHeartbeat = 1, kVerdict = 2, kGoodbye = 3 };
constexpr uint32_t kMaxPayload = 64 << 10;

/// The payload of a verdict, before its text.
struct Verdict {
  uint8_t kind;
  uint8_t reserved[3];
  int32_t culprit;
  uint32_t origin;
};
static_assert(sizeof(Verdict) == 12);

std::string frame(Type type, std::string_view payload) {
  const Prefix prefix{static_cast<uint32_t>(payload.size()), type, {}};
  std::string out(reinterpret_cast<const char*>(&prefix), sizeof prefix);
  return out.append(payload);
}

std::string count_frame(Type type, uint64_t sequence) {
  return frame(type, {reinterpret_cast<const char*>(&sequence), sizeof sequence});
}

std::string verdict_frame(const Fault& fault, int origin) {
  const Verdict verdict{
      static_cast<uint8_t>(fault.kind), {}, fault.culprit, static_cast<uint32_t>(origin)};
  std::string payload(reinterpret_cast<const char*>(&verdict), sizeof verdict);
  payload += fault.failure.report();
  payload.resize(std::min<size_t>(payload.size(), kMaxPayload));
  return frame(kVerdict, payload);
}

std::chrono::milliseconds interval_for(std::chrono::milliseconds timeout) {
  return std::clamp<std::chrono::milliseconds>(timeout / 6, 5ms, 1000ms);
}

}  // namespace

Watch::Watch(asio::io_context& io, int rank, int size, const Options& options, Fate& fate)
    : io_(io),
      rank_(rank),
      timeout_(options.heartbeat_timeout),
      interval_(interval_for(timeout_)),
      fate_(fate),
      timer_(io),
      sequences_(std::make_unique<std::atomic<uint64_t>[]>(static_cast<size_t>(size))),
      size_(size) {}

void Watch::add(int peer, std::shared_ptr<AsyncStream> stream) {
  auto p = std::make_shared<Peer>();
  p->rank = peer;
  p->stream = std::move(stream);
  p->heard = Clock::now();
  peers_[peer] = p;
  if (!verdict_.empty()) say(p, verdict_);
  asio::co_spawn(io_, listen(p), when_thrown([this, p](const std::string& text) {
                   if (!stopped_) lose(*p, failure("{}", text));
                 }));
}

void Watch::start() {
  asio::co_spawn(io_, beat(), when_thrown([this](const std::string& text) {
                   if (!stopped_)
                     fate_.fail({FaultKind::lost, rank_, failure("no heartbeats: {}", text)});
                 }));
}

asio::awaitable<void> Watch::listen(PeerPtr peer) {
  const std::shared_ptr<AsyncStream> stream = peer->stream;
  std::string payload;
  while (!stopped_) {
    Prefix prefix{};
    Result<> got = co_await stream->read(std::as_writable_bytes(std::span(&prefix, 1)));
    if (got && prefix.bytes > kMaxPayload)
      got = failure("it sent {} bytes at once on the control connection", prefix.bytes);
    if (got) {
      payload.resize(prefix.bytes);
      got = co_await stream->read(std::as_writable_bytes(std::span(payload)));
    }
    if (stopped_) co_return;
    if (!got) {
      lose(*peer, got.failure());
      co_return;
    }
    peer->heard = Clock::now();
    hear(*peer, prefix.type, payload);
  }
}

void Watch::hear(Peer& peer, uint8_t type, const std::string& text) {
  if ((type == kHeartbeat || type == kGoodbye) && text.size() == sizeof(uint64_t)) {
    uint64_t sequence = 0;
    std::memcpy(&sequence, text.data(), sizeof sequence);
    sequences_[static_cast<size_t>(peer.rank)].store(sequence, std::memory_order_relaxed);
    if (type == kGoodbye) {
      peer.left = true;
      const uint64_t leaver = sequence << 32 | static_cast<uint64_t>(peer.rank);
      if (leaver < leaver_.load()) leaver_.store(leaver);
      look_for_leaver();
    }
  }
  if (type == kVerdict && text.size() >= sizeof(Verdict) && !leaving_) {
    Verdict verdict;
    std::memcpy(&verdict, text.data(), sizeof verdict);
    const auto kind = static_cast<FaultKind>(std::min<uint8_t>(verdict.kind, 4));
    // Passed on as it came, so that the first rank's words reach everybody.
    if (!fate_.failed()) verdict_ = frame(kVerdict, text);
    fate_.fail({kind, verdict.culprit,
                failure("rank {} reports: {}", verdict.origin, text.substr(sizeof verdict))});
  }
}

void Watch::lose(const Peer& peer, Failure cause) {
  if (leaving_) return;
  if (peer.left) return;  // only an error when somebody still needs it
  fate_.fail({FaultKind::lost, peer.rank,
              because(std::move(cause),
                      "rank {} is gone: its process ended or its machine cut the "
                      "connection",
                      peer.rank)});
}

asio::awaitable<void> Watch::beat() {
  Clock::time_point due = Clock::now() + interval_;
  while (!stopped_) {
    timer_.expires_at(due);
    asio::error_code ignored;
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (stopped_ || leaving_ || fate_.failed()) co_return;
    const Clock::time_point now = Clock::now();
    look_for_silent(now - due);
    due = now + interval_;
    const std::string beat = count_frame(kHeartbeat, sequence_.load());
    for (const auto& [rank, peer] : peers_)
      if (peer->out.empty()) say(peer, beat);  // else it does not read, and need not hear it twice
  }
}

void Watch::look_for_silent(Clock::duration late) {
  // This process itself was stopped: what peers sent meanwhile was not read yet.
  if (late > interval_ + timeout_ / 2) {
    for (const auto& [rank, peer] : peers_) peer->heard = Clock::now();
    return;
  }
  for (const auto& [rank, peer] : peers_) {
    const auto silent =
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - peer->heard);
    if (peer->left || silent < timeout_) continue;
    fate_.fail({FaultKind::stalled, rank,
                failure("rank {} was not heard of for {:.1f} s: its process is stopped or its "
                        "machine cannot be reached",
                        rank, static_cast<double>(silent.count()) / 1e3)});
    return;
  }
}

void Watch::spread(const Fault& fault) {
  if (verdict_.empty()) verdict_ = verdict_frame(fault, rank_);
  for (const auto& [rank, peer] : peers_) say(peer, verdict_);
}

void Watch::goodbye() {
  leaving_ = true;
  timer_.cancel();
  for (const auto& [rank, peer] : peers_) say(peer, count_frame(kGoodbye, sequence_.load()));
}

void Watch::say(const PeerPtr& peer, const std::string& frame) {
  peer->out += frame;
  if (peer->writing) return;
  peer->writing = true;
  asio::co_spawn(io_, write_out(peer), when_thrown([](const std::string&) {}));
}

asio::awaitable<void> Watch::write_out(PeerPtr peer) {
  while (!peer->out.empty() && !stopped_) {
    const std::string part = peer->out;
    Result<> sent = co_await peer->stream->write(std::as_bytes(std::span(part)));
    if (!sent) break;  // listening tells the reason
    peer->out.erase(0, part.size());
  }
  peer->writing = false;
  if (stopped_) co_return;
  if (!peer->out.empty()) peer->out.clear();
}

bool Watch::quiet() const {
  return std::all_of(peers_.begin(), peers_.end(),
                     [](const auto& entry) { return entry.second->out.empty(); });
}

void Watch::stop() {
  stopped_ = true;
  timer_.cancel();
  for (const auto& [rank, peer] : peers_) peer->stream->cancel();
}

void Watch::set_sequence(uint64_t sequence) {
  sequence_.store(sequence);
  look_for_leaver();
}

void Watch::look_for_leaver() {
  const uint64_t leaver = leaver_.load();
  if (leaver == UINT64_MAX || leaver >> 32 >= sequence_.load()) return;
  const auto rank = static_cast<int>(leaver & 0xFFFFFFFFU);
  fate_.fail({FaultKind::lost, rank,
              failure("rank {} has left after {} collectives, this is number {}", rank,
                      leaver >> 32, sequence_.load())});
}

int Watch::hindmost() const {
  uint64_t fewest = sequence_.load();
  int found = -1;
  for (int r = 0; r < size_; ++r) {
    if (r == rank_) continue;
    const uint64_t theirs = sequences_[static_cast<size_t>(r)].load(std::memory_order_relaxed);
    if (theirs < fewest) {
      fewest = theirs;
      found = r;
    }
  }
  return found;
}

}  // namespace andiron::collective
