#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "andiron/base/result.hpp"
#include "andiron/collective/element.hpp"

namespace andiron::collective {

enum class Kind : uint8_t { allreduce, allgather, broadcast, barrier };
inline constexpr int kKinds = 4;
std::string_view name_of(Kind kind);

/// What stands before each message between two ranks: to which collective of which run it belongs.
/// 64 bytes, little-endian, in this order without gaps (docs/wire_protocol.md).
struct Header {
  static constexpr uint32_t kMagic = 0x314C4341;  // "ACL1"
  uint32_t magic = kMagic;
  Kind kind = Kind::barrier;
  Element element = Element::bytes;
  Wire wire = Wire::same;
  uint8_t reserved = 0;
  uint64_t run = 0;       // digest of the run id and attempt
  uint64_t sequence = 0;  // how many collectives the sender had begun before this one
  uint64_t step = 0;
  uint32_t bucket = 0;
  uint32_t message = 0;  // counts the messages of this collective from this sender to this receiver
  uint64_t bytes = 0;    // of the payload that follows
  uint64_t total = 0;    // of the whole collective
  uint32_t sender = 0;
  uint32_t root = 0;

  bool operator==(const Header&) const = default;
};
static_assert(sizeof(Header) == 64);

/// "allreduce of 4096 bytes of float32, step 25, bucket 3".
std::string describe(const Header& header);

/// Whether what `peer` sent is what `rank` waits for. The failure names what differs, there and
/// here.
Result<> check(const Header& got, const Header& expected, int rank);

}  // namespace andiron::collective
