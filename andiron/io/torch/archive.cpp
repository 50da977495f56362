#include "andiron/io/torch/archive.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <optional>
#include <string_view>

#include "andiron/base/error.hpp"
#include "andiron/io/file.hpp"
#include "andiron/io/torch/pickle_machine.hpp"
#include "andiron/io/torch/zip_index.hpp"

namespace andiron::io {

namespace {

using Kind = PickleValue::Kind;

constexpr int kMaxDepth = 32;             // of dicts and lists in each other
constexpr size_t kMaxVisits = 1'000'000;  // objects may be reached on many ways
constexpr size_t kMaxTensors = 200'000, kMaxName = 512;
// An expanded tensor (stride 0) may have more elements than its storage, up to so many.
constexpr int64_t kMaxExpanded = 1 << 20;

// PROTO 2, LONG1 of 10 bytes (the older format's magic number), STOP.
constexpr std::string_view kOlderMagic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.",
                                       15);

/// The numbers of one storage, as Andiron has them.
struct Storage {
  std::shared_ptr<Buffer> buffer;
  uint64_t byte_offset = 0;
  int64_t count = 0;
  const StorageType* type = nullptr;
};
using Storages = std::map<std::string, Storage, std::less<>>;

float from_half(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000U) << 16, exponent = (half >> 10) & 0x1F,
                 mantissa = half & 0x3FFU;
  if (exponent == 0)  // zero and subnormal numbers: mantissa * 2^-24
    return (sign != 0 ? -1.0F : 1.0F) * static_cast<float>(mantissa) * 0x1p-24F;
  const uint32_t wide = exponent == 31 ? 0xFF : exponent + 112;
  return std::bit_cast<float>(sign | (wide << 23) | (mantissa << 13));
}

template <class From, class To, class Convert>
std::shared_ptr<Buffer> convert_all(const std::byte* src, size_t count, Convert convert) {
  auto out = Buffer::allocate(count * sizeof(To));
  for (size_t i = 0; i < count; ++i) {
    From x;
    std::memcpy(&x, src + i * sizeof(From), sizeof(From));
    const To y = convert(x);
    std::memcpy(out->data() + i * sizeof(To), &y, sizeof(To));
  }
  return out;
}

// `count` numbers at `offset` of the file, which has them.
Storage storage_at(const std::shared_ptr<Buffer>& file, uint64_t offset, int64_t count,
                   const StorageType* type, std::string_view key) {
  const std::byte* src = file->data() + offset;
  const auto n = static_cast<size_t>(count);
  Storage s{nullptr, 0, count, type};
  if (type->name == "HalfStorage") {
    s.buffer = convert_all<uint16_t, float>(src, n, from_half);
  } else if (type->name == "ShortStorage") {
    s.buffer = convert_all<int16_t, int32_t>(src, n, [](int16_t x) { return int32_t{x}; });
  } else if (reinterpret_cast<uintptr_t>(src) % type->n_bytes == 0) {
    s.buffer = file;
    s.byte_offset = offset;
  } else {
    s.buffer = Buffer::allocate(n * type->n_bytes);
    if (n > 0) std::memcpy(s.buffer->data(), src, n * type->n_bytes);
  }
  if (type->dtype == DType::boolean)
    for (size_t i = 0; i < n; ++i)
      if (static_cast<uint8_t>(src[i]) > 1)
        fail("storage '{}' is bool, but element {} is {}", key, i, static_cast<int>(src[i]));
  return s;
}

uint64_t bytes_of(const PickleValue& storage) {
  uint64_t n = 0;
  if (__builtin_mul_overflow(static_cast<uint64_t>(storage.integer), storage.type->n_bytes, &n))
    fail("storage '{}' has {} elements, which is too many", storage.text, storage.integer);
  return n;
}

// A storage comes many times in a pickle, always with the same type and size.
void check_same(const Storage& known, const PickleValue& storage) {
  if (known.type != storage.type || known.count != storage.integer)
    fail("storage '{}' is {} {} at one place and {} {} at another", storage.text, known.count,
         known.type->name, storage.integer, storage.type->name);
}

/// The tensors below an object, under their names.
class Collector {
 public:
  Collector(const PickleMachine& machine, const Storages& storages)
      : machine_(machine), storages_(storages) {}

  NamedTensors collect(uint32_t root) {
    visit(root, "", 0);
    return std::move(found_);
  }

