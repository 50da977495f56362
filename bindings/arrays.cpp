#include <nanobind/ndarray.h>

#include <cstring>

#include "andiron/base/error.hpp"
#include "bindings/convert.hpp"

// Tensors over NumPy's memory and NumPy arrays over tensors' memory.
namespace andiron::bindings {

namespace {

std::optional<DType> dtype_of_format(const char* format, Py_ssize_t item_size) {
  if (format == nullptr) return DType::u8;
  if (*format == '@' || *format == '=' || *format == '<') ++format;
  if (format[0] == '\0' || format[1] != '\0') return std::nullopt;
  switch (*format) {
    case 'f':
      return DType::f32;
    case 'd':
      return DType::f64;
    case '?':
      return DType::boolean;
    case 'b':
      return DType::i8;
    case 'B':
      return DType::u8;
    case 'i':
    case 'l':
    case 'q':
      if (item_size == 4) return DType::i32;
      if (item_size == 8) return DType::i64;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::optional<Tensor> wrap(Py_buffer* view, DType dtype) {
  const auto item = static_cast<Py_ssize_t>(size_of(dtype));
  Sizes sizes, strides;
  Py_ssize_t low = 0, high = item;  // bytes that the view reaches
  for (int i = 0; i < view->ndim; ++i) {
    if (view->strides[i] % item != 0) return std::nullopt;
    sizes.push_back(view->shape[i]);
    strides.push_back(view->strides[i] / item);
    const Py_ssize_t reach = (view->shape[i] - 1) * view->strides[i];
    (reach < 0 ? low : high) += view->shape[i] > 0 ? reach : 0;
  }
  if (reinterpret_cast<uintptr_t>(view->buf) % static_cast<uintptr_t>(item) != 0)
    return std::nullopt;
  // The memory may outlive the interpreter's interest in it; a late release leaves it alone.
  auto release = [view] {
    if (!Py_IsInitialized()) return;
    nb::gil_scoped_acquire gil;
    PyBuffer_Release(view);
    delete view;
  };
  auto buffer = Buffer::wrap(static_cast<char*>(view->buf) + low, static_cast<size_t>(high - low),
                             release, view->readonly == 0);
  return Tensor(std::move(buffer), dtype, std::move(sizes), std::move(strides), -low);
}

nb::object numpy_helper(const char* name) {
  return nb::module_::import_("andiron._arrays").attr(name);
}

}  // namespace

std::optional<Tensor> tensor_from_buffer(nb::handle object) {
  if (!PyObject_CheckBuffer(object.ptr())) return std::nullopt;
  auto view = std::make_unique<Py_buffer>();
  if (PyObject_GetBuffer(object.ptr(), view.get(), PyBUF_STRIDES | PyBUF_FORMAT) != 0) {
    PyErr_Clear();
    return std::nullopt;
  }
  const std::optional<DType> dtype = dtype_of_format(view->format, view->itemsize);
  std::optional<Tensor> tensor;
  if (dtype) tensor = wrap(view.get(), *dtype);
  if (tensor)
    view.release();
  else
    PyBuffer_Release(view.get());
  return tensor;
}

Tensor tensor_from(nb::handle object) {
  if (nb::isinstance<Tensor>(object)) return nb::cast<Tensor>(object);
  if (nb::isinstance<Variable>(object)) return nb::cast<VariablePtr>(object)->value();
  if (!PyBytes_Check(object.ptr()) && !PyByteArray_Check(object.ptr()))
    if (auto tensor = tensor_from_buffer(object)) return *tensor;
  nb::object plain = numpy_helper("plain_array")(object);
  if (nb::isinstance<Tensor>(plain)) return nb::cast<Tensor>(plain);
  auto tensor = tensor_from_buffer(plain);
  if (!tensor) throw TypeError("this object cannot be made a tensor");
  return *tensor;
}

std::vector<Tensor> tensors_from(nb::handle sequence) {
  std::vector<Tensor> out;
  for (nb::handle item : sequence) out.push_back(tensor_from(item));
  return out;
}

nb::object to_numpy(const Tensor& tensor) {
  if (!tensor.defined()) return nb::none();
  nb::dlpack::dtype dtype = visit_dtype(tensor.dtype(), []<class T>() {
    if constexpr (std::is_same_v<T, bfloat16>)
      return nb::dtype<uint16_t>();
    else
      return nb::dtype<T>();
  });
  std::vector<size_t> shape(tensor.sizes().begin(), tensor.sizes().end());
  nb::object owner = nb::cast(tensor);
  const auto make = [&]<class A>(A*) {
    A array(tensor.raw(), shape.size(), shape.data(), owner, tensor.strides().data(), dtype);
    return nb::cast(array, nb::rv_policy::reference);
  };
  nb::object array = tensor.buffer()->writable()
                         ? make(static_cast<nb::ndarray<nb::numpy>*>(nullptr))
                         : make(static_cast<nb::ndarray<nb::numpy, nb::ro>*>(nullptr));
  return tensor.dtype() == DType::bf16 ? nb::object(numpy_helper("as_bfloat16")(array)) : array;
}

}  // namespace andiron::bindings
