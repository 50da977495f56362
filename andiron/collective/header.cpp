#include "andiron/collective/header.hpp"

#include <bit>
#include <vector>

namespace andiron::collective {

static_assert(std::endian::native == std::endian::little, "headers travel as they lie in memory");

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::allreduce:
      return "allreduce";
    case Kind::allgather:
      return "allgather";
    case Kind::broadcast:
      return "broadcast";
    case Kind::barrier:
      return "barrier";
  }
  return "unknown";
}

std::string describe(const Header& header) {
  return fmt::format("{} of {} bytes of {}, step {}, bucket {}", name_of(header.kind), header.total,
                     name_of(header.element), header.step, header.bucket);
}

Result<> check(const Header& got, const Header& expected, int rank) {
  if (got == expected) return success();
  if (got.magic != Header::kMagic)
    return failure("rank {} sent {:#010x} where a message begins with {:#010x}", expected.sender,
                   got.magic, Header::kMagic);
  std::vector<std::string> differences;
  auto compare = [&](std::string_view what, auto there, auto here) {
    if (there != here)
      differences.push_back(fmt::format("{} {} there, {} here", what, there, here));
  };
  compare("run", got.run, expected.run);
  compare("collective", name_of(got.kind), name_of(expected.kind));
  compare("step", got.step, expected.step);
  compare("bucket", got.bucket, expected.bucket);
  compare("sequence", got.sequence, expected.sequence);
  compare("bytes in all", got.total, expected.total);
  compare("element", name_of(got.element), name_of(expected.element));
  compare("wire", name_of(got.wire), name_of(expected.wire));
  compare("root", got.root, expected.root);
  compare("message", got.message, expected.message);
  compare("bytes of the message", got.bytes, expected.bytes);
  compare("sender", got.sender, expected.sender);
  compare("reserved", int{got.reserved}, int{expected.reserved});
  std::string text;
  for (const std::string& difference : differences) text += (text.empty() ? "" : "; ") + difference;
  return failure("rank {} and rank {} are not in the same collective: {}", expected.sender, rank,
                 text);
}

}  // namespace andiron::collective
