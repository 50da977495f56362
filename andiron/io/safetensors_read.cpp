#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "andiron/io/crc32c.hpp"
#include "andiron/io/file.hpp"
#include "andiron/io/json_text.hpp"
#include "andiron/io/safetensors.hpp"
#include "andiron/io/safetensors_format.hpp"

namespace andiron::io {

using nlohmann::json;

namespace {

constexpr uint64_t kMaxHeader = 100'000'000;  // the format's own limit

struct Entry {
  std::string name;
  DType dtype;
  Sizes sizes;
  uint64_t begin, end;
};

// JSON with unique keys; nlohmann alone would keep the last of several.
Result<json> parse_header(std::string_view text) {
  if (too_deep(text)) return failure("the header is nested more than {} deep", kMaxJsonDepth);
  std::vector<std::set<std::string>> keys;
  std::string duplicate;
  auto check = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key &&
        !keys.back().insert(parsed.get_ref<const std::string&>()).second)
      duplicate = parsed.get_ref<const std::string&>();
    return true;
  };
  json header;
  try {
    header = json::parse(text.begin(), text.end(), check);
  } catch (const json::exception& e) {
    return failure("the header is not JSON: {}", e.what());
  }
  if (!duplicate.empty()) return failure("the header has the name '{}' twice", duplicate);
  if (!header.is_object()) return failure("the header is not a JSON object");
  return header;
}

Result<Metadata> parse_metadata(const json& value) {
  if (!value.is_object()) return failure("{} is not an object", kMetadataName);
  Metadata metadata;
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) return failure("metadata '{}' is not a string", key);
    metadata[key] = text.get<std::string>();
  }
  return metadata;
}

Result<Entry> parse_entry(const std::string& name, const json& value, uint64_t n_data) {
  if (!value.is_object() || value.size() != 3 || !value.contains("dtype") ||
      !value.contains("shape") || !value.contains("data_offsets"))
    return failure("tensor '{}' must have dtype, shape and data_offsets", name);
  const json &dtype = value["dtype"], &shape = value["shape"], &offsets = value["data_offsets"];
  if (!dtype.is_string()) return failure("tensor '{}': dtype is not a string", name);
  const auto known = dtype_of_format(dtype.get_ref<const std::string&>());
  if (!known)
    return failure("tensor '{}' has the type {}, which is not supported", name,
                   dtype.get_ref<const std::string&>());
  Entry e{name, *known, {}, 0, 0};
  if (!shape.is_array() || shape.size() > 64)
    return failure("tensor '{}': shape is not a list of at most 64 sizes", name);
  int64_t n_bytes = static_cast<int64_t>(size_of(e.dtype));
  int64_t span = n_bytes;  // a size of zero must not hide that the others overflow
  for (const json& size : shape) {
    if (!size.is_number_unsigned() || size.get<uint64_t>() > INT64_MAX)
      return failure("tensor '{}': {} is not a size", name, size.dump());
    e.sizes.push_back(size.get<int64_t>());
    if (__builtin_mul_overflow(span, std::max<int64_t>(e.sizes.back(), 1), &span))
      return failure("tensor '{}' of shape {} is too large", name, shape.dump());
    n_bytes *= e.sizes.back();
  }
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned())
    return failure("tensor '{}': data_offsets are not two numbers", name);
  e.begin = offsets[0].get<uint64_t>();
  e.end = offsets[1].get<uint64_t>();
  if (e.begin > e.end || e.end > n_data)
    return failure("tensor '{}' is at bytes {} to {} of {}", name, e.begin, e.end, n_data);
  if (e.end - e.begin != static_cast<uint64_t>(n_bytes))
    return failure("tensor '{}' is {}{}, {} bytes, but has {}", name, name_of(e.dtype),
                   shape.dump(), n_bytes, e.end - e.begin);
  return e;
}

Result<> check_layout(std::vector<Entry>& entries, uint64_t n_data) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  uint64_t at = 0;
  for (const Entry& e : entries) {
    if (e.begin < at) return failure("tensor '{}' overlaps another one", e.name);
    if (e.begin > at) return failure("there is a gap before tensor '{}'", e.name);
    at = e.end;
  }
  if (at != n_data) return failure("{} bytes behind the last tensor", n_data - at);
  return success();
}

Result<bool> verify(std::string_view header, std::span<const std::byte> data,
                    const Metadata& metadata, ReadOptions::Checksum wanted) {
  const auto found = metadata.find(kChecksumKey);
  if (wanted == ReadOptions::Checksum::ignored) return false;
  if (found == metadata.end()) {
    if (wanted == ReadOptions::Checksum::required) return failure("there is no checksum");
    return false;
  }
  const size_t at = find_checksum(header);
  if (at == std::string_view::npos || header.substr(at, kNoChecksum.size()) != found->second)
    return failure("the checksum '{}' is malformed", found->second);
  std::string blank(header);
  blank.replace(at, kNoChecksum.size(), kNoChecksum);
  const std::string actual = fmt::format("{:08x}", crc32c(data, crc32c(as_bytes(blank))));
  if (actual != found->second)
    return failure("the file is damaged: its checksum is {}, not {}", actual, found->second);
  return true;
}

