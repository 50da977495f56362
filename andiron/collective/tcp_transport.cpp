#include "andiron/collective/tcp_transport.hpp"

#include <poll.h>
#include <sched.h>

#include <algorithm>
#include <array>

#include "andiron/base/waiting.hpp"

namespace andiron::collective {

namespace {

// How long the thread that watches the peers gets to say what really happened when a connection
// breaks: a dead peer's other connection ends at the same moment, and who left because of another
// rank's fault told so before.
constexpr auto kVerdictTime = std::chrono::milliseconds(300);

/// The parts of header and payload behind the first `done` bytes.
std::span<const iovec> rest(std::array<iovec, 2>& parts, const void* header, const void* payload,
                            size_t payload_bytes, size_t done) {
  size_t n = 0;
  if (done < sizeof(Header)) {
    parts[n++] = {const_cast<char*>(static_cast<const char*>(header)) + done,
                  sizeof(Header) - done};
  }
  const size_t at = done > sizeof(Header) ? done - sizeof(Header) : 0;
  if (at < payload_bytes)
    parts[n++] = {const_cast<char*>(static_cast<const char*>(payload)) + at, payload_bytes - at};
  return std::span(parts).first(n);
}

}  // namespace

/// Waits between two attempts: at first awake, then asleep in poll(2).
class TcpTransport::Waiter {
 public:
  Waiter(TcpTransport& transport, Deadline deadline) : t_(transport), deadline_(deadline) {}

  void progress() { spinning_ = false; }

  /// Returns when it is worth another attempt. `reading` is the peer that is waited for, or -1.
  Result<> wait(int reading, short read_events) {
    if (t_.fate().failed()) return t_.fate().fault().failure;
    const Clock::time_point now = Clock::now();
    if (!spinning_) {
      spinning_ = true;
      spin_until_ = now + t_.spin_;
    }
    if (now < spin_until_) {
      // Lets a peer on the same core go on.
      ::sched_yield();
      return success();
    }
    if (now >= deadline_) return late(reading);
    return sleep(reading, read_events, now);
  }

 private:
  Result<> sleep(int reading, short read_events, Clock::time_point now) {
    auto& polled = t_.polled_;
    polled.clear();
    polled.push_back({t_.fate().wake_fd(), POLLIN, 0});
    for (size_t p = 0; p < t_.peers_.size(); ++p) {
      const Peer& peer = t_.peers_[p];
      short events = static_cast<int>(p) == reading ? read_events : short{0};
      if (!peer.idle()) events = static_cast<short>(events | peer.write_events);
      if (events != 0) polled.push_back({peer.stream->fd(), events, 0});
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - now);
    const int64_t most = WhileWaiting::is_set() ? WhileWaiting::kEvery.count() : 3'600'000;
    const auto timeout = std::clamp<int64_t>(left.count(), 1, most);
    if (::poll(polled.data(), polled.size(), static_cast<int>(timeout)) < 0 && errno != EINTR)
      return t_.fail(FaultKind::lost, -1, system_failure("poll failed"));
    WhileWaiting::look();
    return success();
  }

  Result<> late(int reading) {
    if (const int behind = t_.suspect_ ? t_.suspect_() : -1; behind >= 0)
      return t_.fail(
          FaultKind::stalled, behind,
          failure("rank {} lives but has not begun this collective within the time limit", behind));
    int culprit = reading;
    for (size_t p = 0; p < t_.peers_.size() && culprit < 0; ++p)
      if (!t_.peers_[p].idle()) culprit = static_cast<int>(p);
    const char* what = reading >= 0 ? "sent nothing more" : "did not take what was sent to it";
    return t_.fail(FaultKind::stalled, culprit,
                   failure("rank {} {} within the time limit", culprit, what));
  }

