#include "andiron/graph/graph.hpp"

#include <nanobind/stl/map.h>

#include "andiron/autodiff/gradient.hpp"
#include "andiron/base/error.hpp"
#include "andiron/eager/eager.hpp"
#include "andiron/ops/ops.hpp"
#include "bindings/assignments.hpp"
#include "bindings/convert.hpp"
#include "bindings/operators.hpp"
#include "bindings/tensor.hpp"
#include "bindings/tracing.hpp"

namespace andiron::bindings {

namespace {

[[noreturn]] void no_number(const Value& v, const char* wanted) {
  fail(
      "[{}] {} has no numbers yet: it is being traced, so {} cannot be had. Compose andiron.ops "
      "instead (ops.where for a condition), or compute outside of the traced function",
      v.node().op->name, str(v.type()), wanted);
}

// x[i], x[a:b], x[..., j], x[:, None]: slices of step 1, integers, ... and None.
nb::object get_item(nb::object self, nb::handle index) {
  Value x = nb::cast<Value>(self);
  nb::list items;
  if (PyTuple_Check(index.ptr()))
    for (nb::handle item : index) items.append(item);
  else
    items.append(index);
  int64_t given = 0;
  for (nb::handle item : items) given += !item.is_none() && item.ptr() != Py_Ellipsis ? 1 : 0;
  if (given > x.rank()) fail("[slice] {} indices for a value of shape {}", given, x.shape().str());

  std::vector<int64_t> begin, size;
  Shape shape;
  int64_t axis = 0;
  const auto keep = [&](int64_t n) {
    for (; n > 0; --n, ++axis) {
      begin.push_back(0);
      size.push_back(-1);
      shape.push_back(x.shape()[static_cast<size_t>(axis)]);
    }
  };
  bool seen_ellipsis = false;
  for (nb::handle item : items) {
    if (item.is_none()) {
      shape.push_back(Dim(1));
    } else if (item.ptr() == Py_Ellipsis) {
      if (!seen_ellipsis) keep(x.rank() - given);
      seen_ellipsis = true;
    } else if (PySlice_Check(item.ptr()) && item.attr("start").is_none() &&
               item.attr("stop").is_none() && item.attr("step").is_none()) {
      keep(1);
    } else {
      const Dim& dim = x.shape()[static_cast<size_t>(axis)];
      if (!dim.known())
        fail("[slice] axis {} of {} has no known size: only ':' can stand there", axis,
             x.shape().str());
      Py_ssize_t start = 0, stop = 0, step = 1;
      if (PySlice_Check(item.ptr())) {
        if (PySlice_Unpack(item.ptr(), &start, &stop, &step) != 0) throw nb::python_error();
        if (step != 1) fail("[slice] steps other than 1 are not supported; got {}", step);
        const Py_ssize_t n = PySlice_AdjustIndices(dim.size(), &start, &stop, step);
        shape.push_back(Dim(n));
        size.push_back(n);
      } else {
        start = PyNumber_AsSsize_t(item.ptr(), PyExc_IndexError);
        if (start == -1 && PyErr_Occurred()) throw nb::python_error();
        if (start < -dim.size() || start >= dim.size()) throw nb::index_error("index out of range");
        if (start < 0) start += dim.size();
        size.push_back(1);
      }
      begin.push_back(start);
      ++axis;
    }
  }
  keep(x.rank() - axis);
  const bool whole = std::all_of(size.begin(), size.end(), [](int64_t s) { return s == -1; });
  if (!whole) x = ops::slice(x, begin, size);
  return nb::cast(shape == x.shape() ? x : ops::reshape(x, shape));
}

void bind_value(nb::module_& m) {
  nb::class_<Value> value(m, "Value",
                          "The result of a computation that has not run: a node of a graph.");
  value.def_prop_ro("dtype", [](const Value& v) { return to_python(v.dtype()); })
      .def_prop_ro(
          "shape", [](const Value& v) { return to_python(v.shape()); },
          "Sizes; what is not known until run time has a name (\"batch\").")
      .def_prop_ro("ndim", &Value::rank)
      .def_prop_ro("op", [](const Value& v) { return v.node().op->name; })
      .def_prop_ro("name", [](const Value& v) { return v.node().name; })
      .def_prop_ro("inputs", [](const Value& v) { return v.node().inputs; })
      .def_prop_ro(
          "key",
          [](const Value& v) {
            return nb::make_tuple(reinterpret_cast<uintptr_t>(&v.node()), v.index());
          },
          "Tells the outputs of the nodes of a graph that is alive apart.")
      .def_prop_ro("attributes",
                   [](const Value& v) {
                     nb::dict out;
                     for (const auto& [name, attribute] : v.node().attributes)
                       out[nb::cast(name)] = to_python(attribute);
                     return out;
                   })
      .def("is_same", [](const Value& a, const Value& b) { return a == b; })
      .def("__getitem__", &get_item, nb::arg("index").none())
      .def("__repr__",
           [](const Value& v) {
             return fmt::format("<Value {} {}>", v.node().op->name, str(v.type()));
           })
      .def("__bool__", [](const Value& v) -> bool { no_number(v, "its truth"); })
      .def("__float__", [](const Value& v) -> double { no_number(v, "a float"); })
      .def("__int__", [](const Value& v) -> int { no_number(v, "an int"); })
      .def("__index__", [](const Value& v) -> int { no_number(v, "an index"); })
      .def("__iter__", [](const Value& v) -> nb::object { no_number(v, "an iterator"); })
      .def("numpy", [](const Value& v) -> nb::object { no_number(v, "an array"); })
      .def("item", [](const Value& v) -> nb::object { no_number(v, "a number"); })
      .def("__array__",
           [](const Value& v, nb::args, nb::kwargs) -> nb::object { no_number(v, "an array"); });
  value.attr("__array_priority__") = 1000;
  value.attr("__array_ufunc__") = nb::none();
  def_arithmetic(value);
  def_comparison(value);
}

// A value is assigned when the graph runs, where one is traced that keeps assignments.
void assign(const VariablePtr& variable, nb::handle given) {
  if (!TracingScope::active()) return variable->assign(tensor_from(given));
  if (Assignments::current() == nullptr)
    fail("[assign] '{}' is being traced: only metrics assign while they are", variable->name());
  const Value like = read(variable);
  Value value = value_from(given, &like);
  if (value.dtype() != like.dtype()) value = ops::cast(value, like.dtype());
  if (value.shape() != like.shape()) {
    if (value.rank() > 0)
      fail("[assign] '{}' is {}; got {}", variable->name(), like.shape().str(),
           value.shape().str());
    value = ops::broadcast_to(value, like.shape());
  }
  Assignments::current()->assign(variable, value);
}

// Numbers that are read while a graph is composed would stay in it as they are now.
nb::object numbers_of(const Variable& v) {
  if (TracingScope::active())
    fail(
        "[variable] '{}' is being traced, so its numbers cannot be had. Compose andiron.ops "
        "instead",
        v.name());
  return to_numpy(v.value().clone());
}

void bind_variable(nb::module_& m) {
  nb::class_<Variable> variable(m, "Variable", "Named state: a parameter or a running statistic.");
  variable
      .def(
          "__init__",
          [](Variable* self, nb::handle value, const std::string& name, bool trainable,
             nb::handle dtype) {
            Tensor t = tensor_from(value);
            if (!dtype.is_none()) t = t.cast(dtype_from(dtype));
            new (self) Variable(name, t.clone(), trainable);
          },
          nb::arg("value"), nb::arg("name") = "variable", nb::arg("trainable") = true,
          nb::arg("dtype") = nb::none())
      .def_prop_rw("name", &Variable::name, &Variable::set_name)
      .def_prop_rw("trainable", &Variable::trainable, &Variable::set_trainable)
      .def_prop_ro("path", &Variable::name)
      .def_prop_ro("dtype", [](const Variable& v) { return to_python(v.value().dtype()); })
      .def_prop_ro("shape", [](const Variable& v) { return to_python(v.value().sizes()); })
      .def_prop_ro("ndim", [](const Variable& v) { return v.value().rank(); })
      .def_prop_ro(
          "value",
          [](const VariablePtr& v) {
            return TracingScope::active() ? nb::cast(read_traced(v)) : nb::cast(v->value());
          },
          "The tensor; it changes as training goes on. A graph value while one is traced.")
      .def("numpy", &numbers_of, "A copy of the current value.")
      .def("assign", &assign, nb::arg("value"))
      .def(
          "assign_add",
          [](const VariablePtr& v, nb::handle value) {
            assign(v, apply("add", nb::cast(v), value));
          },
          nb::arg("value"))
      .def(
          "assign_sub",
          [](const VariablePtr& v, nb::handle value) {
            assign(v, apply("subtract", nb::cast(v), value));
          },
          nb::arg("value"))
      .def("read", &read_traced, "The current value as a node of a graph.")
      .def("__array__", [](const Variable& v, nb::args, nb::kwargs) { return numbers_of(v); })
      .def(
          "__getitem__",
          [](const VariablePtr& v, nb::handle index) -> nb::object {
            if (TracingScope::active()) return get_item(nb::cast(read_traced(v)), index);
            return nb::cast(v->value())[index];
          },
          nb::arg("index").none())
      .def("__repr__", [](const Variable& v) {
        return fmt::format("<Variable {} {}{}>", v.name(), name_of(v.value().dtype()),
                           str(v.value().sizes()));
      });
  variable.attr("__array_priority__") = 500;
  variable.attr("__array_ufunc__") = nb::none();
  def_arithmetic(variable);
  def_order(variable);  // == is identity: variables are keys
}

}  // namespace

void bind_graph(nb::module_& m) {
  bind_variable(m);
  bind_value(m);
  m.def(
      "placeholder",
      [](const std::string& name, nb::handle shape, nb::handle dtype) {
        return input(name, dtype_from(dtype), shape_from(shape));
      },
      nb::arg("name"), nb::arg("shape"), nb::arg("dtype") = "float32",
      "A value that a plan receives when it runs. None in the shape is the batch.");
  m.def(
      "constant",
      [](nb::handle value, nb::handle dtype) {
        Tensor t = tensor_from(value).contiguous();
        return constant(dtype.is_none() ? t : t.cast(dtype_from(dtype)));
      },
      nb::arg("value"), nb::arg("dtype") = nb::none());
  m.def("read", &read, nb::arg("variable"));
  m.def(
      "grad_values",
      [](const Value& y, nb::handle xs) {
        std::vector<Value> grads = grad(y, values_from(xs));
        for (Value& g : grads)
          if (ops::is_row_sparse(g)) g = ops::densify(g);
        return grads;
      },
      nb::arg("y"), nb::arg("xs"), "d sum(y) / dx for each x.");
  m.def("grad_of_variables", [](const Value& y, const std::vector<VariablePtr>& variables) {
    // A variable may have been read several times: its gradient is the sum over the reads.
    std::vector<Value> leaves;
    std::vector<size_t> owner;
    const std::vector<const Node*> nodes = topological_order({y});
    for (size_t i = 0; i < variables.size(); ++i) {
      const size_t before = leaves.size();
      for (const Node* node : nodes) {
        if (node->op != &kVariableOp || node->attr<VariablePtr>("variable") != variables[i])
          continue;
        leaves.emplace_back(node->shared_from_this(), 0);
        owner.push_back(i);
      }
      if (leaves.size() > before) continue;
      leaves.push_back(read(variables[i]));
      owner.push_back(i);
    }
    const std::vector<Value> grads = grad(y, leaves);
    std::vector<Value> out(variables.size());
    for (size_t i = 0; i < grads.size(); ++i) {
      Value& sum = out[owner[i]];
      const Value g = ops::is_row_sparse(grads[i]) ? ops::densify(grads[i]) : grads[i];
      sum = sum.defined() ? sum + g : g;
    }
    return out;
  });

  nb::class_<Graph>(m, "Graph", "Placeholders in, values out, new values for variables.")
      .def(
          "__init__",
          [](Graph* self, const std::vector<Value>& inputs, nb::handle outputs,
             const std::vector<std::pair<VariablePtr, Value>>& updates) {
            std::vector<Graph::Update> list;
            for (const auto& [variable, value] : updates) list.push_back({variable, value});
            new (self) Graph(inputs, values_from(outputs), list);
          },
          nb::arg("inputs"), nb::arg("outputs"),
          nb::arg("updates") = std::vector<std::pair<VariablePtr, Value>>())
      .def_prop_ro("inputs", &Graph::inputs)
      .def_prop_ro("outputs", &Graph::outputs)
      .def_prop_ro("variables", &Graph::variables)
      .def("print", &Graph::print, "One line for each node.")
      .def("dot", &Graph::dot, "For Graphviz.")
      .def(
          "bind",
          [](const Graph& g, const std::map<std::string, int64_t>& sizes) {
            return bind(g, sizes);
          },
          nb::arg("sizes"), "The graph with sizes in place of symbols.")
      .def("__len__", [](const Graph& g) { return g.nodes().size(); })
      .def("__str__", &Graph::print)
      .def("__call__", [](const Graph& g, nb::args args) {
        std::vector<Tensor> inputs = tensors_from(args);
        std::vector<Tensor> out;
        {
          nb::gil_scoped_release unlocked;
          out = eager::call(g, inputs);
        }
        return out;
      });
}

}  // namespace andiron::bindings
