#include "bindings/python_function.hpp"

#include <cstring>

#include "andiron/base/error.hpp"
#include "andiron/exec/lane.hpp"
#include "andiron/ops/host/host_function.hpp"
#include "bindings/tensor.hpp"

namespace andiron::bindings {

namespace {

// What a function returned, as the tensor that was promised. NumPy computes in float64 where one
// looks away, so that precision may differ; kinds and shapes may not.
void store(nb::handle result, Tensor& dst, const std::string& name, size_t i) {
  const Tensor given = tensor_from(result);
  const bool same_kind = given.dtype() == dst.dtype() ||
                         (is_floating(dst.dtype()) && is_floating(given.dtype())) ||
                         (is_integer(dst.dtype()) && is_integer(given.dtype()));
  if (!same_kind || given.sizes() != dst.sizes())
    fail("[py_function] '{}' must return {}{} as output {}; got {}{}", name, name_of(dst.dtype()),
         str(dst.sizes()), i, name_of(given.dtype()), str(given.sizes()));
  dst.copy_from(given.dtype() == dst.dtype() ? given : given.cast(dst.dtype()));
}

class PythonFunction {
 public:
  PythonFunction(nb::object function, std::string name, bool none_is_zero = false)
      : function_(shared_object(std::move(function))),
        name_(std::move(name)),
        none_is_zero_(none_is_zero) {}

  // The arguments are copies: an array that the function keeps (or a traceback does) must not point
  // into memory that the plan uses again.
  void operator()(std::span<const Tensor> src, std::span<Tensor> dst) const {
    std::vector<Tensor> copies;
    for (const Tensor& t : src) copies.push_back(t.clone());
    nb::gil_scoped_acquire gil;
    nb::list arguments;
    for (const Tensor& t : copies) arguments.append(to_numpy(t));
    const nb::object result = (*function_)(*arguments);
    const auto take = [&](nb::handle given, size_t i) {
      if (given.is_none() && none_is_zero_)
        std::memset(dst[i].raw(), 0, dst[i].n_bytes());
      else
        store(given, dst[i], name_, i);
    };
    if (dst.size() == 1) return take(result, 0);
    if (!nb::isinstance<nb::list>(result) && !nb::isinstance<nb::tuple>(result))
      throw TypeError(fmt::format("[py_function] '{}' must return a tuple of {} arrays; got {}",
                                  name_, dst.size(),
                                  nb::cast<std::string>(nb::str(result.type()))));
    if (nb::len(result) != dst.size())
      fail("[py_function] '{}' must return {} arrays; got {}", name_, dst.size(), nb::len(result));
    for (size_t i = 0; i < dst.size(); ++i) take(result[i], i);
  }

 private:
  std::shared_ptr<nb::object> function_;
  std::string name_;
  bool none_is_zero_;  // a gradient that does not reach an input
};

// None in a shape, or for all of it, means what the first input has.
Shape shape_like(nb::handle shape, const Value& first, const std::string& name) {
  if (shape.is_none()) return first.shape();
  Shape out;
  for (nb::handle dim : shape) {
    if (!dim.is_none()) {
      out.push_back(shape_from(nb::make_tuple(dim))[0]);
      continue;
    }
    if (first.rank() == 0)
      fail("[py_function] '{}': None in a shape is the size of the first input, which is a scalar",
           name);
    out.push_back(first.shape()[0]);
  }
  return out;
}

std::vector<Value> python_function(nb::object function, nb::handle inputs, nb::handle shapes,
                                   nb::handle dtypes, nb::object gradient, bool rows,
                                   const std::string& name) {
  const std::vector<Value> values = values_from(inputs);
  if (values.empty()) fail("[py_function] '{}' needs an input at least", name);
  HostFunction host{.name = name, .outputs = {}, .call = PythonFunction(std::move(function), name)};
  host.rows = rows;
  if (!gradient.is_none())
    host.gradient = PythonFunction(std::move(gradient), name + "_grad", true);
  for (size_t i = 0; i < nb::len(shapes); ++i) {
    const nb::object dtype = dtypes[i];
    host.outputs.push_back({dtype.is_none() ? values[0].dtype() : dtype_from(dtype),
                            shape_like(shapes[i], values[0], name)});
  }
  return ops::host_function(values, std::move(host));
}

// Lets the interpreter's lock go while this thread waits for a lane: the lane's driver may be
// waiting for that lock to call a function.
std::shared_ptr<void> release_lock() {
  if (!Py_IsInitialized() || !PyGILState_Check()) return nullptr;
  return std::make_shared<nb::gil_scoped_release>();
}

}  // namespace

std::shared_ptr<nb::object> shared_object(nb::object object) {
  return {new nb::object(std::move(object)), [](nb::object* held) {
            if (!Py_IsInitialized()) {
              held->release();
            } else {
              nb::gil_scoped_acquire gil;
              delete held;
            }
          }};
}

void bind_python_functions(nb::module_& m) {
  exec::Lane::on_wait(&release_lock);
  m.def("python_function", &python_function, nb::arg("function"), nb::arg("inputs"),
        nb::arg("shapes"), nb::arg("dtypes"), nb::arg("gradient").none(), nb::arg("rows"),
        nb::arg("name"), "See andiron.py_function.");
}

}  // namespace andiron::bindings
