#include "bindings/tensor.hpp"

#include "andiron/base/error.hpp"
#include "andiron/tensor/allocated_bytes.hpp"
#include "bindings/convert.hpp"
#include "bindings/dlpack.hpp"
#include "bindings/operators.hpp"

namespace andiron::bindings {

namespace {

std::string repr(const Tensor& t) {
  return fmt::format("Tensor(shape={}, dtype={}, numpy={})",
                     nb::cast<std::string>(nb::str(to_python(t.sizes()))), name_of(t.dtype()),
                     nb::cast<std::string>(nb::repr(to_numpy(t))));
}

nb::object item(const Tensor& t) {
  if (t.count() != 1)
    fail("[Tensor] only a tensor of one element is a number; got shape {}", str(t.sizes()));
  if (t.dtype() == DType::boolean) return nb::bool_(t.item() != 0.0);
  if (t.dtype() == DType::i64) return nb::int_(t.contiguous().data<int64_t>()[0]);
  if (is_integer(t.dtype())) return nb::int_(static_cast<int64_t>(t.item()));
  return nb::float_(t.item());
}

}  // namespace

void bind_tensor(nb::module_& m) {
  nb::class_<Tensor> tensor(m, "Tensor",
                            "A strided block of numbers. Made from a NumPy array (or a DataFrame, "
                            "a list, a number), whose memory it shares where it can.");
  tensor
      .def(
          "__init__",
          [](Tensor* self, nb::handle data, nb::handle dtype) {
            Tensor t = tensor_from(data);
            if (!dtype.is_none() && dtype_from(dtype) != t.dtype()) t = t.cast(dtype_from(dtype));
            new (self) Tensor(std::move(t));
          },
          nb::arg("data"), nb::arg("dtype") = nb::none())
      .def_prop_ro("dtype", [](const Tensor& t) { return to_python(t.dtype()); })
      .def_prop_ro("shape", [](const Tensor& t) { return to_python(t.sizes()); })
      .def_prop_ro(
          "strides", [](const Tensor& t) { return to_python(t.strides()); }, "In elements.")
      .def_prop_ro("ndim", &Tensor::rank)
      .def_prop_ro("size", &Tensor::count)
      .def_prop_ro("nbytes", &Tensor::n_bytes)
      .def_prop_ro("writable", [](const Tensor& t) { return t.buffer()->writable(); })
      .def("numpy", &to_numpy, "A NumPy array over the same memory.")
      .def(
          "__array__",
          [](const Tensor& t, nb::handle dtype, nb::handle copy) -> nb::object {
            nb::object array = to_numpy(t);
            if (!dtype.is_none()) array = array.attr("astype")(dtype, nb::arg("copy") = false);
            if (!copy.is_none() && nb::cast<bool>(copy)) array = array.attr("copy")();
            return array;
          },
          nb::arg("dtype") = nb::none(), nb::arg("copy") = nb::none())
      .def("item", &item, "The one element as a Python number.")
      .def(
          "cast", [](const Tensor& t, nb::handle dtype) { return t.cast(dtype_from(dtype)); },
          nb::arg("dtype"))
      .def("clone", &Tensor::clone)
      .def("__float__", [](const Tensor& t) { return nb::float_(item(t)); })
      .def("__int__", [](const Tensor& t) { return nb::int_(item(t)); })
      .def("__bool__", [](const Tensor& t) { return nb::cast<bool>(nb::bool_(item(t))); })
      .def("__len__",
           [](const Tensor& t) {
             if (t.rank() == 0) throw TypeError("a scalar tensor has no length");
             return t.size(0);
           })
      .def("__getitem__",
           [](const Tensor& t, nb::handle index) -> nb::object {
             return to_numpy(t).attr("__getitem__")(index);
           })
      .def("__iter__", [](const Tensor& t) { return nb::iter(to_numpy(t)); })
      .def("__repr__", &repr);
  m.def("allocated_bytes", &allocated_bytes);
  m.def(
      "bfloat16_from_bytes",
      [](nb::handle bytes, const std::vector<int64_t>& shape) {
        const Tensor raw = tensor_from(bytes);
        Sizes strides = dense_strides(shape);
        return Tensor(raw.buffer(), DType::bf16, shape, std::move(strides), raw.byte_offset());
      },
      "A tensor over the bytes (uint8) of bfloat16 numbers.");
  tensor.attr("__array_priority__") = 100;
  def_dlpack(m, tensor);
  def_arithmetic(tensor);
  def_comparison(tensor);
}

}  // namespace andiron::bindings
