#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <limits>

#include "andiron/io/file.hpp"
#include "andiron/io/onnx/errors.hpp"
#include "andiron/io/onnx/proto.hpp"

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");

namespace andiron::io::onnx {

namespace {

constexpr std::array<const char*, 29> kNames = {
    "UNDEFINED",      "FLOAT",      "UINT8",          "INT8",       "UINT16",    "INT16",
    "INT32",          "INT64",      "STRING",         "BOOL",       "FLOAT16",   "DOUBLE",
    "UINT32",         "UINT64",     "COMPLEX64",      "COMPLEX128", "BFLOAT16",  "FLOAT8E4M3FN",
    "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "UINT4",      "INT4",      "FLOAT4E2M1",
    "FLOAT8E8M0",     "UINT2",      "INT2",           "FLOAT6E2M3", "FLOAT6E3M2"};

// The bytes of external data. The path must stay below the model's folder.
std::shared_ptr<Buffer> external_bytes(const TensorProto& t, const std::string& folder,
                                       size_t n_bytes, int64_t& offset) {
  namespace fs = std::filesystem;
  std::string location;
  offset = 0;
  int64_t length = static_cast<int64_t>(n_bytes);
  const auto number = [&](const std::string& key, const std::string& value) {
    int64_t n = -1;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), n);
    if (error != std::errc() || end != value.data() + value.size() || n < 0)
      fail("[onnx] external data of '{}': {} is not a number of bytes: '{}'", t.name, key, value);
    return n;
  };
  for (const auto& [key, value] : t.external_data) {
    if (key == "location") location = value;
    if (key == "offset") offset = number(key, value);
    if (key == "length") length = number(key, value);
  }
  if (length != static_cast<int64_t>(n_bytes))
    fail("[onnx] external data of '{}' have {} bytes; its shape wants {}", t.name, length, n_bytes);
  const fs::path below(location);
  bool escapes =
      location.empty() || below.is_absolute() || location.find('\0') != std::string::npos;
  for (const fs::path& part : below) escapes = escapes || part == "..";
  std::error_code ec;
  const fs::path root = fs::weakly_canonical(folder.empty() ? "." : folder, ec);
  const fs::path target = fs::weakly_canonical(root / below, ec);
  // A symbolic link may lead out of it, too.
  const fs::path relative = target.lexically_relative(root);
  escapes = escapes || ec || relative.empty() || *relative.begin() == "..";
  if (escapes)
    fail("[onnx] external data of '{}' must lie in the model's folder; got '{}'", t.name, location);
  if (!fs::is_regular_file(target, ec))
    fail("[onnx] external data of '{}': there is no file '{}'", t.name, location);
  std::shared_ptr<Buffer> bytes = map_file(target.string()).value_or_throw();
  const auto size = static_cast<int64_t>(bytes->n_bytes());
  if (offset > size || length > size - offset)
    fail("[onnx] external data of '{}' reach to byte {} of '{}', which has {}", t.name,
         offset + length, location, size);
  return bytes;
}

// Values in typed fields; bfloat16 and bool stand in int32_data.
template <class T>
void take(Tensor& out, const TensorProto& t) {
  T* dst = out.data<T>();
  const auto n = static_cast<size_t>(out.count());
  const auto check = [&](size_t got) {
    if (got != n)
      fail("[onnx] tensor '{}' has {} numbers; its shape {} wants {}", t.name, got,
           str(Sizes(t.dims)), n);
  };
  if constexpr (std::is_same_v<T, float>) {
    check(t.float_data.size());
    std::copy(t.float_data.begin(), t.float_data.end(), dst);
  } else if constexpr (std::is_same_v<T, double>) {
    check(t.double_data.size());
    std::copy(t.double_data.begin(), t.double_data.end(), dst);
  } else {
    check(t.int_data.size());
    for (size_t i = 0; i < n; ++i) {
      if constexpr (std::is_same_v<T, bfloat16>)
        dst[i].bits = static_cast<uint16_t>(t.int_data[i]);
      else if constexpr (std::is_same_v<T, bool>)
        dst[i] = t.int_data[i] != 0;
      else
        dst[i] = static_cast<T>(t.int_data[i]);
    }
  }
}

}  // namespace

std::string data_type_name(int32_t data_type) {
  const auto i = static_cast<size_t>(data_type);
  return data_type >= 0 && i < kNames.size() ? kNames[i] : std::to_string(data_type);
}

std::optional<DType> dtype_of_onnx(int32_t data_type) {
  switch (data_type) {
    case 1:
      return DType::f32;
    case 2:
      return DType::u8;
    case 3:
      return DType::i8;
    case 6:
      return DType::i32;
    case 7:
      return DType::i64;
    case 9:
      return DType::boolean;
    case 11:
      return DType::f64;
    case 16:
      return DType::bf16;
    default:
      return std::nullopt;
  }
}

int32_t onnx_of_dtype(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return 1;
    case DType::u8:
      return 2;
    case DType::i8:
      return 3;
    case DType::i32:
      return 6;
    case DType::i64:
      return 7;
    case DType::boolean:
      return 9;
    case DType::f64:
      return 11;
    case DType::bf16:
      return 16;
  }
  return 0;
}

Tensor tensor_of(const TensorProto& t, const std::string& folder) {
  const auto dtype = dtype_of_onnx(t.data_type);
  if (!dtype)
    unsupported("[onnx] tensor '{}': Andiron has no dtype {}", t.name, data_type_name(t.data_type));
  int64_t count = 1;
  for (int64_t d : t.dims) {
    if (d < 0 || t.dims.size() > 64 ||
        __builtin_mul_overflow(count, std::max<int64_t>(d, 1), &count) ||
        count > (int64_t{1} << 48))
      fail("[onnx] tensor '{}' has an impossible shape {}", t.name, str(Sizes(t.dims)));
  }
  for (int64_t d : t.dims)
    if (d == 0) count = 0;
  const size_t n_bytes = static_cast<size_t>(count) * size_of(*dtype);
  std::shared_ptr<Buffer> buffer;  // keeps what is mapped
  const std::byte* source = nullptr;
  if (t.external) {
    int64_t offset = 0;
    buffer = external_bytes(t, folder, n_bytes, offset);
    source = buffer->data() + offset;
  } else if (t.raw_data) {
    if (t.raw_data->size() != n_bytes)
      fail("[onnx] tensor '{}' has {} bytes; {} of shape {} wants {}", t.name, t.raw_data->size(),
           name_of(*dtype), str(Sizes(t.dims)), n_bytes);
    source = reinterpret_cast<const std::byte*>(t.raw_data->data());
  } else {
    // Checked before the memory is taken.
    const size_t got = t.float_data.size() + t.double_data.size() + t.int_data.size();
    if (got != static_cast<size_t>(count))
      fail("[onnx] tensor '{}' has {} numbers; its shape {} wants {}", t.name, got,
           str(Sizes(t.dims)), count);
    Tensor out(*dtype, Sizes(t.dims));
    visit_dtype(*dtype, [&]<class T>() { take<T>(out, t); });
    return out;
  }
  Tensor out(*dtype, Sizes(t.dims));
  if (n_bytes > 0) std::memcpy(out.raw(), source, n_bytes);
  if (*dtype == DType::boolean)  // any other byte would not be a bool
    for (size_t i = 0; i < n_bytes; ++i) {
      auto& byte = static_cast<std::byte*>(out.raw())[i];
      byte = byte == std::byte{0} ? std::byte{0} : std::byte{1};
    }
  return out;
}

}  // namespace andiron::io::onnx
