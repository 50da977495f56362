#pragma once

#include <functional>
#include <string>

#include "andiron/collective/async_stream.hpp"
#include "andiron/collective/secret.hpp"

namespace andiron::collective {

/// Each pair of ranks has one connection for each.
enum class Channel : uint16_t { control, data };
inline constexpr int kChannels = 2;

/// Who this rank is, and to what it belongs.
struct Membership {
  int rank;
  int size;
  std::string run_id;
  uint64_t attempt;
  std::string secret;

  /// Stands in each message's header.
  uint64_t run_key() const;
  std::string tls_key() const;
};

/// What the side that connects says first. 160 bytes, little-endian (docs/wire_protocol.md).
struct Hello {
  std::array<char, 8> magic;
  uint16_t version;
  uint16_t channel;
  uint32_t from, to, size;
  uint64_t attempt;
  Digest nonce;
  Digest run;                     // SHA-256 of the run id
  std::array<char, 64> run_text;  // its beginning, for the other side's log
};
static_assert(sizeof(Hello) == 160);

/// Why the accepting side does not want a connection.
enum class Refusal : uint32_t { none, version, run, attempt, size, rank, taken };

/// The connecting side. A failure with `final` set means that trying again is of no use.
struct Greeting {
  Result<> result;
  bool final = false;
};
asio::awaitable<Greeting> greet(AsyncStream& stream, const Membership& me, int peer,
                                Channel channel);

/// The accepting side: challenges whoever is there. `claim` is called with what an authenticated
/// peer said, and gives false when that connection exists already.
asio::awaitable<Result<Hello>> admit(AsyncStream& stream, const Membership& me,
                                     std::function<bool(const Hello&)> claim);

}  // namespace andiron::collective
