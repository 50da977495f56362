#include "bindings/collective.hpp"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include "andiron/collective/communicator.hpp"

namespace andiron::bindings {

namespace nb = nanobind;
using namespace collective;
using namespace std::chrono_literals;

namespace {

// How often a wait looks for Ctrl-C.
constexpr auto kSlice = 50ms;

std::chrono::milliseconds milliseconds(double seconds, const char* name) {
  if (!(seconds > 0 && seconds < 1e9)) fail("[Communicator] {}={} is no time", name, seconds);
  return std::chrono::milliseconds(std::max<int64_t>(1, std::llround(seconds * 1e3)));
}

/// Raises andiron.collective's exception for what ended the communicator.
[[noreturn]] void raise(const Failure& failure, const std::optional<Fault>& fault) {
  const std::string text = failure.report();
  nb::object message = nb::steal(
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "backslashreplace"));
  const std::string_view kind = fault ? name_of(fault->kind) : "lost";
  nb::object rank = fault && fault->culprit >= 0 ? nb::cast(fault->culprit) : nb::none();
  nb::object error = nb::module_::import_("andiron.collective")
                         .attr("_error")(nb::str(kind.data(), kind.size()), rank, message);
  PyErr_SetObject(error.type().ptr(), error.ptr());
  throw nb::python_error();
}

using AnyArray = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;

Element element_of(const AnyArray& array) {
  if (array.dtype() == nb::dtype<float>()) return Element::f32;
  if (array.dtype() == nb::dtype<double>()) return Element::f64;
  if (array.dtype() == nb::dtype<int64_t>()) return Element::i64;
  throw TypeError("[allreduce] sums are of float32, float64 and int64");
}

/// The array itself, never a copy.
AnyArray array_from(nb::handle object) { return nb::cast<AnyArray>(object, false); }

/// The array's bytes. Python has checked that they may be written.
std::span<std::byte> bytes_of(const AnyArray& array) {
  return {static_cast<std::byte*>(const_cast<void*>(array.data())), array.nbytes()};
}

std::span<const std::byte> bytes_of(nb::handle bytes) {
  return {reinterpret_cast<const std::byte*>(PyBytes_AS_STRING(bytes.ptr())),
          static_cast<size_t>(PyBytes_GET_SIZE(bytes.ptr()))};
}

nb::bytes to_bytes(std::span<const std::byte> bytes) {
  return nb::bytes(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

/// A communicator and the Python objects whose memory its collectives use. Used with the GIL.
class PyCommunicator {
 public:
  explicit PyCommunicator(std::shared_ptr<Communicator> c) : c_(std::move(c)) {}
  ~PyCommunicator() { close(); }

  Communicator& operator*() { return *c_; }
  Communicator* operator->() { return c_.get(); }
  const std::shared_ptr<Communicator>& shared() const { return c_; }

  Request keep(Request request, nb::object memory) {
    std::erase_if(kept_, [](const auto& entry) { return entry.first.done(); });
    kept_.emplace_back(request, std::move(memory));
    return request;
  }

  void wait(const Request& request) {
    while (true) {
      bool done;
      {
        nb::gil_scoped_release unlocked;
        done = request.wait_for(kSlice);
      }
      if (done) break;
      if (PyErr_CheckSignals() == 0) continue;
      // The others wait for this rank: they learn why it does not come.
      nb::gil_scoped_release unlocked;
      c_->abort("the collective was interrupted (a signal handler of this rank raised)");
      (void)request.wait();
      nb::gil_scoped_acquire locked;
      throw nb::python_error();
    }
    Result<> result = request.wait();
    if (!result) raise(result.failure(), c_->fault());
  }

  void close() {
    {
      nb::gil_scoped_release unlocked;
      c_->close();
    }
    kept_.clear();
  }

 private:
  std::shared_ptr<Communicator> c_;
  std::vector<std::pair<Request, nb::object>> kept_;
};

/// A started collective: keeps its communicator.
struct PyRequest {
  Request request;
  PyCommunicator* communicator;
};

std::unique_ptr<PyCommunicator> connect(Listener& listener, int rank,
                                        const std::vector<std::string>& addresses, nb::bytes secret,
                                        const std::string& run_id, uint64_t attempt,
                                        double rendezvous_timeout, double handshake_timeout,
                                        double heartbeat_timeout, double operation_timeout,
                                        bool tls, int socket_buffer_bytes) {
  Options options;
  options.rendezvous_timeout = milliseconds(rendezvous_timeout, "rendezvous_timeout");
  options.handshake_timeout = milliseconds(handshake_timeout, "handshake_timeout");
  options.heartbeat_timeout = milliseconds(heartbeat_timeout, "heartbeat_timeout");
  options.operation_timeout = milliseconds(operation_timeout, "operation_timeout");
  options.tls = tls;
  options.socket_buffer_bytes = socket_buffer_bytes;
  bool signal = false;
  std::optional<Fault> fault;
  options.interrupted = [&signal] {
    nb::gil_scoped_acquire locked;
    return signal = signal || PyErr_CheckSignals() != 0;
  };
  std::optional<Result<std::unique_ptr<Communicator>>> joined;
  {
    const std::string key(secret.c_str(), secret.size());
    nb::gil_scoped_release unlocked;
    joined = Communicator::connect(std::move(listener), rank, addresses, key, run_id, attempt,
                                   options, &fault);
  }
  if (signal) throw nb::python_error();
  if (!*joined) raise(joined->failure(), fault);
  return std::make_unique<PyCommunicator>(std::move(*joined).value());
}

nb::dict costs_of(PyCommunicator& c) {
  nb::dict out;
  const Costs costs = c->costs();
  for (size_t k = 0; k < costs.size(); ++k) {
    const Cost& cost = costs[k];
    nb::dict one;
    one["calls"] = cost.calls;
    one["seconds"] = cost.seconds;
    one["payload_sent"] = cost.traffic.payload_sent;
    one["payload_received"] = cost.traffic.payload_received;
    one["header_sent"] = cost.traffic.header_sent;
    one["header_received"] = cost.traffic.header_received;
    const std::string_view name = name_of(static_cast<Kind>(k));
    out[nb::str(name.data(), name.size())] = one;
  }
  return out;
}

// The GIL is released while a collective of the caller's own runs in C++; long ones are handed to
// the communicator's thread, so that Ctrl-C gets through.
void bind_communicator(nb::module_& m) {
  nb::class_<PyRequest>(m, "Request")
      .def("done", [](const PyRequest& r) { return r.request.done(); })
      .def("wait", [](const PyRequest& r) { r.communicator->wait(r.request); });

  nb::class_<PyCommunicator>(m, "Communicator")
      .def_static("connect", &connect, nb::arg("listener"), nb::arg("rank"), nb::arg("addresses"),
                  nb::arg("secret"), nb::arg("run_id"), nb::arg("attempt"),
                  nb::arg("rendezvous_timeout"), nb::arg("handshake_timeout"),
                  nb::arg("heartbeat_timeout"), nb::arg("operation_timeout"), nb::arg("tls"),
                  nb::arg("socket_buffer_bytes"))
      .def_prop_ro("rank", [](PyCommunicator& c) { return c->rank(); })
      .def_prop_ro("size", [](PyCommunicator& c) { return c->size(); })
      .def(
          "allreduce_start",
          [](PyCommunicator& c, nb::object object, uint64_t step, uint32_t bucket, bool bf16) {
            const AnyArray array = array_from(object);
            const Request request = c->allreduce_start(
                element_of(array), bytes_of(array), {step, bucket}, bf16 ? Wire::bf16 : Wire::same);
            return PyRequest{c.keep(request, std::move(object)), &c};
          },
          nb::arg("array"), nb::arg("step"), nb::arg("bucket"), nb::arg("bf16"),
          nb::keep_alive<0, 1>())
      .def(
          "broadcast_start",
          [](PyCommunicator& c, nb::object object, int root, uint64_t step, uint32_t bucket) {
            const AnyArray array = array_from(object);
            const Request request = c->broadcast_start(bytes_of(array), root, {step, bucket});
            return PyRequest{c.keep(request, std::move(object)), &c};
          },
          nb::arg("array"), nb::arg("root"), nb::arg("step"), nb::arg("bucket"),
          nb::keep_alive<0, 1>())
      .def(
          "barrier_start",
          [](PyCommunicator& c, uint64_t step, uint32_t bucket) {
            return PyRequest{c->barrier_start({step, bucket}), &c};
          },
          nb::arg("step"), nb::arg("bucket"), nb::keep_alive<0, 1>())
      .def(
          "allgather_bytes",
          [](PyCommunicator& c, nb::bytes mine, uint64_t step, uint32_t bucket) {
            auto out = std::make_unique<Gathered>();
            c.wait(c->allgather_start(bytes_of(mine), *out, {step, bucket}));
            nb::list all;
            for (int r = 0; r < c->size(); ++r) all.append(to_bytes(out->of(r)));
            return all;
          },
          nb::arg("mine"), nb::arg("step"), nb::arg("bucket"))
      .def(
          "abort",
          [](PyCommunicator& c, const std::string& why) {
            nb::gil_scoped_release unlocked;
            c->abort(why);
          },
          nb::arg("why"))
      .def("close", &PyCommunicator::close)
      .def("check",
           [](PyCommunicator& c) {
             if (const std::optional<Fault> fault = c->fault()) raise(fault->failure, fault);
           })
      .def("costs", &costs_of)
      .def("refused", [](PyCommunicator& c) { return c->refused(); });
}

}  // namespace

std::shared_ptr<Communicator> communicator_from(nb::handle object) {
  return nb::cast<PyCommunicator&>(object).shared();
}

void raise_fault(const Fault& fault) { raise(fault.failure, fault); }

void bind_collective(nb::module_& core) {
  nb::module_ m = core.def_submodule("collective", "What andiron.collective wraps.");
  nb::class_<Listener>(m, "Listener")
      .def_static(
          "bind",
          [](const std::string& host, uint16_t port) {
            nb::gil_scoped_release unlocked;
            return Listener::bind(host, port).value_or_throw();
          },
          nb::arg("host"), nb::arg("port"))
      .def_prop_ro("port", &Listener::port)
      .def_prop_ro("address", &Listener::address)
      .def_prop_ro("open", &Listener::open)
      .def("close", [](Listener& l) { Listener gone = std::move(l); });
  bind_communicator(m);
}

}  // namespace andiron::bindings
