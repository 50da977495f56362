#include "andiron/collective/handshake.hpp"

#include <algorithm>
#include <cstring>

namespace andiron::collective {

namespace {

constexpr std::array<char, 8> kMagic = {'A', 'N', 'D', 'I', 'R', 'O', 'N', '\n'};
constexpr uint16_t kVersion = 1;

/// The accepting side's first answer.
struct Challenge {
  Refusal refusal;
  uint32_t reserved;
  Digest nonce;
  Digest proof;
};
static_assert(sizeof(Challenge) == 72);

/// Its last.
struct Welcome {
  Refusal refusal;
  Digest proof;
};
static_assert(sizeof(Welcome) == 36);

template <class T>
std::span<const std::byte> raw(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}
template <class T>
std::span<std::byte> writable(T& value) {
  return std::as_writable_bytes(std::span(&value, 1));
}

// The role stands in front, so that no proof can be sent back as its own answer.
Digest proof(const Membership& me, const char (&role)[8], const Hello& hello, const Digest& nonce) {
  return hmac(me.secret, {std::as_bytes(std::span(role)), raw(hello), raw(nonce)});
}

std::string printable(std::span<const char> text) {
  std::string out;
  for (const char c : text) {
    if (c == '\0') break;
    out += c >= ' ' && c <= '~' ? c : '?';
  }
  return out;
}

Refusal judge(const Hello& hello, const Membership& me) {
  if (hello.version != kVersion || hello.channel >= kChannels) return Refusal::version;
  if (!same(hello.run, digest(me.run_id))) return Refusal::run;
  if (hello.attempt != me.attempt) return Refusal::attempt;
  if (hello.size != static_cast<uint32_t>(me.size)) return Refusal::size;
  // Higher ranks connect to lower ones.
  if (hello.to != static_cast<uint32_t>(me.rank) || hello.from <= hello.to ||
      hello.from >= hello.size)
    return Refusal::rank;
  return Refusal::none;
}

Failure refused(Refusal refusal, const Hello& hello, const Membership& me) {
  switch (refusal) {
    case Refusal::version:
      return failure("it speaks version {}, channel {}; this is version {}", hello.version,
                     hello.channel, kVersion);
    case Refusal::run:
      return failure("it belongs to run '{}', this is run '{}'", printable(hello.run_text),
                     me.run_id);
    case Refusal::attempt:
      return failure("it belongs to attempt {}, this is attempt {}", hello.attempt, me.attempt);
    case Refusal::size:
      return failure("it counts {} ranks, this run has {}", hello.size, me.size);
    case Refusal::rank:
      return failure("it says it is rank {} and looks for rank {}; this is rank {} of {}",
                     hello.from, hello.to, me.rank, me.size);
    default:
      return failure("rank {} is connected already", hello.from);
  }
}

const char* said(Refusal refusal) {
  switch (refusal) {
    case Refusal::none:
      return "nothing";
    case Refusal::version:
      return "that it speaks another version of the protocol";
    case Refusal::run:
      return "that it belongs to another run";
    case Refusal::attempt:
      return "that it belongs to another attempt";
    case Refusal::size:
      return "that it counts another number of ranks";
    case Refusal::rank:
      return "that it has another rank";
    case Refusal::taken:
      return "that this rank is connected already";
  }
  return "an unknown word";
}

}  // namespace

uint64_t Membership::run_key() const {
  const Digest d = digest(run_id + '\0' + std::to_string(attempt));
  uint64_t key = 0;
  std::memcpy(&key, d.data(), sizeof key);
  return key;
}

std::string Membership::tls_key() const {
  const Digest run = digest(run_id);
  const Digest key = hmac(secret, {bytes_of("andiron TLS key"), raw(run), raw(attempt)});
  return std::string(reinterpret_cast<const char*>(key.data()), key.size());
}

asio::awaitable<Greeting> greet(AsyncStream& stream, const Membership& me, int peer,
                                Channel channel) {
  Hello hello{.magic = kMagic,
              .version = kVersion,
              .channel = static_cast<uint16_t>(channel),
              .from = static_cast<uint32_t>(me.rank),
              .to = static_cast<uint32_t>(peer),
              .size = static_cast<uint32_t>(me.size),
              .attempt = me.attempt,
              .nonce = fresh_nonce(),
              .run = digest(me.run_id),
              .run_text = {}};
  std::memcpy(hello.run_text.data(), me.run_id.data(),
              std::min(me.run_id.size(), hello.run_text.size()));
  Result<> moved = co_await stream.write(raw(hello));
  if (!moved) co_return Greeting{moved};
  Challenge challenge;
  moved = co_await stream.read(writable(challenge));
  if (!moved) co_return Greeting{moved};
  if (challenge.refusal != Refusal::none)
    co_return Greeting{failure("rank {} answers {}", peer, said(challenge.refusal)), true};
  if (!same(challenge.proof, proof(me, "ACCEPTS", hello, challenge.nonce)))
    co_return Greeting{failure("who answers does not know this job's secret"), true};
  const Digest answer = proof(me, "CONNECT", hello, challenge.nonce);
  moved = co_await stream.write(raw(answer));
  if (!moved) co_return Greeting{moved};
  Welcome welcome;
  moved = co_await stream.read(writable(welcome));
  if (!moved) co_return Greeting{moved};
  if (!same(welcome.proof, proof(me, "WELCOME", hello, challenge.nonce)))
    co_return Greeting{failure("who answers does not know this job's secret"), true};
  if (welcome.refusal != Refusal::none)
    co_return Greeting{failure("rank {} answers {}", peer, said(welcome.refusal)), true};
  co_return Greeting{success()};
}

asio::awaitable<Result<Hello>> admit(AsyncStream& stream, const Membership& me,
                                     std::function<bool(const Hello&)> claim) {
  Hello hello;
  Result<> moved = co_await stream.read(writable(hello));
  if (!moved) co_return because(moved.failure(), "it did not say who it is");
  if (hello.magic != kMagic) co_return failure("it does not speak Andiron's protocol");
  const Refusal refusal = judge(hello, me);
  const Digest nonce = fresh_nonce();
  Challenge challenge{refusal, 0, nonce, {}};
  if (refusal == Refusal::none) challenge.proof = proof(me, "ACCEPTS", hello, nonce);
  moved = co_await stream.write(raw(challenge));
  if (refusal != Refusal::none) co_return refused(refusal, hello, me);
  if (!moved) co_return moved.failure();
  Digest answer;
  moved = co_await stream.read(writable(answer));
  if (!moved) co_return because(moved.failure(), "it did not answer the challenge");
  if (!same(answer, proof(me, "CONNECT", hello, nonce)))
    co_return failure("it says it is rank {} but does not know this job's secret", hello.from);
  const bool wanted = claim(hello);
  const Welcome welcome{wanted ? Refusal::none : Refusal::taken,
                        proof(me, "WELCOME", hello, nonce)};
  moved = co_await stream.write(raw(welcome));
  if (!wanted) co_return refused(Refusal::taken, hello, me);
  if (!moved) co_return moved.failure();
  co_return hello;
}

}  // namespace andiron::collective
