#include "bindings/dlpack.hpp"

#include <algorithm>
#include <memory>

#include "andiron/base/error.hpp"
#include "bindings/convert.hpp"
#include "bindings/dlpack_abi.hpp"

// Tensors over other libraries' memory and theirs over ours.
namespace andiron::bindings {

namespace {

constexpr dlpack::Version kVersion = {1, 1};

dlpack::DataType type_of(DType dtype) {
  const auto bits = static_cast<uint8_t>(8 * size_of(dtype));
  switch (dtype) {
    case DType::f32:
    case DType::f64:
      return {dlpack::kFloat, bits, 1};
    case DType::bf16:
      return {dlpack::kBfloat, bits, 1};
    case DType::u8:
      return {dlpack::kUInt, bits, 1};
    case DType::boolean:
      return {dlpack::kBool, bits, 1};
    default:
      return {dlpack::kInt, bits, 1};
  }
}

DType dtype_from(dlpack::DataType given) {
  for (const DType dtype : kAllDTypes) {
    const dlpack::DataType d = type_of(dtype);
    if (d.code == given.code && d.bits == given.bits && given.lanes == 1) return dtype;
  }
  const char* kinds[] = {"int", "uint", "float", "opaque", "bfloat", "complex", "bool"};
  const std::string kind =
      given.code < std::size(kinds) ? kinds[given.code] : fmt::format("code {}, ", given.code);
  throw TypeError(fmt::format("[dlpack] {}{}{} has no dtype in Andiron", kind, given.bits,
                              given.lanes == 1 ? "" : fmt::format("x{}", given.lanes)));
}

std::string name_of_device(int64_t type) {
  constexpr std::pair<int64_t, const char*> kNames[] = {{1, "CPU"},
                                                        {2, "CUDA"},
                                                        {3, "CUDA's pinned memory"},
                                                        {4, "OpenCL"},
                                                        {7, "Vulkan"},
                                                        {8, "Metal"},
                                                        {10, "ROCm"},
                                                        {11, "ROCm's pinned memory"},
                                                        {13, "CUDA's managed memory"},
                                                        {14, "oneAPI"},
                                                        {15, "WebGPU"},
                                                        {16, "Hexagon"},
                                                        {17, "MAIA"}};
  for (const auto& [number, name] : kNames)
    if (type == number) return name;
  return fmt::format("device type {}", type);
}

[[noreturn]] void buffer_error(const std::string& text) {
  PyErr_SetString(PyExc_BufferError, text.c_str());
  throw nb::python_error();
}

// What a consumer gets; it ends it.
template <class M>
struct Exported {
  M managed = {};
  Tensor tensor;
  Sizes shape, strides;
};

template <class M>
nb::object export_as(const Tensor& tensor, bool copied) {
  auto out = std::make_unique<Exported<M>>();
  out->tensor = tensor;
  out->shape = tensor.sizes();
  out->strides = tensor.strides();
  M& m = out->managed;
  m.array = {tensor.raw(),
             {dlpack::kCpu, 0},
             static_cast<int32_t>(tensor.rank()),
             type_of(tensor.dtype()),
             out->shape.data(),
             out->strides.data(),
             0};
  m.context = out.get();
  m.deleter = [](M* self) { delete static_cast<Exported<M>*>(self->context); };
  if constexpr (std::is_same_v<M, dlpack::Versioned>) {
    m.version = kVersion;
    m.flags =
        (tensor.buffer()->writable() ? 0 : dlpack::kReadOnly) | (copied ? dlpack::kIsCopied : 0);
  }
  PyObject* capsule = PyCapsule_New(&m, M::kName, [](PyObject* self) {
    if (!PyCapsule_IsValid(self, M::kName)) return;  // a consumer has it
    auto* unused = static_cast<M*>(PyCapsule_GetPointer(self, M::kName));
    unused->deleter(unused);
  });
  if (capsule == nullptr) throw nb::python_error();
  out.release();
  return nb::steal(capsule);
}

nb::object export_tensor(const Tensor& tensor, nb::handle stream, nb::handle max_version,
                         nb::handle device, nb::handle copy) {
  if (!stream.is_none()) buffer_error("[dlpack] a CPU has no streams; stream must be None");
  if (!device.is_none()) {
    const auto type = nb::cast<int64_t>(device[nb::int_(0)]);
    if (type != dlpack::kCpu || nb::cast<int64_t>(device[nb::int_(1)]) != 0)
      buffer_error(fmt::format("[dlpack] tensors are on the CPU and do not move to {}",
                               name_of_device(type)));
  }
  const bool copied = !copy.is_none() && nb::cast<bool>(copy);
  const Tensor given = copied ? tensor.clone() : tensor;
  if (!max_version.is_none() && nb::cast<int64_t>(max_version[nb::int_(0)]) >= 1)
    return export_as<dlpack::Versioned>(given, copied);
  if (!given.buffer()->writable())
    buffer_error(
        "[dlpack] the tensor is read-only, which DLPack can say from version 1 on: ask with "
        "max_version=(1, 0), or copy=True");
  return export_as<dlpack::Managed>(given, copied);
}

template <class M>
Tensor import_from(nb::handle capsule) {
  auto* managed = static_cast<M*>(PyCapsule_GetPointer(capsule.ptr(), M::kName));
  if (managed == nullptr) throw nb::python_error();
  bool writable = true;
  if constexpr (std::is_same_v<M, dlpack::Versioned>) {
    if (managed->version.major != kVersion.major)
      buffer_error(fmt::format("[dlpack] version {}.{} is not known here, {}.x is",
                               managed->version.major, managed->version.minor, kVersion.major));
    writable = (managed->flags & dlpack::kReadOnly) == 0;
  }
  const dlpack::Array& a = managed->array;
  if (a.device.type != dlpack::kCpu)
    buffer_error(fmt::format("[dlpack] the array is on {}: copy it to the CPU first",
                             name_of_device(a.device.type)));
  const DType dtype = dtype_from(a.dtype);
  if (a.ndim < 0 || (a.ndim > 0 && a.shape == nullptr))
    fail("[dlpack] the array has {} axes and no shape", a.ndim);
  const Sizes sizes(a.shape, a.shape + a.ndim);
  // A size that is negative is found below.
  const bool sane = std::all_of(sizes.begin(), sizes.end(), [](int64_t n) { return n >= 0; });
  const Sizes strides = a.strides != nullptr ? Sizes(a.strides, a.strides + a.ndim)
                        : sane               ? dense_strides(sizes)
                                             : Sizes(sizes.size(), 1);
  const auto item = static_cast<int64_t>(size_of(dtype));
  int64_t low = 0, high = item, n = 1;  // bytes that the array reaches, and its numbers
  for (size_t i = 0; i < sizes.size(); ++i) {
    int64_t reach = 0;
    int64_t& end = strides[i] < 0 ? low : high;
    const bool wrong =
        sizes[i] < 0 || __builtin_mul_overflow(n, sizes[i], &n) ||
        __builtin_mul_overflow(std::max<int64_t>(sizes[i] - 1, 0), strides[i], &reach) ||
        __builtin_mul_overflow(reach, item, &reach) || __builtin_add_overflow(end, reach, &end);
    if (wrong)
      fail("[dlpack] the shape {} with strides {} makes no sense", str(sizes), str(strides));
  }
  auto* first = static_cast<std::byte*>(a.data) + a.byte_offset;
  if (n > 0 && a.data == nullptr) fail("[dlpack] the array of {} numbers has no memory", n);
  if (reinterpret_cast<uintptr_t>(first) % static_cast<uintptr_t>(item) != 0)
    fail("[dlpack] the array does not begin at a multiple of {} bytes", item);
  // From here on the memory is ours to give back. Producers' deleters may call Python.
  PyCapsule_SetName(capsule.ptr(), M::kUsed);
  auto release = [managed] {
    if (managed->deleter == nullptr || !Py_IsInitialized()) return;
    nb::gil_scoped_acquire gil;
    managed->deleter(managed);
  };
  if (n == 0) {
    release();
    return Tensor(dtype, sizes);
  }
  auto buffer =
      Buffer::wrap(first + low, static_cast<size_t>(high - low), std::move(release), writable);
  return Tensor(std::move(buffer), dtype, sizes, strides, -low);
}

// An array of a producer that knows DLPack; the versioned protocol where it knows that.
nb::object capsule_of(nb::handle object) {
  nb::object ask = object.attr("__dlpack__");
  try {
    return ask(nb::arg("max_version") = nb::make_tuple(kVersion.major, kVersion.minor));
  } catch (nb::python_error& error) {
    if (!error.matches(PyExc_TypeError)) throw;  // only older ones take no max_version
  }
  return ask();
}

Tensor from_dlpack(nb::handle object, nb::handle device, nb::handle copy) {
  nb::object capsule = nb::borrow(object);
  if (!PyCapsule_CheckExact(object.ptr())) {
    if (!nb::hasattr(object, "__dlpack__"))
      throw TypeError(fmt::format("[dlpack] an array with __dlpack__ is needed; got {}",
                                  nb::cast<std::string>(nb::str(object.type().attr("__name__")))));
    if (nb::hasattr(object, "__dlpack_device__")) {
      const nb::object where = object.attr("__dlpack_device__")();
      const auto type = nb::cast<int64_t>(nb::int_(nb::object(where[nb::int_(0)])));
      if (type != dlpack::kCpu)
        buffer_error(fmt::format("[dlpack] the array is on {}: copy it to the CPU first",
                                 name_of_device(type)));
    }
    capsule = capsule_of(object);
  }
  if (!device.is_none() && nb::cast<std::string>(nb::str(device)) != "cpu")
    buffer_error(fmt::format("[dlpack] the device is \"cpu\"; got {}",
                             nb::cast<std::string>(nb::repr(device))));
  const char* name =
      PyCapsule_CheckExact(capsule.ptr()) ? PyCapsule_GetName(capsule.ptr()) : nullptr;
  const std::string_view kind = name == nullptr ? "" : name;
  if (kind == dlpack::Managed::kUsed || kind == dlpack::Versioned::kUsed)
    fail("[dlpack] the capsule was taken already");
  if (kind != dlpack::Managed::kName && kind != dlpack::Versioned::kName)
    throw TypeError("[dlpack] __dlpack__ gave no capsule of DLPack");
  const Tensor tensor = kind == dlpack::Versioned::kName ? import_from<dlpack::Versioned>(capsule)
                                                         : import_from<dlpack::Managed>(capsule);
  return !copy.is_none() && nb::cast<bool>(copy) ? tensor.clone() : tensor;
}

}  // namespace

void def_dlpack(nb::module_& m, nb::class_<Tensor>& tensor) {
  tensor
      .def("__dlpack__", &export_tensor, nb::kw_only(), nb::arg("stream") = nb::none(),
           nb::arg("max_version") = nb::none(), nb::arg("dl_device") = nb::none(),
           nb::arg("copy") = nb::none(),
           "The memory for others, by the array API's protocol. Nothing is copied without copy.")
      .def("__dlpack_device__", [](const Tensor&) { return nb::make_tuple(dlpack::kCpu, 0); });
  m.def("from_dlpack", &from_dlpack, nb::arg("x"), nb::kw_only(), nb::arg("device") = nb::none(),
        nb::arg("copy") = nb::none(), "See andiron.from_dlpack.");
}

}  // namespace andiron::bindings
