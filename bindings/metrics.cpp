#include "bindings/metrics.hpp"

#include <nanobind/stl/map.h>

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/eager/eager.hpp"
#include "andiron/nn/metrics/area_under_curve.hpp"
#include "andiron/nn/metrics/means.hpp"
#include "andiron/nn/metrics/metric.hpp"
#include "andiron/nn/metrics/precision_recall.hpp"
#include "andiron/nn/metrics/ranking.hpp"
#include "andiron/nn/metrics/traced.hpp"
#include "bindings/convert.hpp"
#include "bindings/json.hpp"

namespace andiron::bindings {

namespace {

using metrics::Metric;

/// A metric that is written in Python: _update(y_true, y_pred, weight), _result(), _reset().
class PythonMetric : public Metric {
 public:
  PythonMetric(std::string name, nb::object face)
      : name_(std::move(name)), face_(std::move(face)) {}
  ~PythonMetric() override {
    if (Py_IsInitialized()) {
      nb::gil_scoped_acquire gil;
      face_.reset();
    } else {
      face_.release();
    }
  }
  std::string signature() const override { return "own:" + name_; }
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) override {
    nb::gil_scoped_acquire gil;
    // The step's memory is used again: Python gets copies.
    face_.attr("_update")(to_numpy(y_true.clone()), to_numpy(y_pred.clone()),
                          weight.defined() ? to_numpy(weight.clone()) : nb::none());
  }
  double result() const override {
    nb::gil_scoped_acquire gil;
    return nb::cast<double>(nb::float_(face_.attr("result")()));
  }
  void reset() override {
    nb::gil_scoped_acquire gil;
    face_.attr("reset_state")();
  }
  // Sums of what was seen are sums over workers too; nothing else is known of a state of one's own.
  void merge_state(const std::map<std::string, Tensor>& state) override {
    std::map<std::string, Tensor> total = this->state();
    for (auto& [name, tensor] : total) {
      const auto more = state.find(name);
      if (more == state.end() || more->second.sizes() != tensor.sizes() ||
          more->second.dtype() != tensor.dtype())
        fail("[{}] this is not the state of the metric", name_);
      visit_dtype(tensor.dtype(), [&]<class T>() {
        for (int64_t i = 0; i < tensor.count(); ++i)
          tensor.data<T>()[i] = static_cast<T>(tensor.data<T>()[i] + more->second.data<T>()[i]);
      });
    }
    restore(total);
  }
  std::map<std::string, Tensor> state() const override {
    nb::gil_scoped_acquire gil;
    std::map<std::string, Tensor> out;
    for (auto [name, value] : nb::cast<nb::dict>(face_.attr("_state")()))
      out[nb::cast<std::string>(name)] = tensor_from(value).clone();
    return out;
  }
  void restore(const std::map<std::string, Tensor>& state) override {
    nb::gil_scoped_acquire gil;
    nb::dict values;
    for (const auto& [name, tensor] : state) values[nb::cast(name)] = to_numpy(tensor);
    face_.attr("_restore")(values);
  }

 private:
  std::string name_;
  nb::object face_;
};

Tensor weight_from(nb::handle object) {
  return object.is_none() ? Tensor() : tensor_from(object).contiguous();
}

struct Lists {
  Tensor offsets, ids;
  metrics::IdLists view() const {
    if (!offsets.defined()) return {};
    return {{offsets.data<int64_t>(), static_cast<size_t>(offsets.count())},
            {ids.data<int64_t>(), static_cast<size_t>(ids.count())}};
  }
};

Lists lists_from(nb::handle object) {
  if (object.is_none()) return {};
  const auto flat = [&](int i) {
    return tensor_from(object[nb::int_(i)]).cast(DType::i64).contiguous();
  };
  return {flat(0), flat(1)};
}

}  // namespace

