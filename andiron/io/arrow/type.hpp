#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "andiron/io/arrow/abi.hpp"

namespace andiron::io::arrow {

/// What a column's memory looks like. Kinds that only differ in meaning (dates, times, timestamps
/// and durations are integers) are told apart by `ticks_per_second`.
enum class Kind : uint8_t {
  null,
  boolean,
  i8,
  u8,
  i16,
  u16,
  i32,
  u32,
  i64,
  u64,
  f16,
  f32,
  f64,
  decimal,
  binary,
  text,
  fixed_binary,
  list,
  fixed_list,
  structure,
  other,  ///< legal Arrow that Andiron does not read (unions, list views, run-end encoded)
};

/// A column's type, read from an ArrowSchema and independent of it.
struct Type {
  std::string name, format;
  Kind kind = Kind::other;
  bool large = false;  ///< 64-bit offsets of lists, binaries and texts
  bool view = false;   ///< texts and binaries as views of several buffers, not by offsets
  int64_t width = 0;   ///< elements of a fixed list, bytes of a fixed binary, bits of a decimal
  int32_t scale = 0;   ///< of a decimal
  /// Of times: how many a second; 0 for dates in days (`days`) and for what is no time.
  int64_t ticks_per_second = 0;
  bool days = false;
  std::map<std::string, std::string> metadata;  ///< extension types keep their name here
  std::vector<Type> children;
  std::vector<Type> dictionary;  ///< none, or the one type of the values

  bool is_time() const { return ticks_per_second > 0 || days; }
  /// "timestamp[us]", "list<double>", "dictionary<string>": for messages.
  std::string str() const;
};

/// Throws Error naming the column when the schema breaks the interface's rules.
Type parse_type(const ArrowSchema& schema);

/// Bytes of one value of a plain kind (integers, floats); 0 for all others.
int64_t byte_width(Kind kind);

}  // namespace andiron::io::arrow
