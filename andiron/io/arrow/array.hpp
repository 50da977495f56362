#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "andiron/io/arrow/abi.hpp"
#include "andiron/io/arrow/type.hpp"

namespace andiron::io::arrow {

/// A checked view of an ArrowArray: every element in [0, length) may be read. Parents' offsets are
/// already in the children's. The interface carries no sizes of buffers, so a producer that lies
/// about the length of one cannot be found out; everything else that it can say wrong, is.
struct Array {
  const Type* type = nullptr;
  int64_t length = 0, offset = 0;
  const uint8_t* validity = nullptr;   ///< a bitmap; null when nothing is null
  const std::byte* values = nullptr;   ///< numbers, bits or (lists, texts) offsets
  const std::byte* data = nullptr;     ///< bytes of texts and binaries
  const void* const* views = nullptr;  ///< of views: the buffers that they point into
  std::vector<Array> children;
  std::vector<Array> dictionary;  ///< none, or the one array of the values
  std::shared_ptr<void> owner;    ///< keeps the memory; set in a batch's columns

  bool is_null(int64_t i) const {
    if (type->kind == Kind::null) return true;
    return validity != nullptr && !bit(validity, offset + i);
  }
  static bool bit(const void* bits, int64_t i) {
    return (static_cast<const uint8_t*>(bits)[i / 8] >> (i % 8) & 1) != 0;
  }
  /// The number i of a plain kind. Producers need not align.
  template <class T>
  T number(int64_t i) const {
    T value;
    std::memcpy(&value, values + (offset + i) * static_cast<int64_t>(sizeof(T)), sizeof(T));
    return value;
  }
  /// Where list, text or binary i begins (i may be `length`: where the last one ends).
  int64_t begin_of(int64_t i) const {
    return type->large ? number<int64_t>(i) : number<int32_t>(i);
  }
  /// The bytes of text, binary or fixed binary i.
  std::string_view bytes(int64_t i) const {
    if (type->view) return viewed(i);
    const auto* base = reinterpret_cast<const char*>(data);
    if (type->kind == Kind::fixed_binary)
      return {reinterpret_cast<const char*>(values) + (offset + i) * type->width,
              static_cast<size_t>(type->width)};
    return {base + begin_of(i), static_cast<size_t>(begin_of(i + 1) - begin_of(i))};
  }
  /// A view of 16 bytes: the length, then the text itself or (beyond 12 bytes) its first four, the
  /// number of its buffer and its place there.
  struct View {
    int32_t length;
    char head[4];
    int32_t buffer, offset;
  };
  std::string_view viewed(int64_t i) const {
    const std::byte* at = values + (offset + i) * static_cast<int64_t>(sizeof(View));
    View view;
    std::memcpy(&view, at, sizeof(view));
    const auto n = static_cast<size_t>(view.length);
    if (n <= 12) return {reinterpret_cast<const char*>(at) + offsetof(View, head), n};
    return {static_cast<const char*>(views[view.buffer]) + view.offset, n};
  }
  /// The index (dictionary arrays) of element i, in the dictionary. Throws Error when it is not.
  int64_t index(int64_t i) const;
  /// How many elements are null; counted when the producer did not say.
  int64_t count_nulls() const;
};

/// Elements [begin, begin + length) of it. REQUIRES them to be there.
void slice(Array& array, int64_t begin, int64_t length);

/// Checks and views. `column` is for messages. Throws Error naming it when the array is not what
/// the type says.
Array view_array(const ArrowArray& array, const Type& type, const std::string& column);

}  // namespace andiron::io::arrow
