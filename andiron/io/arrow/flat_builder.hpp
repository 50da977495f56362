#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace andiron::io::arrow {

/// Writes FlatBuffers (https://flatbuffers.dev/internals), as far as Arrow's IPC metadata needs
/// them: tables, texts, vectors of tables and of structs of int64. A buffer grows from its end to
/// its front; a place is counted from the end and stays valid while it grows.
class FlatBuilder {
 public:
  using Place = uint32_t;

  Place text(std::string_view s) {
    align(4, s.size() + 1);
    put<uint8_t>(0);
    for (size_t i = s.size(); i-- > 0;) put<char>(s[i]);
    put(static_cast<uint32_t>(s.size()));
    return here();
  }

  Place tables(std::span<const Place> items) {
    align(4, items.size() * 4);
    for (size_t i = items.size(); i-- > 0;) put_offset(items[i]);
    put(static_cast<uint32_t>(items.size()));
    return here();
  }

  /// `words` are the int64 fields of `n` equal structs, one struct after the other.
  Place structs(std::span<const int64_t> words, size_t n) {
    align(8, words.size() * 8);
    for (size_t i = words.size(); i-- > 0;) put(words[i]);
    put(static_cast<uint32_t>(n));
    return here();
  }

  /// A table: begin, its fields (what they point to is written before), end.
  void begin() {
    fields_.clear();
    start_ = here();
  }
  template <class T>
  void field(uint16_t id, T value) {
    align(sizeof(T), 0);
    put(value);
    fields_.push_back({id, here()});
  }
  void pointer(uint16_t id, Place target) {
    align(4, 0);
    put_offset(target);
    fields_.push_back({id, here()});
  }
  Place end() {
    align(4, 0);
    put<int32_t>(0);  // the way to the vtable, written below
    const Place table = here();
    uint16_t n = 0;
    for (const FieldPlace& f : fields_) n = std::max<uint16_t>(n, f.id + 1);
    for (uint16_t id = n; id-- > 0;) {
      uint16_t at = 0;
      for (const FieldPlace& f : fields_)
        if (f.id == id) at = static_cast<uint16_t>(table - f.place);
      put(at);
    }
    put(static_cast<uint16_t>(table - start_));
    put(static_cast<uint16_t>(4 + 2 * n));
    const auto way = static_cast<int32_t>(here() - table);
    for (size_t byte = 0; byte < 4; ++byte)
      reversed_[table - 1 - byte] = static_cast<uint8_t>(static_cast<uint32_t>(way) >> (8 * byte));
    return table;
  }

  /// The finished buffer, a multiple of 8 bytes long.
  std::vector<uint8_t> finish(Place root) {
    align(8, 4);
    put_offset(root);
    return {reversed_.rbegin(), reversed_.rend()};
  }

 private:
  struct FieldPlace {
    uint16_t id;
    Place place;
  };

  Place here() const { return static_cast<Place>(reversed_.size()); }
  // Pads so that the place will be a multiple of `size` after `more` bytes.
  void align(size_t size, size_t more) {
    while ((reversed_.size() + more) % size != 0) reversed_.push_back(0);
  }
  template <class T>
  void put(T value) {
    uint8_t bytes[sizeof(T)];  // little-endian, as the CPUs are that Andiron runs on
    std::memcpy(bytes, &value, sizeof(T));
    for (size_t i = sizeof(T); i-- > 0;) reversed_.push_back(bytes[i]);
  }
  void put_offset(Place target) { put(static_cast<uint32_t>(here() + 4 - target)); }

  std::vector<uint8_t> reversed_;
  std::vector<FieldPlace> fields_;
  Place start_ = 0;
};

}  // namespace andiron::io::arrow
