#pragma once

#include <cstdint>

// The structs of DLPack (https://dmlc.github.io/dlpack/latest/c_api.html), a stable ABI.
namespace andiron::bindings::dlpack {

inline constexpr int32_t kCpu = 1;
/// Integers, unsigned integers, floats, bfloat16, bool.
enum Code : uint8_t { kInt = 0, kUInt = 1, kFloat = 2, kBfloat = 4, kComplex = 5, kBool = 6 };

struct Device {
  int32_t type, id;
};

struct DataType {
  uint8_t code, bits;
  uint16_t lanes;
};

struct Array {
  void* data;
  Device device;
  int32_t ndim;
  DataType dtype;
  int64_t* shape;
  int64_t* strides;  ///< in elements; null: dense (before version 1.2)
  uint64_t byte_offset;
};

/// Before version 1.
struct Managed {
  static constexpr const char* kName = "dltensor";
  static constexpr const char* kUsed = "used_dltensor";
  Array array;
  void* context;
  void (*deleter)(Managed*);
};

struct Version {
  uint32_t major, minor;
};

inline constexpr uint64_t kReadOnly = 1, kIsCopied = 2;

struct Versioned {
  static constexpr const char* kName = "dltensor_versioned";
  static constexpr const char* kUsed = "used_dltensor_versioned";
  Version version;
  void* context;
  void (*deleter)(Versioned*);
  uint64_t flags;
  Array array;
};

static_assert(sizeof(Array) == 48 && sizeof(Managed) == 64 && sizeof(Versioned) == 80);

}  // namespace andiron::bindings::dlpack
