#include "bindings/checkpoint_store.hpp"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <unistd.h>

#include <optional>

#include "bindings/python_function.hpp"

namespace andiron::bindings {

namespace nb = nanobind;

namespace {

// What Python raised, in its words. Of the errnos only this one matters to those who ask.
Failure failure_of(const nb::python_error& error) {
  const std::string text = nb::cast<std::string>(
      nb::module_::import_("andiron._remote").attr("words_of")(error.value()));
  errno = error.matches(PyExc_FileNotFoundError) ? ENOENT : 0;
  return system_failure("{}", text);
}

// Runs it with the GIL. A signal's exception (KeyboardInterrupt) is no failure of the store: it
// goes on.
template <class F>
std::optional<Failure> tried(F&& f) {
  nb::gil_scoped_acquire gil;
  try {
    f();
    return std::nullopt;
  } catch (const nb::python_error& error) {
    if (!error.matches(PyExc_Exception)) throw;
    return failure_of(error);
  }
}

/// A store in Python: it moves whole local files to and from where checkpoints are kept. Not a
/// strict one: what is far away fails now and then, and training must not hang on it.
class PythonStore final : public train::CheckpointStore {
 public:
  explicit PythonStore(nb::object store)
      : place_(nb::cast<std::string>(store.attr("place"))),
        store_(shared_object(std::move(store))) {}

  const std::string& place() const override { return place_; }

  Result<> open() override {
    if (const auto why = tried([&] { call("open"); })) return *why;
    return success();
  }

  Result<std::vector<std::string>> list() override {
    std::vector<std::string> names;
    const auto why = tried([&] { names = nb::cast<std::vector<std::string>>(call("list")); });
    if (why) return because(*why, "cannot list '{}'", place_);
    return names;
  }

  Result<> write(const std::string& name, const io::NamedTensors& tensors,
                 const io::Metadata& metadata) override {
    std::string local;
    if (const auto why = tried([&] { local = nb::cast<std::string>(call("local", name)); }))
      return *why;
    if (Result<> written = io::write_safetensors(local, tensors, metadata); !written)
      return written;
    if (const auto why = tried([&] { call("put", local, name); }))
      return because(*why, "cannot write '{}'", path_of(name));
    return success();
  }

  Result<io::TensorFile> read(const std::string& name) override {
    std::string local;
    if (const auto why = tried([&] { local = nb::cast<std::string>(call("get", name)); }))
      return because(*why, "cannot read '{}'", path_of(name));
    Result<io::TensorFile> file =
        io::read_safetensors(local, {.checksum = io::ReadOptions::Checksum::required});
    ::unlink(local.c_str());  // mapped: it stays readable
    if (!file) return because(file.failure(), "cannot read '{}'", path_of(name));
    return file;
  }

  Result<> remove(const std::string& name) override {
    if (const auto why = tried([&] { call("remove", name); }))
      return because(*why, "cannot remove '{}'", path_of(name));
    return success();
  }

  bool strict() const override { return false; }

  void report(int64_t step, const Failure* failure) override {
    (void)tried([&] {
      if (failure == nullptr)
        call("report", step, nb::none());
      else
        call("report", step, failure->report());
    });
  }

  void abandon() override {
    (void)tried([&] { call("abandon"); });
  }

 private:
  template <class... Args>
  nb::object call(const char* method, Args&&... args) {
    return store_->attr(method)(std::forward<Args>(args)...);
  }

  std::string place_;
  std::shared_ptr<nb::object> store_;
};

}  // namespace

train::CheckpointStorePtr checkpoint_store_from(nb::handle given) {
  if (given.is_none()) return nullptr;
  if (nb::isinstance<nb::str>(given)) return train::folder_store(nb::cast<std::string>(given));
  return std::make_shared<PythonStore>(nb::borrow(given));
}

}  // namespace andiron::bindings
