#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "andiron/base/result.hpp"

namespace andiron::io {

struct ZipEntry {
  uint64_t offset = 0, n_bytes = 0;  ///< of its data in the file
  uint32_t crc = 0;                  ///< CRC-32 of the data
};

/// The entries of a zip file by name (APPNOTE 6.3, with zip64). Entries must be stored: compressed
/// or encrypted ones, those that overlap or lie outside of the file, names that come twice and
/// archives of several parts are failures. So nothing in a zip is larger than the file.
Result<std::map<std::string, ZipEntry>> zip_index(std::span<const std::byte> file);

/// The CRC-32 of zip and PNG (polynomial 0xEDB88320).
uint32_t crc32(std::span<const std::byte> bytes);

}  // namespace andiron::io
