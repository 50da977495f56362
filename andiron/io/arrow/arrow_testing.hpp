#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "andiron/io/arrow/abi.hpp"

namespace andiron::io::arrow {

/// A column made by hand: its schema and its array. Buffers are copied to memory of exactly their
/// size, so that AddressSanitizer sees every byte read beyond them.
struct HandMade {
  std::string format, name;
  int64_t length = 0, null_count = 0, offset = 0;
  std::vector<std::vector<uint8_t>> buffers = {};
  std::vector<bool> absent = {};  ///< buffers that are null pointers
  std::vector<HandMade> children = {};
  std::vector<HandMade> dictionary = {};
  int64_t n_buffers = -1, n_children = -1;  ///< a lie, where not -1
};

template <class T>
std::vector<uint8_t> bytes_of(const std::vector<T>& values) {
  const auto* begin = reinterpret_cast<const uint8_t*>(values.data());
  return {begin, begin + values.size() * sizeof(T)};
}
inline std::vector<uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

/// How often the producer's callbacks were called.
struct Calls {
  int streams = 0, schemas = 0, arrays = 0;  ///< releases
  int made_schemas = 0, made_arrays = 0;     ///< each struct of a tree counts
};

/// A column of numbers without nulls.
template <class T>
HandMade numbers(const std::string& format, const std::string& name, const std::vector<T>& v) {
  return {.format = format,
          .name = name,
          .length = static_cast<int64_t>(v.size()),
          .buffers = {{}, bytes_of(v)},
          .absent = {true, false}};
}

void make_schema(const HandMade& column, ArrowSchema* out, const std::shared_ptr<Calls>& calls);
void make_array(const HandMade& column, ArrowArray* out, const std::shared_ptr<Calls>& calls);

/// A stream of batches, each a structure ("+s") of columns. `fail_at`: the call of get_next that
/// reports an error instead.
struct HandMadeStream {
  std::deque<HandMade> batches;
  int fail_at = -1;
  bool fail_schema = false;
};
void make_stream(HandMadeStream given, ArrowArrayStream* out, const std::shared_ptr<Calls>& calls);

/// A structure of these columns.
HandMade batch_of(std::vector<HandMade> columns);

}  // namespace andiron::io::arrow
