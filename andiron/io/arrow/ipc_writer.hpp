#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "andiron/base/result.hpp"
#include "andiron/tensor/tensor.hpp"

namespace andiron::io::arrow {

/// A column of numbers: [rows, row...].
struct IpcColumn {
  std::string name;
  DType dtype = DType::f32;
  Sizes row = {};
};

/// Writes an Arrow IPC file (format version 1.0,
/// https://arrow.apache.org/docs/format/Columnar.html) of columns of numbers without nulls. Rows of
/// several numbers are fixed-size lists; booleans are uint8 and bfloat16 are uint16 there, as they
/// lie in memory.
class IpcWriter {
 public:
  /// Writes to `fd`, an empty file that stays the caller's; `path` is for messages.
  IpcWriter(int fd, std::string path, std::vector<IpcColumn> columns);

  /// The magic number and the schema.
  Result<> begin();
  /// Dense tensors of `rows` rows each, in the order of the columns. Returns where the bytes of
  /// each column begin in the file: a multiple of 64.
  Result<std::vector<int64_t>> write(int64_t rows, const std::vector<Tensor>& columns);
  /// The footer, after which the file is complete.
  Result<> finish();

 private:
  Result<> put(const void* bytes, size_t n);
  Result<> message(const std::vector<uint8_t>& metadata);

  int fd_;
  std::string path_;
  std::vector<IpcColumn> columns_;
  int64_t at_ = 0;                // bytes written
  std::vector<int64_t> batches_;  // Block structs of the footer
};

}  // namespace andiron::io::arrow