 private:
  void visit(uint32_t index, const std::string& name, int depth) {
    const PickleValue& v = machine_[index];
    if (++visits_ > kMaxVisits) fail("the pickle's objects hold each other too often");
    if (v.kind == Kind::tensor) {
      if (found_.size() == kMaxTensors) fail("there are more than {} tensors", kMaxTensors);
      if (!found_.emplace(name, tensor(v, name)).second) fail("the name '{}' comes twice", name);
      return;
    }
    if (v.kind != Kind::dict && v.kind != Kind::list) return;  // numbers, texts
    if (depth == kMaxDepth) fail("dicts and lists are more than {} deep", kMaxDepth);
    const bool dict = v.kind == Kind::dict;
    for (size_t i = 0; i < v.items.size(); i += dict ? 2 : 1) {
      const std::string key = dict ? key_of(machine_[v.items[i]]) : std::to_string(i);
      if (name.size() + key.size() > kMaxName) fail("a name has more than {} letters", kMaxName);
      visit(v.items[i + (dict ? 1 : 0)], name.empty() ? key : name + "." + key, depth + 1);
    }
  }

  static std::string key_of(const PickleValue& key) {
    if (key.kind == Kind::text) return std::string(key.text);
    if (key.kind == Kind::integer) return std::to_string(key.integer);
    fail("a key of a dict is neither a text nor an integer");
  }

  Sizes integers(uint32_t index, const std::string& name) const {
    Sizes out;
    for (uint32_t i : machine_[index].items) {
      if (machine_[i].kind != Kind::integer || machine_[i].integer < 0)
        fail("tensor '{}' has a size or stride that is no number, or negative", name);
      out.push_back(machine_[i].integer);
    }
    return out;
  }

  Tensor tensor(const PickleValue& v, const std::string& name) const {
    const PickleValue& id = machine_[v.items[0]];
    const Storage& storage = storages_.find(id.text)->second;
    int64_t offset = machine_[v.items[1]].integer, available = storage.count;
    if (offset < 0) fail("tensor '{}' begins at element {}", name, offset);
    if (!id.items.empty()) {  // a view of a storage
      const int64_t begin = machine_[id.items[0]].integer, size = machine_[id.items[1]].integer;
      if (begin < 0 || size < 0 || begin > available || size > available - begin)
        fail("a view of storage '{}' takes {} elements from {} of {}", id.text, size, begin,
             available);
      if (offset > size) fail("tensor '{}' begins behind its storage", name);
      offset += begin;
      available = begin + size;
    }
    const Sizes sizes = integers(v.items[2], name), strides = integers(v.items[3], name);
    if (sizes.size() != strides.size() || sizes.size() > 64)
      fail("tensor '{}' has {} sizes and {} strides", name, sizes.size(), strides.size());
    int64_t last = offset;  // the element that is farthest behind
    int64_t count = 1;
    bool empty = false, overflow = false;
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (sizes[i] == 0) {
        empty = true;
        continue;
      }
      int64_t reach = 0;
      overflow |= __builtin_mul_overflow(sizes[i] - 1, strides[i], &reach);
      overflow |= __builtin_add_overflow(last, reach, &last);
      overflow |= __builtin_mul_overflow(count, sizes[i], &count);
    }
    if (overflow || (empty ? offset > available : last >= available))
      fail("tensor '{}' of {} with strides {} from element {} does not fit its storage of {}", name,
           str(sizes), str(strides), offset, available);
    if (!empty && count > std::max(available, kMaxExpanded))
      fail("tensor '{}' of {} is a storage of {} elements, expanded", name, str(sizes), available);
    return Tensor(storage.buffer, storage.type->dtype, sizes, strides,
                  static_cast<int64_t>(storage.byte_offset) +
                      (empty ? 0 : offset * static_cast<int64_t>(size_of(storage.type->dtype))));
  }

  const PickleMachine& machine_;
  const Storages& storages_;
  NamedTensors found_;
  size_t visits_ = 0;
};

NamedTensors parse_zip(const std::shared_ptr<Buffer>& file, const TorchOptions& options) {
  auto entries = zip_index(as_bytes(*file));
  if (!entries) fail("{}", entries.failure().report());
  auto bytes_of_entry = [&](const std::string& name, const ZipEntry& e) {
    const auto bytes = as_bytes(*file).subspan(e.offset, e.n_bytes);
    if (options.check_crc && crc32(bytes) != e.crc)
      fail("entry '{}' is damaged: its checksum is wrong", name);
    return bytes;
  };
  // "<anything>/data.pkl"; beside it "<anything>/data/<key>".
  const std::string wanted = "data.pkl";
  std::string root;
  int n_roots = 0;
  for (const auto& [name, entry] : entries.value()) {
    const size_t slash = name.find('/');
    if (slash == std::string::npos) continue;
    if (name.substr(slash + 1) == "constants.pkl")
      fail("this is a TorchScript program, not weights: save model.state_dict()");
    if (name.substr(slash + 1) == wanted) {
      root = name.substr(0, slash + 1);
      ++n_roots;
    }
  }
  if (n_roots != 1) fail("the zip has {} entries data.pkl; a torch archive has one", n_roots);
  if (const auto order = entries.value().find(root + "byteorder"); order != entries.value().end()) {
    const auto bytes = bytes_of_entry(order->first, order->second);
    if (std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()) != "little")
      fail("the file's numbers are not little-endian");
  }
  const std::string pickle_name = root + wanted;
  const auto pickle = bytes_of_entry(pickle_name, entries.value().at(pickle_name));
  PickleMachine machine({reinterpret_cast<const char*>(pickle.data()), pickle.size()});
  const uint32_t object = machine.run();
  Storages storages;
  for (uint32_t index : machine.storages()) {
    const PickleValue& id = machine[index];
    if (const auto known = storages.find(id.text); known != storages.end()) {
      check_same(known->second, id);
      continue;
    }
    const std::string name = root + "data/" + std::string(id.text);
    const auto entry = entries.value().find(name);
    if (entry == entries.value().end()) fail("the zip has no entry for storage '{}'", id.text);
    if (entry->second.n_bytes != bytes_of(id))
      fail("storage '{}' has {} elements of {}, but {} bytes", id.text, id.integer, id.type->name,
           entry->second.n_bytes);
    bytes_of_entry(name, entry->second);
    storages.emplace(std::string(id.text),
                     storage_at(file, entry->second.offset, id.integer, id.type, id.text));
  }
  return Collector(machine, storages).collect(object);
}

