#pragma once

#include <map>
#include <string>
#include <string_view>

#include "andiron/base/result.hpp"
#include "andiron/tensor/tensor.hpp"

namespace andiron::io {

using NamedTensors = std::map<std::string, Tensor>;
using Metadata = std::map<std::string, std::string>;

/// Our files carry a CRC-32C of header and data in the metadata under this key. Other readers
/// ignore it; readers of ours do not see it among the metadata.
inline constexpr const char* kChecksumKey = "andiron.crc32c";

/// The safetensors format (github.com/huggingface/safetensors): 8 bytes little-endian header
/// length, JSON header, tensors without gaps. Tensors are written widest type first, then by name,
/// so that each is aligned to its type.

/// Writes a file that appears complete or not at all (see AtomicFile). Strided tensors are fine.
Result<> write_safetensors(const std::string& path, const NamedTensors& tensors,
                           const Metadata& metadata = {});
/// The same bytes in memory (what Python's pickle stores).
std::string safetensors_bytes(const NamedTensors& tensors, const Metadata& metadata = {});

struct TensorFile {
  NamedTensors tensors;
  Metadata metadata;
  bool verified = false;  ///< there was a checksum and it was right
};

struct ReadOptions {
  enum class Memory {
    mapped,  ///< tensors point into the mapped file, read-only, and keep the mapping alive
    copied   ///< tensors own their memory
  };
  enum class Checksum {
    if_present,  ///< files of other programs have none
    required,
    ignored  ///< does not read the data of a mapped file
  };
  Memory memory = Memory::mapped;
  Checksum checksum = Checksum::if_present;
};

/// Reads a file. Everything in the header is checked before it is used: length, JSON, duplicate
/// names, types, shapes, offsets (order, overlap, gaps, range, overflow), bool bytes.
/// Types that Andiron does not have (float16, int16, unsigned beyond 8 bits) are an error.
Result<TensorFile> read_safetensors(const std::string& path, const ReadOptions& options = {});
/// Reads bytes in memory; `name` is for messages. Tensors share `bytes` unless `copied`.
Result<TensorFile> parse_safetensors(std::shared_ptr<Buffer> bytes, const std::string& name,
                                     const ReadOptions& options = {});
/// The same from bytes of the caller's, which are copied.
Result<TensorFile> parse_safetensors(std::string_view bytes, const std::string& name,
                                     const ReadOptions& options = {});

/// Those whose names begin with `prefix`, by the rest of their names.
NamedTensors tensors_below(const NamedTensors& all, const std::string& prefix);

}  // namespace andiron::io