  TcpTransport& t_;
  Deadline deadline_;
  bool spinning_ = false;
  Clock::time_point spin_until_;
};

TcpTransport::TcpTransport(int rank, Fate& fate, std::vector<std::unique_ptr<Stream>> streams)
    : Transport(rank, static_cast<int>(streams.size()), fate), peers_(streams.size()) {
  for (size_t p = 0; p < streams.size(); ++p) peers_[p].stream = std::move(streams[p]);
}

Failure TcpTransport::broken(int peer, const IoStep& step, const char* doing) {
  if (fate().wait_for(kVerdictTime)) return fate().fault().failure;
  return fail(FaultKind::lost, peer,
              because(step.why(), "lost the connection to rank {} while {}", peer, doing));
}

Result<> TcpTransport::send(int peer, const Header& header, std::span<const std::byte> payload) {
  if (fate().failed()) return fate().fault().failure;
  Peer& p = peers_[static_cast<size_t>(peer)];
  busy_ += p.idle() ? 1 : 0;
  p.queue.push_back({header, payload});
  if (p.queue.size() - p.first > 1) return success();  // those before it are blocked
  Result<bool> moved = push(peer);
  return moved ? success() : Result<>(moved.failure());
}

Result<bool> TcpTransport::push(int peer) {
  Peer& p = peers_[static_cast<size_t>(peer)];
  bool moved = false;
  while (!p.idle()) {
    Outgoing& out = p.queue[p.first];
    std::array<iovec, 2> parts;
    const IoStep step =
        p.stream->write(rest(parts, &out.header, out.payload.data(), out.payload.size(), out.sent));
    if (step.state == IoStep::State::blocked) {
      p.write_events = step.events;
      return moved;
    }
    if (step.state != IoStep::State::moved) return broken(peer, step, "sending");
    moved = true;
    out.sent += step.bytes;
    if (out.sent < sizeof(Header) + out.payload.size()) continue;
    traffic_.header_sent += sizeof(Header);
    traffic_.payload_sent += out.payload.size();
    ++p.first;
  }
  p.queue.clear();
  p.first = 0;
  --busy_;
  return moved;
}

Result<bool> TcpTransport::push() {
  bool moved = false;
  for (size_t p = 0; p < peers_.size() && busy_ > 0; ++p) {
    if (peers_[p].idle()) continue;
    Result<bool> one = push(static_cast<int>(p));
    if (!one) return one;
    moved |= one.value();
  }
  return moved;
}

Result<> TcpTransport::receive(int peer, const Header& expected, std::span<std::byte> payload,
                               Deadline deadline) {
  Stream& stream = *peers_[static_cast<size_t>(peer)].stream;
  Waiter waiter(*this, deadline);
  Header got;
  const size_t all = sizeof(Header) + payload.size();
  size_t done = 0;
  while (done < all) {
    std::array<iovec, 2> parts;
    const IoStep step = stream.read(rest(parts, &got, payload.data(), payload.size(), done));
    if (step.state == IoStep::State::moved) {
      const bool header_is_new = done < sizeof(Header);
      done += step.bytes;
      if (header_is_new && done >= sizeof(Header))
        if (Result<> ok = check(got, expected, rank()); !ok)
          return fail(FaultKind::mismatch, peer, ok.failure());
      waiter.progress();
      continue;
    }
    if (step.state != IoStep::State::blocked) return broken(peer, step, "receiving");
    Result<bool> pushed = push();
    if (!pushed) return pushed.failure();
    if (pushed.value()) continue;
    if (Result<> waited = waiter.wait(peer, step.events); !waited) return waited;
  }
  traffic_.header_received += sizeof(Header);
  traffic_.payload_received += payload.size();
  return success();
}

Result<> TcpTransport::flush(Deadline deadline) {
  Waiter waiter(*this, deadline);
  while (busy_ > 0) {
    Result<bool> pushed = push();
    if (!pushed) return pushed.failure();
    if (pushed.value()) {
      waiter.progress();
      continue;
    }
    if (Result<> waited = waiter.wait(-1, 0); !waited) return waited;
  }
  return success();
}

}  // namespace andiron::collective