// Pickles of the magic number, the version, the system's sizes, the object and the list of keys;
// then for each key the number of elements (8 bytes) and the elements.
NamedTensors parse_older(const std::shared_ptr<Buffer>& file) {
  const std::string_view text(reinterpret_cast<const char*>(file->data()), file->n_bytes());
  const size_t begin = kOlderMagic.size();
  PickleMachine machine(text.substr(begin));
  const uint32_t version = machine.run();
  if (machine[version].kind != Kind::integer || machine[version].integer != 1001)
    fail("the file's version is not 1001");
  const PickleValue& system = machine[machine.run()];
  if (system.kind != Kind::dict) fail("the file's head is damaged");
  for (size_t i = 0; i + 1 < system.items.size(); i += 2)
    if (machine[system.items[i]].text == "little_endian" &&
        machine[system.items[i + 1]].integer == 0)
      fail("the file's numbers are not little-endian");
  const uint32_t object = machine.run();
  const uint32_t keys = machine.run();
  if (machine[keys].kind != Kind::list) fail("the list of storages is damaged");

  std::map<std::string_view, const PickleValue*> named;
  for (uint32_t index : machine.storages()) named.emplace(machine[index].text, &machine[index]);
  Storages storages;
  uint64_t at = begin + machine.position();
  for (uint32_t index : machine[keys].items) {
    const PickleValue& key = machine[index];
    const auto id = named.find(key.text);
    if (key.kind != Kind::text || id == named.end())
      fail("storage '{}' is in the file, but no tensor's", key.text);
    if (text.size() - at < 8) fail("the file ends before storage '{}'", key.text);
    int64_t count = 0;
    std::memcpy(&count, text.data() + at, 8);
    at += 8;
    if (count != id->second->integer)
      fail("storage '{}' has {} elements, not {}", key.text, count, id->second->integer);
    const uint64_t n_bytes = bytes_of(*id->second);
    if (n_bytes > text.size() - at) fail("the file ends in storage '{}'", key.text);
    const bool fresh =
        storages
            .emplace(std::string(key.text), storage_at(file, at, count, id->second->type, key.text))
            .second;
    if (!fresh) fail("storage '{}' is there twice", key.text);
    at += n_bytes;
  }
  if (at != text.size()) fail("{} bytes behind the last storage", text.size() - at);
  for (uint32_t index : machine.storages()) {
    const auto known = storages.find(machine[index].text);
    if (known == storages.end()) fail("the file has no storage '{}'", machine[index].text);
    check_same(known->second, machine[index]);
  }
  return Collector(machine, storages).collect(object);
}

NamedTensors parse(const std::shared_ptr<Buffer>& file, const TorchOptions& options) {
  const std::string_view text(reinterpret_cast<const char*>(file->data()), file->n_bytes());
  if (text.starts_with("PK")) return parse_zip(file, options);
  if (text.starts_with(kOlderMagic)) return parse_older(file);
  fail("it is no file of torch.save: it begins neither as a zip nor with torch's magic number");
}

}  // namespace

Result<NamedTensors> parse_torch(std::shared_ptr<Buffer> bytes, const std::string& name,
                                 const TorchOptions& options) {
  try {
    return parse(bytes, options);
  } catch (const Error& e) {
    return failure("[torch] cannot read '{}': {}", name, e.what());
  }
}

Result<NamedTensors> read_torch(const std::string& path, const TorchOptions& options) {
  Result<std::shared_ptr<Buffer>> bytes = map_file(path);
  if (!bytes) return because(bytes.failure(), "[torch] cannot read '{}'", path);
  return parse_torch(std::move(bytes.value()), path, options);
}

}  // namespace andiron::io
