#include "andiron/io/torch/zip_index.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <vector>

namespace andiron::io {

namespace {

using Bytes = std::span<const std::byte>;

constexpr uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50,
                   kEnd64 = 0x06064b50, kLocator64 = 0x07064b50;
constexpr size_t kEndSize = 22, kLocatorSize = 20, kEnd64Size = 56, kCentralSize = 46,
                 kLocalSize = 30;
constexpr uint64_t kIn64 = 0xFFFFFFFF;  // the value stands in the zip64 record

uint64_t little(Bytes bytes, size_t at, size_t n) {
  uint64_t value = 0;
  for (size_t i = 0; i < n; ++i) value |= static_cast<uint64_t>(bytes[at + i]) << (8 * i);
  return value;
}

bool fits(Bytes file, uint64_t offset, uint64_t n) {
  return offset <= file.size() && n <= file.size() - offset;
}

struct Directory {
  uint64_t offset, n_bytes, n_entries;
};

// The end record stands at the end, before a comment of up to 65,535 bytes.
Result<Directory> find_directory(Bytes file) {
  if (file.size() < kEndSize) return failure("{} bytes are too short for a zip", file.size());
  size_t at = file.size() - kEndSize;
  const size_t first = at > 65535 ? at - 65535 : 0;
  while (little(file, at, 4) != kEnd || little(file, at + 20, 2) != file.size() - at - kEndSize) {
    if (at == first) return failure("the zip has no end record: it is truncated");
    --at;
  }
  Directory d{little(file, at + 16, 4), little(file, at + 12, 4), little(file, at + 10, 2)};
  uint64_t disks = little(file, at + 4, 2) | little(file, at + 6, 2);
  const bool wide = d.offset == kIn64 || d.n_bytes == kIn64 || d.n_entries == 0xFFFF;
  if (wide && at >= kLocatorSize && little(file, at - kLocatorSize, 4) == kLocator64) {
    const uint64_t end64 = little(file, at - kLocatorSize + 8, 8);
    if (!fits(file, end64, kEnd64Size) || little(file, end64, 4) != kEnd64)
      return failure("the zip64 end record is not at {}", end64);
    const Bytes record = file.subspan(end64);
    disks = little(record, 16, 4) | little(record, 20, 4);
    d = {little(record, 48, 8), little(record, 40, 8), little(record, 32, 8)};
  }
  if (disks != 0) return failure("the zip has several parts");
  if (!fits(file, d.offset, d.n_bytes))
    return failure("the zip's directory is at {} with {} bytes; the file has {}", d.offset,
                   d.n_bytes, file.size());
  if (d.n_entries > d.n_bytes / kCentralSize)
    return failure("{} entries do not fit {} bytes of directory", d.n_entries, d.n_bytes);
  return d;
}

// Values of 0xFFFFFFFF follow as 64 bits in the extra field 1, in this order.
Result<> widen(Bytes extra, std::initializer_list<uint64_t*> values) {
  const bool any =
      std::any_of(values.begin(), values.end(), [](const uint64_t* v) { return *v == kIn64; });
  if (!any) return success();
  for (size_t at = 0; at + 4 <= extra.size();) {
    const uint64_t id = little(extra, at, 2), n = little(extra, at + 2, 2);
    if (n > extra.size() - at - 4) break;
    if (id == 1) {
      size_t from = at + 4;
      for (uint64_t* v : values) {
        if (*v != kIn64) continue;
        if (from + 8 > at + 4 + n) return failure("an entry's zip64 sizes are incomplete");
        *v = little(extra, from, 8);
        from += 8;
      }
      return success();
    }
    at += 4 + n;
  }
  return failure("an entry's zip64 sizes are missing");
}

std::string printable(std::string_view name) {
  std::string out;
  for (char c : name.substr(0, 80)) out += c >= ' ' && c <= '~' ? c : '?';
  return out;
}

Result<ZipEntry> parse_entry(Bytes file, Bytes record, std::string_view name, Bytes extra) {
  const uint64_t flags = little(record, 8, 2), method = little(record, 10, 2);
  uint64_t packed = little(record, 20, 4), size = little(record, 24, 4),
           local = little(record, 42, 4);
  if (Result<> r = widen(extra, {&size, &packed, &local}); !r)
    return because(r.failure(), "entry '{}'", printable(name));
  if ((flags & 1) != 0) return failure("entry '{}' is encrypted", printable(name));
  if (method != 0)
    return failure(
        "entry '{}' is compressed (method {}); torch.save stores its entries. Unpack "
        "the file and pack it again without compression",
        printable(name), method);
  if (packed != size)
    return failure("entry '{}' is stored, but has {} bytes in {}", printable(name), size, packed);
  if (!fits(file, local, kLocalSize) || little(file, local, 4) != kLocal)
    return failure("entry '{}' has no header at {}", printable(name), local);
  const uint64_t data =
      local + kLocalSize + little(file, local + 26, 2) + little(file, local + 28, 2);
  if (!fits(file, data, size))
    return failure("entry '{}' is at {} with {} bytes; the file has {}", printable(name), data,
                   size, file.size());
  return ZipEntry{data, size, static_cast<uint32_t>(little(record, 16, 4))};
}

}  // namespace

Result<std::map<std::string, ZipEntry>> zip_index(Bytes file) {
  Result<Directory> directory = find_directory(file);
  if (!directory) return directory.failure();
  const Directory& d = directory.value();
  const Bytes records = file.subspan(d.offset, d.n_bytes);
  std::map<std::string, ZipEntry> entries;
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  size_t at = 0;
  for (uint64_t i = 0; i < d.n_entries; ++i) {
    if (records.size() - at < kCentralSize || little(records, at, 4) != kCentral)
      return failure("entry {} of the zip's directory is damaged", i);
    const Bytes record = records.subspan(at);
    const uint64_t n_name = little(record, 28, 2), n_extra = little(record, 30, 2),
                   n_comment = little(record, 32, 2);
    if (kCentralSize + n_name + n_extra + n_comment > record.size())
      return failure("entry {} of the zip's directory is damaged", i);
    const std::string name(reinterpret_cast<const char*>(record.data()) + kCentralSize, n_name);
    Result<ZipEntry> entry =
        parse_entry(file, record, name, record.subspan(kCentralSize + n_name, n_extra));
    if (!entry) return entry.failure();
    const ZipEntry& e = entry.value();
    ranges.emplace_back(e.offset, e.offset + e.n_bytes);
    if (!entries.emplace(name, e).second)
      return failure("the zip has the entry '{}' twice", printable(name));
    at += kCentralSize + n_name + n_extra + n_comment;
  }
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); ++i)
    if (ranges[i].first < ranges[i - 1].second) return failure("entries of the zip overlap");
  return entries;
}

uint32_t crc32(Bytes bytes) {
  // Eight tables: the CRC of a byte followed by 0 to 7 zero bytes (Kounavis and Berry 2005).
  static const auto tables = [] {
    std::array<std::array<uint32_t, 256>, 8> t{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t c = i;
      for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ ((c & 1) != 0 ? 0xEDB88320U : 0);
      t[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; ++i)
      for (size_t k = 1; k < 8; ++k) t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 0xFF];
    return t;
  }();
  uint32_t crc = 0xFFFFFFFF;
  size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    uint64_t word = 0;
    std::copy_n(bytes.data() + at, 8, reinterpret_cast<std::byte*>(&word));
    word ^= crc;
    crc = 0;
    for (size_t k = 0; k < 8; ++k) crc ^= tables[7 - k][(word >> (8 * k)) & 0xFF];
  }
  for (; at < bytes.size(); ++at)
    crc = (crc >> 8) ^ tables[0][(crc ^ static_cast<uint32_t>(bytes[at])) & 0xFF];
  return ~crc;
}

}  // namespace andiron::io
