#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "andiron/io/crc32c.hpp"
#include "andiron/io/file.hpp"
#include "andiron/io/safetensors.hpp"
#include "andiron/io/safetensors_format.hpp"

namespace andiron::io {

namespace {

struct Entry {
  std::string name;
  Tensor tensor;  // dense
};

std::span<const std::byte> bytes_of(const Tensor& t) {
  return {static_cast<const std::byte*>(t.raw()), t.n_bytes()};
}

std::vector<Entry> in_file_order(const NamedTensors& tensors) {
  std::vector<Entry> entries;
  for (const auto& [name, tensor] : tensors) {
    if (name == kMetadataName) fail("[safetensors] no tensor may be named '{}'", kMetadataName);
    if (!tensor.defined()) fail("[safetensors] tensor '{}' is undefined", name);
    entries.push_back({name, tensor.contiguous()});
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return size_of(a.tensor.dtype()) > size_of(b.tensor.dtype());
  });
  return entries;
}

// Length and JSON, with the checksum of everything behind the length filled in.
std::string make_header(const std::vector<Entry>& entries, const Metadata& metadata) {
  nlohmann::ordered_json json;
  json[kMetadataName] = nlohmann::ordered_json(metadata);
  json[kMetadataName][kChecksumKey] = kNoChecksum;
  uint64_t offset = 0;
  for (const Entry& e : entries) {
    const uint64_t end = offset + e.tensor.n_bytes();
    json[e.name] = {{"dtype", format_name(e.tensor.dtype())},
                    {"shape", e.tensor.sizes()},
                    {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text;
  try {
    text = json.dump();
  } catch (const nlohmann::json::exception&) {
    fail("[safetensors] names and metadata must be UTF-8");
  }
  // The data of a mapped file start on a cache line.
  const size_t total = (8 + text.size() + kAlignment - 1) / kAlignment * kAlignment;
  text.resize(total - 8, ' ');
  uint32_t checksum = crc32c(as_bytes(text));
  for (const Entry& e : entries) checksum = crc32c(bytes_of(e.tensor), checksum);
  text.replace(find_checksum(text), kNoChecksum.size(), fmt::format("{:08x}", checksum));

  std::string header(8, '\0');
  for (size_t i = 0; i < 8; ++i) header[i] = static_cast<char>(text.size() >> (8 * i));
  return header + text;
}

}  // namespace

Result<> write_safetensors(const std::string& path, const NamedTensors& tensors,
                           const Metadata& metadata) {
  const std::vector<Entry> entries = in_file_order(tensors);
  const std::string header = make_header(entries, metadata);
  auto told = [&](const Failure& cause) {
    return because(cause, "[safetensors] cannot save '{}'", path);
  };
  Result<AtomicFile> file = AtomicFile::create(path);
  if (!file) return told(file.failure());
  if (Result<> r = file.value().write(as_bytes(header)); !r) return told(r.failure());
  for (const Entry& e : entries)
    if (Result<> r = file.value().write(bytes_of(e.tensor)); !r) return told(r.failure());
  if (Result<> r = file.value().commit(); !r) return told(r.failure());
  return success();
}

std::string safetensors_bytes(const NamedTensors& tensors, const Metadata& metadata) {
  const std::vector<Entry> entries = in_file_order(tensors);
  std::string bytes = make_header(entries, metadata);
  for (const Entry& e : entries)
    bytes.append(static_cast<const char*>(e.tensor.raw()), e.tensor.n_bytes());
  return bytes;
}

}  // namespace andiron::io
