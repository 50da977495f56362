#pragma once

#include <string>

#include "andiron/base/result.hpp"
#include "andiron/io/safetensors.hpp"

namespace andiron::io {

struct TorchOptions {
  /// Whether the checksums of a zip's entries are compared (files that were saved with
  /// torch.serialization.set_crc32_options(False) have none that are right).
  bool check_crc = true;
};

/// The tensors of a file that torch.save wrote: a state dict, or dicts and lists of tensors, whose
/// names are joined by dots ("state_dict.conv1.weight", "layers.0"). Numbers and strings between
/// them are left out. Both formats: the zip of PyTorch 1.6 and newer, and the older one of plain
/// pickles.
///
/// Nothing is unpickled: a machine of our own knows the few opcodes and names that such files need
/// and refuses all others by name (PickleMachine). Everything is checked before it is used:
/// offsets, sizes, strides, overflow; memory stays below a small multiple of the file's size.
///
/// Tensors point into the mapped file where they lie aligned, are views where the file has views,
/// and share memory where they share a storage. float16 becomes float32, int16 becomes int32;
/// complex, quantized and 8-bit floating types are an error.
Result<NamedTensors> read_torch(const std::string& path, const TorchOptions& options = {});
/// The same of bytes in memory; `name` is for messages.
Result<NamedTensors> parse_torch(std::shared_ptr<Buffer> bytes, const std::string& name,
                                 const TorchOptions& options = {});

}  // namespace andiron::io