void bind_metrics(nb::module_& m) {
  nb::class_<Metric>(m, "MetricCore")
      .def_prop_ro("signature", &Metric::signature)
      .def(
          "update",
          [](Metric& metric, nb::handle y_true, nb::handle y_pred, nb::handle weight) {
            metric.update(tensor_from(y_true), tensor_from(y_pred), weight_from(weight));
          },
          nb::arg("y_true"), nb::arg("y_pred"), nb::arg("sample_weight") = nb::none())
      .def("result", &Metric::result)
      .def("values", [](const Metric& metric) { return to_numpy(metric.values()); })
      .def("note", &Metric::note)
      .def("reset", &Metric::reset)
      .def("merge", &Metric::merge)
      .def("state",
           [](const Metric& metric) {
             nb::dict out;
             for (const auto& [name, tensor] : metric.state())
               out[nb::cast(name)] = to_numpy(tensor);
             return out;
           })
      .def("serialize",
           [](const Metric& metric) {
             const std::string bytes = metric.serialize();
             return nb::bytes(bytes.data(), bytes.size());
           })
      .def("deserialize", [](Metric& metric, nb::bytes bytes) {
        metric.deserialize({bytes.c_str(), bytes.size()});
      });
  using metrics::TracedMetric;
  nb::class_<TracedMetric, Metric>(m, "TracedMetric")
      .def(nb::new_([](const std::string& name, std::vector<VariablePtr> state,
                       const std::vector<Value>& initial, const Graph& update,
                       std::optional<Graph> weighted, const Graph& result) {
             return std::make_shared<TracedMetric>(
                 name, metrics::MetricGraphs{std::move(state), eager::evaluate(initial), update,
                                             std::move(weighted), result});
           }),
           nb::arg("name"), nb::arg("state"), nb::arg("initial"), nb::arg("update"),
           nb::arg("weighted").none(), nb::arg("result"))
      .def("config", [](const TracedMetric& metric) { return to_python(metric.config()); });
  m.def("metric_from_config",
        [](nb::handle config) { return TracedMetric::from_config(json_from(config)); });
  m.def("make_metric", [](const std::string& name) { return metrics::make_metric(name); });
  m.def("metric_of", [](const std::string& kind, nb::handle settings) {
    return metrics::make_metric(kind, json_from(settings));
  });
  m.def("metric_names", &metrics::metric_names);
  using Ptr = metrics::MetricPtr;
  m.def("metric_mean", []() -> Ptr { return std::make_shared<metrics::Mean>(); });
  m.def("metric_binary_accuracy", [](double threshold) -> Ptr {
    return std::make_shared<metrics::BinaryAccuracy>(threshold);
  });
  // Arguments that came later have defaults: files name the factories with what they took then.
  m.def(
      "metric_binary_crossentropy",
      [](bool from_logits, double label_smoothing) -> Ptr {
        return std::make_shared<metrics::BinaryCrossentropy>(from_logits, 1e-7, label_smoothing);
      },
      nb::arg("from_logits"), nb::arg("label_smoothing") = 0.0);
  m.def(
      "metric_categorical_crossentropy",
      [](bool sparse, bool from_logits, double label_smoothing) -> Ptr {
        return std::make_shared<metrics::CategoricalCrossentropy>(sparse, from_logits, 1e-7,
                                                                  label_smoothing);
      },
      nb::arg("sparse"), nb::arg("from_logits"), nb::arg("label_smoothing") = 0.0);
  m.def(
      "metric_precision",
      [](double threshold, int64_t class_id) -> Ptr {
        return std::make_shared<metrics::Precision>(std::vector<double>{threshold}, class_id);
      },
      nb::arg("threshold"), nb::arg("class_id") = -1);
  m.def(
      "metric_recall",
      [](double threshold, int64_t class_id) -> Ptr {
        return std::make_shared<metrics::Recall>(std::vector<double>{threshold}, class_id);
      },
      nb::arg("threshold"), nb::arg("class_id") = -1);
  m.def("metric_python", [](const std::string& name, nb::object face) -> Ptr {
    return std::make_shared<PythonMetric>(name, std::move(face));
  });
  m.def(
      "rank_users",
      [](nb::handle scores, nb::handle relevant, nb::handle excluded,
         const std::vector<int64_t>& ks, int threads) {
        const Tensor s = tensor_from(scores).contiguous();
        const Lists r = lists_from(relevant), e = lists_from(excluded);
        nb::gil_scoped_release unlocked;
        return metrics::rank_users(s, r.view(), e.view(), ks, threads);
      },
      nb::arg("scores"), nb::arg("relevant"), nb::arg("excluded").none(), nb::arg("ks"),
      nb::arg("threads") = 1,
      "Ranking figures of each user: [users, (precision, recall, hit_rate, ndcg, map, mrr), ks].");
  m.def(
      "top_items",
      [](nb::handle scores, nb::handle excluded, int64_t k, int threads) {
        const Tensor s = tensor_from(scores).contiguous();
        const Lists e = lists_from(excluded);
        nb::gil_scoped_release unlocked;
        return metrics::top_items(s, e.view(), k, threads);
      },
      nb::arg("scores"), nb::arg("excluded").none(), nb::arg("k"), nb::arg("threads") = 1);
}

}  // namespace andiron::bindings
