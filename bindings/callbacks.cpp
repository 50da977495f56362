#include "andiron/train/callbacks.hpp"

#include <nanobind/stl/function.h>

#include <nlohmann/json.hpp>

#include "andiron/train/swap_averages.hpp"
#include "andiron/train/trainer.hpp"
#include "bindings/json.hpp"
#include "bindings/python_callback.hpp"

namespace andiron::bindings {

namespace {

nb::dict as_dict(const train::Logs& logs) {
  nb::dict out;
  for (const auto& [name, value] : logs) out[nb::cast(name)] = value;
  return out;
}

/// All Python callbacks of a training as one, so that the GIL is taken once a batch at most, and
/// only when one of them has a batch hook.
class PythonCallbacks : public train::Callback {
 public:
  /// `list` has Keras's hooks, which call those of its members; `hooks` names the batch hooks that
  /// are needed, and "batch_metrics" where metrics are wanted at the end of batches of the
  /// training.
  PythonCallbacks(nb::object list, const std::vector<std::string>& hooks) : list_(std::move(list)) {
    for (const std::string& hook : hooks) {
      train_begin_ |= hook == "on_train_batch_begin";
      train_end_ |= hook == "on_train_batch_end";
      metrics_ |= hook == "batch_metrics";
      test_begin_ |= hook == "on_test_batch_begin";
      test_end_ |= hook == "on_test_batch_end";
    }
  }
  ~PythonCallbacks() override {
    if (Py_IsInitialized()) {
      nb::gil_scoped_acquire gil;
      list_.reset();
    } else {
      list_.release();
    }
  }

  void check(int64_t validation_freq) const override {
    nb::gil_scoped_acquire gil;
    list_.attr("_check")(validation_freq);
  }
  void on_train_begin() override { call("on_train_begin"); }
  void on_train_end(const train::Logs& logs) override { call_logs("on_train_end", logs); }
  void on_epoch_begin(int64_t epoch) override { call("on_epoch_begin", epoch); }
  void on_epoch_end(int64_t epoch, const train::Logs& logs) override {
    call_logs("on_epoch_end", logs, epoch);
  }
  void on_train_batch_begin(int64_t batch) override {
    if (train_begin_) call("on_train_batch_begin", batch);
  }
  void on_train_batch_end(int64_t batch, const train::Logs& logs) override {
    if (train_end_) call_logs("on_train_batch_end", logs, batch);
  }
  bool wants_batch_metrics(bool training) const override {
    return training ? train_end_ && metrics_ : test_end_;
  }
  void on_test_begin() override { call("on_test_begin"); }
  void on_test_end(const train::Logs& logs) override { call_logs("on_test_end", logs); }
  void on_test_batch_begin(int64_t batch) override {
    if (test_begin_) call("on_test_batch_begin", batch);
  }
  void on_test_batch_end(int64_t batch, const train::Logs& logs) override {
    if (test_end_) call_logs("on_test_batch_end", logs, batch);
  }
  nlohmann::json state() const override {
    nb::gil_scoped_acquire gil;
    return json_from(list_.attr("_state")());
  }
  void restore(const nlohmann::json& state, const std::map<std::string, Tensor>&) override {
    nb::gil_scoped_acquire gil;
    list_.attr("_restore")(to_python(state));
  }

 private:
  template <class... Args>
  void call(const char* hook, Args... args) {
    nb::gil_scoped_acquire gil;
    list_.attr(hook)(args...);
  }
  template <class... Args>
  void call_logs(const char* hook, const train::Logs& logs, Args... args) {
    nb::gil_scoped_acquire gil;
    list_.attr(hook)(args..., as_dict(logs));
  }

  nb::object list_;
  bool train_begin_ = false, train_end_ = false, test_begin_ = false, test_end_ = false;
  bool metrics_ = false;
};

double or_nan(std::optional<double> value) {
  return value.value_or(std::numeric_limits<double>::quiet_NaN());
}

}  // namespace

void bind_callbacks(nb::module_& m) {
  using train::Monitor;
  nb::class_<train::Callback>(m, "CallbackCore").def("check", &train::Callback::check);
  m.def(
      "check_monitor",
      [](const std::string& callback, const std::string& monitor, int64_t validation_freq) {
        Monitor{monitor}.require(callback, validation_freq);
      },
      nb::arg("callback"), nb::arg("monitor"), nb::arg("validation_freq"));
  m.def(
      "monitor_maximises",
      [](const std::string& monitor, const std::string& mode) {
        const Monitor m{monitor, mode};
        m.check();
        return m.maximises();
      },
      nb::arg("monitor"), nb::arg("mode"));
  nb::class_<PythonCallbacks, train::Callback>(m, "PythonCallbacks")
      .def(nb::init<nb::object, const std::vector<std::string>&>());
  nb::class_<train::EarlyStopping, train::Callback>(m, "EarlyStoppingCore")
      .def("__init__",
           [](train::EarlyStopping* self, const std::string& monitor, double min_delta,
              int64_t patience, const std::string& mode, std::optional<double> baseline,
              bool restore_best_weights, int64_t start_from_epoch) {
             new (self) train::EarlyStopping({.monitor = {monitor, mode, min_delta},
                                              .patience = patience,
                                              .restore_best_weights = restore_best_weights,
                                              .baseline = or_nan(baseline),
                                              .start_from_epoch = start_from_epoch});
           })
      .def_prop_ro("stopped_epoch", &train::EarlyStopping::stopped_epoch)
      .def_prop_ro("best_epoch", &train::EarlyStopping::best_epoch)
      .def_prop_ro("best", &train::EarlyStopping::best)
      .def_prop_ro("wait", &train::EarlyStopping::wait);
  nb::class_<train::SwapAverages, train::Callback>(m, "SwapAveragesCore").def(nb::init<bool>());
  nb::class_<train::ModelCheckpoint, train::Callback>(m, "ModelCheckpointCore")
      .def("__init__",
           [](train::ModelCheckpoint* self, const std::string& filepath, const std::string& monitor,
              const std::string& mode, bool save_best_only, bool save_weights_only,
              int64_t save_freq, std::optional<double> threshold,
              std::function<void(const std::string&, bool)> save) {
             new (self) train::ModelCheckpoint({.filepath = filepath,
                                                .monitor = {monitor, mode, 0.0},
                                                .save_best_only = save_best_only,
                                                .save_weights_only = save_weights_only,
                                                .save_freq = save_freq,
                                                .initial_value_threshold = or_nan(threshold)},
                                               std::move(save));
           })
      .def_prop_ro("best", &train::ModelCheckpoint::best);
  nb::class_<train::ProgressBar, train::Callback>(m, "ProgressBarCore")
      .def("__init__", [](train::ProgressBar* self, int verbose,
                          std::function<void(const std::string&)> write) {
        new (self) train::ProgressBar(verbose, std::move(write));
      });
}

}  // namespace andiron::bindings