Result<Tensor> make_tensor(const Entry& e, const std::shared_ptr<Buffer>& bytes,
                           uint64_t data_offset, ReadOptions::Memory memory) {
  const std::byte* src = bytes->data() + data_offset + e.begin;
  if (e.dtype == DType::boolean) {
    for (uint64_t i = 0; i < e.end - e.begin; ++i)
      if (static_cast<uint8_t>(src[i]) > 1)
        return failure("tensor '{}' is bool, but element {} is {}", e.name, i,
                       static_cast<int>(src[i]));
  }
  // Files of other programs may align less than the type needs.
  const bool aligned = reinterpret_cast<uintptr_t>(src) % size_of(e.dtype) == 0;
  if (memory == ReadOptions::Memory::mapped && aligned)
    return Tensor(bytes, e.dtype, e.sizes, dense_strides(e.sizes),
                  static_cast<int64_t>(data_offset + e.begin));
  Tensor t(e.dtype, e.sizes);
  if (t.n_bytes() > 0) std::memcpy(t.raw(), src, t.n_bytes());
  return t;
}

Result<TensorFile> parse(const std::shared_ptr<Buffer>& bytes, const ReadOptions& options) {
  const std::span<const std::byte> all = as_bytes(*bytes);
  if (all.size() < 8) return failure("{} bytes are too short for a header", all.size());
  uint64_t n_header = 0;
  for (size_t i = 0; i < 8; ++i) n_header |= static_cast<uint64_t>(all[i]) << (8 * i);
  if (n_header > kMaxHeader || n_header > all.size() - 8)
    return failure("the header's length is {}, the file's {}", n_header, all.size());
  const std::string_view text(reinterpret_cast<const char*>(all.data()) + 8, n_header);
  if (text.empty() || text[0] != '{') return failure("the header does not start with '{{'");
  const std::span<const std::byte> data = all.subspan(8 + n_header);

  Result<json> header = parse_header(text);
  if (!header) return header.failure();
  TensorFile file;
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.value().items()) {
    if (name == kMetadataName) {
      Result<Metadata> metadata = parse_metadata(value);
      if (!metadata) return metadata.failure();
      file.metadata = std::move(metadata.value());
      continue;
    }
    Result<Entry> entry = parse_entry(name, value, data.size());
    if (!entry) return entry.failure();
    entries.push_back(std::move(entry.value()));
  }
  if (Result<> r = check_layout(entries, data.size()); !r) return r.failure();
  Result<bool> verified = verify(text, data, file.metadata, options.checksum);
  if (!verified) return verified.failure();
  file.verified = verified.value();
  file.metadata.erase(kChecksumKey);
  for (const Entry& e : entries) {
    Result<Tensor> tensor = make_tensor(e, bytes, 8 + n_header, options.memory);
    if (!tensor) return tensor.failure();
    file.tensors.emplace(e.name, std::move(tensor.value()));
  }
  return file;
}

}  // namespace

std::string_view format_name(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "F32";
    case DType::f64:
      return "F64";
    case DType::bf16:
      return "BF16";
    case DType::i8:
      return "I8";
    case DType::u8:
      return "U8";
    case DType::i32:
      return "I32";
    case DType::i64:
      return "I64";
    case DType::boolean:
      break;
  }
  return "BOOL";
}

std::optional<DType> dtype_of_format(std::string_view name) {
  for (DType d : kAllDTypes)
    if (format_name(d) == name) return d;
  return std::nullopt;
}

size_t find_checksum(std::string_view header) {
  const std::string key = fmt::format("\"{}\":\"", kChecksumKey);
  const size_t at = header.find(key);
  if (at == std::string_view::npos || header.size() - at < key.size() + kNoChecksum.size())
    return std::string_view::npos;
  return at + key.size();
}

Result<TensorFile> parse_safetensors(std::shared_ptr<Buffer> bytes, const std::string& name,
                                     const ReadOptions& options) {
  Result<TensorFile> file = parse(bytes, options);
  if (!file) return because(file.failure(), "[safetensors] cannot read '{}'", name);
  return file;
}

Result<TensorFile> parse_safetensors(std::string_view bytes, const std::string& name,
                                     const ReadOptions& options) {
  auto buffer = Buffer::allocate(bytes.size());
  std::memcpy(buffer->data(), bytes.data(), bytes.size());
  return parse_safetensors(std::move(buffer), name, options);
}

NamedTensors tensors_below(const NamedTensors& all, const std::string& prefix) {
  NamedTensors out;
  for (const auto& [name, tensor] : all)
    if (name.starts_with(prefix)) out[name.substr(prefix.size())] = tensor;
  return out;
}

Result<TensorFile> read_safetensors(const std::string& path, const ReadOptions& options) {
  // Copied tensors need the file's bytes only while it is read: map it in both cases.
  Result<std::shared_ptr<Buffer>> bytes = map_file(path);
  if (!bytes) return because(bytes.failure(), "[safetensors] cannot read '{}'", path);
  return parse_safetensors(std::move(bytes.value()), path, options);
}

}  // namespace andiron::io
