#include <cstring>

#include "andiron/images/codec.hpp"

// EXIF 2.3: a TIFF whose first directory may have the tag 0x0112.
namespace andiron::images {

namespace {

class Tiff {
 public:
  explicit Tiff(Bytes bytes) : bytes_(bytes) {}

  bool starts() {
    if (bytes_.size() < 8) return false;
    const auto first = at(0), second = at(1);
    if (first != second || (first != 'I' && first != 'M')) return false;
    big_ = first == 'M';
    return number(2, 2) == 42;
  }
  // REQUIRES offset + n within the bytes.
  uint32_t number(size_t offset, size_t n) const {
    uint32_t value = 0;
    for (size_t i = 0; i < n; ++i) value = value << 8 | at(offset + (big_ ? i : n - 1 - i));
    return value;
  }
  size_t size() const { return bytes_.size(); }

 private:
  uint8_t at(size_t i) const { return static_cast<uint8_t>(bytes_[i]); }
  Bytes bytes_;
  bool big_ = false;
};

}  // namespace

int exif_orientation(Bytes exif) {
  constexpr size_t kEntry = 12;
  if (exif.size() >= 6 && std::memcmp(exif.data(), "Exif\0\0", 6) == 0) exif = exif.subspan(6);
  Tiff tiff(exif);
  if (!tiff.starts()) return 1;
  const size_t directory = tiff.number(4, 4);
  if (directory > tiff.size() || tiff.size() - directory < 2) return 1;
  const size_t n = tiff.number(directory, 2);
  for (size_t i = 0; i < n; ++i) {
    const size_t entry = directory + 2 + i * kEntry;
    if (entry + kEntry > tiff.size()) return 1;
    if (tiff.number(entry, 2) != 0x0112) continue;
    // A short, once; some writers make it a long.
    const uint32_t type = tiff.number(entry + 2, 2);
    if (type != 3 && type != 4) return 1;
    const uint32_t value = tiff.number(entry + 8, type == 3 ? 2 : 4);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

}  // namespace andiron::images
