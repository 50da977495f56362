#include "andiron/collective/fake_rank_testing.hpp"

#include <array>
#include <asio/co_spawn.hpp>
#include <asio/ip/tcp.hpp>
#include <chrono>

#include "andiron/collective/listener.hpp"
#include "andiron/collective/rendezvous.hpp"

namespace andiron::collective {

namespace {

class RecordingStream : public Stream {
 public:
  RecordingStream(std::unique_ptr<Stream> stream, std::vector<std::byte>& record)
      : stream_(std::move(stream)), record_(record) {}
  int fd() const override { return stream_->fd(); }
  IoStep read(std::span<const iovec> parts) override { return stream_->read(parts); }
  IoStep write(std::span<const iovec> parts) override {
    IoStep step = stream_->write(parts);
    const auto* begin = static_cast<const std::byte*>(parts[0].iov_base);
    record_.insert(record_.end(), begin, begin + step.bytes);  // one part, at one go
    return step;
  }

 private:
  std::unique_ptr<Stream> stream_;
  std::vector<std::byte>& record_;
};

}  // namespace

std::unique_ptr<Stream> connect_raw(const std::string& address) {
  asio::io_context io;
  const HostPort to = parse_address(address).value_or_throw();
  asio::ip::tcp::socket socket(io);
  socket.connect({asio::ip::make_address(to.host), static_cast<uint16_t>(std::stoi(to.port))});
  return plain_stream(socket.release());
}

bool write_raw(Stream& stream, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
    const IoStep step = stream.write(std::span(&part, 1));
    if (step.state == IoStep::State::moved) bytes = bytes.subspan(step.bytes);
    if (step.state == IoStep::State::closed || step.state == IoStep::State::failed) return false;
  }
  return true;
}

bool closes_within(Stream& stream, std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    std::array<std::byte, 256> buffer;
    const iovec part{buffer.data(), buffer.size()};
    const IoStep step = stream.read(std::span(&part, 1));
    if (step.state == IoStep::State::closed || step.state == IoStep::State::failed) return true;
    pollfd polled{stream.fd(), POLLIN, 0};
    ::poll(&polled, 1, 5);
  }
  return false;
}

FakeRank::FakeRank(Membership me, const std::vector<std::string>& addresses)
    : streams_(static_cast<size_t>(me.size) * kChannels) {
  for (int peer = 0; peer < me.rank; ++peer) {
    for (const Channel channel : {Channel::control, Channel::data}) {
      asio::io_context io;
      auto raw = connect_raw(addresses[static_cast<size_t>(peer)]);
      if (peer == 0 && channel == Channel::control)
        raw = std::make_unique<RecordingStream>(std::move(raw), recorded_);
      AsyncStream stream(io, std::move(raw));
      asio::co_spawn(io, greet(stream, me, peer, channel),
                     [&](const std::exception_ptr&, Greeting greeting) {
                       if (!greeting.result) refusal_ = greeting.result.failure().report();
                     });
      io.run();
      if (!refusal_.empty()) return;
      at(peer, channel) = stream.detach();
    }
  }
}

void FakeRank::write(int peer, Channel channel, std::span<const std::byte> bytes) {
  write_raw(*at(peer, channel), bytes);
}

void FakeRank::write(int peer, const Header& header, std::span<const std::byte> payload) {
  write(peer, Channel::data, std::as_bytes(std::span(&header, 1)));
  write(peer, Channel::data, payload);
}

void FakeRank::cut(int peer, Channel channel) { at(peer, channel).reset(); }

void FakeRank::die() {
  for (auto& stream : streams_) stream.reset();
}

}  // namespace andiron::collective
