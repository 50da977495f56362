#include <nanobind/stl/function.h>
#include <nanobind/stl/map.h>

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/base/waiting.hpp"
#include "andiron/nn/class_weight.hpp"
#include "andiron/nn/optimizers/optimizer.hpp"
#include "andiron/train/callbacks.hpp"
#include "andiron/train/class_counts.hpp"
#include "andiron/train/data/array_dataset.hpp"
#include "andiron/train/data/negative_sampling_dataset.hpp"
#include "andiron/train/data_parallel.hpp"
#include "andiron/train/dataset_source.hpp"
#include "andiron/train/steps_source.hpp"
#include "andiron/train/trainer.hpp"
#include "bindings/checkpoint_store.hpp"
#include "bindings/collective.hpp"
#include "bindings/json.hpp"
#include "bindings/python_callback.hpp"
#include "bindings/python_function.hpp"
#include "bindings/python_layer.hpp"
#include "bindings/signals.hpp"
#include "bindings/tensor.hpp"

namespace andiron::bindings {

namespace {

using train::BatchSource;
using train::Trainer;

train::OnNan on_nan_from(const std::string& text) {
  if (text == "error") return train::OnNan::error;
  if (text == "stop") return train::OnNan::stop;
  if (text == "ignore") return train::OnNan::proceed;
  fail("[fit] on_nan is \"error\", \"stop\" or \"ignore\"; got \"{}\"", text);
}

nb::dict as_dict(const train::Logs& logs) {
  nb::dict out;
  for (const auto& [name, value] : logs) out[nb::cast(name)] = value;
  return out;
}

nb::tuple as_python(const train::History& history) {
  nb::list logs;
  for (const train::Logs& l : history.logs) logs.append(as_dict(l));
  return nb::make_tuple(history.epoch, logs);
}

// A step gets copies: the batch's memory is used again.
nb::list copies(const std::vector<Tensor>& tensors) {
  nb::list out;
  for (const Tensor& t : tensors) out.append(to_numpy(t.clone()));
  return out;
}

std::function<nn::OwnSteps::Figures(const nn::Batch&)> own_step(nb::object function) {
  if (function.is_none()) return {};
  return [function = shared_object(std::move(function))](const nn::Batch& batch) {
    nb::gil_scoped_acquire gil;
    const nb::object figures =
        (*function)(copies(batch.x), copies(batch.y), copies(batch.sample_weight));
    nn::OwnSteps::Figures out;
    for (auto [name, value] : nb::cast<nb::dict>(figures))
      out.emplace_back(nb::cast<std::string>(name), nb::cast<double>(value));
    return out;
  };
}

// (train, test or None, state, take_averages)
std::shared_ptr<const nn::OwnSteps> own_steps_from(nb::handle given) {
  auto steps = std::make_shared<nn::OwnSteps>();
  steps->train = own_step(nb::object(given[nb::int_(0)]));
  steps->test = own_step(nb::object(given[nb::int_(1)]));
  steps->state = [state = shared_object(nb::object(given[nb::int_(2)]))] {
    nb::gil_scoped_acquire gil;
    return nb::cast<std::vector<VariablePtr>>((*state)());
  };
  steps->take_averages = [take = shared_object(nb::object(given[nb::int_(3)]))] {
    nb::gil_scoped_acquire gil;
    (*take)();
  };
  return steps;
}

void bind_compiled(nb::module_& m) {
  using nn::CompiledModel;
  nb::class_<CompiledModel>(m, "CompiledModel")
      .def(
          "__init__",
          [](CompiledModel* self, const nn::ModelPtr& model, nn::OptimizerPtr optimizer,
             const std::vector<std::shared_ptr<nn::Loss>>& losses,
             const std::vector<double>& loss_weights, bool predictions_in_training,
             bool check_numerics, bool profile, int threads,
             const std::shared_ptr<train::DataParallel>& workers, nb::handle own_steps) {
            nn::CompileOptions options;
            if (!own_steps.is_none()) options.own_steps = own_steps_from(own_steps);
            options.exchange = workers;
            options.worker = workers == nullptr ? 0 : workers->worker();
            options.optimizer = std::move(optimizer);
            options.losses.assign(losses.begin(), losses.end());
            options.loss_weights = loss_weights;
            options.predictions_in_training = predictions_in_training;
            options.plan.check_numerics = check_numerics;
            options.plan.fuse = !check_numerics;  // fused nodes could not name the op
            options.plan.profile = profile;
            options.plan.threads = threads;
            new (self) CompiledModel(model, std::move(options));
          },
          nb::arg("model"), nb::arg("optimizer").none(), nb::arg("losses"), nb::arg("loss_weights"),
          nb::arg("predictions_in_training"), nb::arg("check_numerics") = false,
          nb::arg("profile") = false, nb::arg("threads") = 0,
          nb::arg("workers").none() = nb::none(), nb::arg("own_steps").none() = nb::none())
      .def("train_graph", &CompiledModel::train_graph, nb::arg("weighted") = false)
      .def("test_graph", &CompiledModel::test_graph, nb::arg("weighted") = false)
      .def_prop_rw("step", &CompiledModel::step, &CompiledModel::set_step)
      .def("catch_up", &CompiledModel::catch_up, nb::call_guard<nb::gil_scoped_release>())
      .def("drop_update", &CompiledModel::drop_update)
      .def("state", &CompiledModel::state)
      .def("profile", [](CompiledModel& c) { return profile_rows(c.plans().profile()); });
}

const char* const kRoles[] = {"input", "label", "weight"};

nb::list fields_of(const train::DatasetSource& source) {
  nb::list out;
  for (const train::Field& f : source.dataset()->fields())
    out.append(nb::make_tuple(f.name, kRoles[static_cast<int>(f.role)], name_of(f.dtype), f.row));
  return out;
}

std::vector<train::Field> fields_from(nb::handle list) {
  std::vector<train::Field> fields;
  for (nb::handle item : list) {
    const auto role = nb::cast<std::string>(item[nb::int_(1)]);
    const auto at = std::find(std::begin(kRoles), std::end(kRoles), role) - std::begin(kRoles);
    fields.push_back({nb::cast<std::string>(item[nb::int_(0)]), static_cast<train::Field::Role>(at),
                      parse_dtype(nb::cast<std::string>(item[nb::int_(2)])),
                      nb::cast<Sizes>(item[nb::int_(3)])});
  }
  return fields;
}

void bind_workers(nb::module_& m) {
  nb::class_<train::DataParallel>(m, "DataParallel", "The workers of a training.")
      .def(nb::new_([](nb::handle communicator, int64_t capacity, bool bf16) {
             return std::make_shared<train::DataParallel>(communicator_from(communicator), capacity,
                                                          bf16);
           }),
           nb::arg("communicator"), nb::arg("capacity"), nb::arg("bf16") = false)
      .def_prop_ro("worker", &train::DataParallel::worker)
      .def_prop_ro("workers", &train::DataParallel::workers);
  nb::class_<train::ShardedSource, BatchSource>(m, "ShardedSource")
      .def_prop_ro("capacity", &train::ShardedSource::capacity);
  m.def("source_fields", [](const BatchSource& source) {
    return fields_of(dynamic_cast<const train::DatasetSource&>(source));
  });
  m.def(
      "sharded_source",
      [](nb::handle shards, std::vector<int64_t> sizes, nb::handle fields, int64_t batch_size) {
        std::vector<train::ShardedDataset::Shard> list;
        std::vector<std::function<uint64_t()>> contents;
        std::vector<std::function<train::SourceParts()>> parts;
        for (nb::handle item : shards) {
          auto source = std::dynamic_pointer_cast<train::DatasetSource>(
              nb::cast<std::shared_ptr<BatchSource>>(item[nb::int_(1)]));
          if (source == nullptr) throw TypeError("[fit] this source of batches has no shards");
          list.push_back({nb::cast<int64_t>(item[nb::int_(0)]), source->dataset()});
          // With its seed: that says in which order its samples come.
          contents.push_back([source] { return source->digest(); });
          parts.push_back([source] { return source->parts(); });
        }
        auto dataset = std::make_shared<train::ShardedDataset>(
            std::move(list), std::move(sizes), fields_from(fields),
            train::DataOptions{.batch_size = batch_size, .shuffle = false});
        return std::make_shared<train::ShardedSource>(std::move(dataset), std::move(contents),
                                                      std::move(parts));
      },
      nb::arg("shards"), nb::arg("sizes"), nb::arg("fields"), nb::arg("batch_size"));
}

// Without the GIL. Where a worker is lost, the communicator's own exception says who and why.
// Ctrl-C gets through while this worker waits for another one; between steps `signal_check` sees to
// it.
template <class F>
void unlocked(train::DataParallel* workers, F&& f) {
  if (workers == nullptr) {
    const Working working;
    return f();
  }
  std::optional<nb::python_error> interrupt;
  std::optional<collective::Fault> fault;
  try {
    const Working working;
    const WhileWaiting waiting([&] {
      if (interrupt) return;
      nb::gil_scoped_acquire gil;
      if (PyErr_CheckSignals() == 0) return;
      interrupt.emplace();
      workers->communicator().abort(
          "the training was interrupted (a signal handler of this worker raised)");
    });
    f();
  } catch (const IoError&) {
    fault = workers->communicator().fault();
    // This one's own trouble: a file, say.
    if (!interrupt && (!fault || fault->culprit == workers->worker())) throw;
  }
  if (interrupt) throw std::move(*interrupt);
  if (fault) raise_fault(*fault);
}

void bind_sources(nb::module_& m) {
  nb::class_<BatchSource>(m, "BatchSource",
                          "Batches of a training; the same ones in an epoch of that number.")
      .def_prop_ro("rows", &BatchSource::rows)
      .def_prop_ro("batches", &BatchSource::batches)
      .def("start", &BatchSource::start, nb::arg("epoch"), nb::arg("first_batch") = 0,
           nb::call_guard<nb::gil_scoped_release>())
      .def("stop", &BatchSource::stop, nb::call_guard<nb::gil_scoped_release>())
      .def("next", [](BatchSource& source) -> nb::object {
        const nn::Batch* batch = nullptr;
        {
          nb::gil_scoped_release unlocked;
          batch = source.next();
        }
        if (batch == nullptr) return nb::none();
        return nb::make_tuple(batch->x, batch->y, batch->sample_weight);
      });
  m.def(
      "steps_source",
      [](std::shared_ptr<BatchSource> source, int64_t steps,
         bool from_the_start) -> std::shared_ptr<BatchSource> {
        return std::make_shared<train::StepsSource>(std::move(source), steps, from_the_start);
      },
      nb::arg("source"), nb::arg("steps"), nb::arg("from_the_start") = false);
  m.def(
      "array_source",
      [](nb::handle x, nb::handle y, nb::handle weights, int64_t batch_size, bool shuffle,
         uint64_t seed) -> std::shared_ptr<BatchSource> {
        train::ArrayData data;
        std::vector<Tensor> contents;
        const auto take = [&](nb::handle list, const char* what, std::vector<train::Column>& out) {
          for (const Tensor& t : tensors_from(list)) {
            out.push_back({fmt::format("{}{}", what, out.size()), t});
            contents.push_back(t);
          }
        };
        take(x, "x", data.inputs);
        take(y, "y", data.labels);
        take(weights, "sample_weight", data.weights);
        auto dataset = std::make_shared<train::ArrayDataset>(
            std::move(data),
            train::DataOptions{.batch_size = batch_size, .shuffle = shuffle, .seed = seed});
        return std::make_shared<train::DatasetSource>(std::move(dataset), std::move(contents));
      },
      nb::arg("x"), nb::arg("y") = nb::make_tuple(), nb::arg("sample_weight") = nb::make_tuple(),
      nb::arg("batch_size") = 32, nb::arg("shuffle") = false, nb::arg("seed") = 0);
  m.def(
      "negative_sampling_source",
      [](nb::handle users, nb::handle items, int64_t n_users, int64_t n_items, int64_t negatives,
         double alpha, nb::handle known, int64_t batch_size, bool shuffle, uint64_t seed,
         const std::vector<int64_t>& row) -> std::shared_ptr<BatchSource> {
        train::NegativeSamplingOptions sampling;
        sampling.negatives = negatives;
        sampling.alpha = alpha;
        sampling.id_dtype = DType::i32;
        sampling.row = row;
        if (!known.is_none())
          sampling.known = std::make_shared<train::Interactions>(
              tensor_from(known[nb::int_(0)]), tensor_from(known[nb::int_(1)]), n_users, n_items);
        const Tensor u = tensor_from(users), i = tensor_from(items);
        auto dataset = std::make_shared<train::NegativeSamplingDataset>(
            u, i, n_users, n_items, std::move(sampling),
            train::DataOptions{.batch_size = batch_size, .shuffle = shuffle, .seed = seed});
        return std::make_shared<train::DatasetSource>(std::move(dataset),
                                                      std::vector<Tensor>{u, i});
      },
      nb::arg("users"), nb::arg("items"), nb::arg("n_users"), nb::arg("n_items"),
      nb::arg("negatives"), nb::arg("alpha"), nb::arg("known").none(), nb::arg("batch_size"),
      nb::arg("shuffle"), nb::arg("seed"), nb::arg("row"));
}

}  // namespace

void bind_training(nb::module_& m) {
  bind_compiled(m);
  bind_sources(m);
  bind_workers(m);
  bind_callbacks(m);
  nb::class_<Trainer>(m, "Trainer")
      .def("__init__",
           [](Trainer* self, std::shared_ptr<nn::CompiledModel> compiled, nb::handle metrics) {
             std::vector<train::OutputMetric> list;
             for (nb::handle item : metrics)
               list.push_back({.name = nb::cast<std::string>(item[nb::int_(0)]),
                               .output = nb::cast<size_t>(item[nb::int_(1)]),
                               .metric = nb::cast<metrics::MetricPtr>(item[nb::int_(2)]),
                               .weighted = nb::cast<bool>(item[nb::int_(3)])});
             new (self) Trainer(std::move(compiled), std::move(list));
           })
      .def(
          "fit",
          [](Trainer& trainer, BatchSource& data, BatchSource* validation, int64_t epochs,
             int64_t initial_epoch, int64_t validation_freq,
             const std::vector<train::CallbackPtr>& callbacks, const std::string& on_nan,
             nb::handle checkpoint_dir, int64_t checkpoint_every, double checkpoint_minutes,
             bool resume, train::DataParallel* workers, bool whole_updates, bool check_weights) {
            train::FitOptions options;
            options.whole_updates = whole_updates;
            options.check_weights = check_weights;
            options.workers = workers;
            options.epochs = epochs;
            options.initial_epoch = initial_epoch;
            options.validation = validation;
            options.validation_freq = validation_freq;
            options.callbacks = callbacks;
            options.on_nan = on_nan_from(on_nan);
            options.checkpoint = {.store = checkpoint_store_from(checkpoint_dir),
                                  .every_steps = checkpoint_every,
                                  .every_seconds = checkpoint_minutes * 60,
                                  .resume = resume};
            options.between_steps = signal_check();
            unlocked(workers, [&] { trainer.fit(data, options); });
          },
          nb::arg("data"), nb::arg("validation").none(), nb::arg("epochs"),
          nb::arg("initial_epoch"), nb::arg("validation_freq"), nb::arg("callbacks"),
          nb::arg("on_nan") = "error", nb::arg("checkpoint_dir").none() = nb::none(),
          nb::arg("checkpoint_every") = 0, nb::arg("checkpoint_minutes") = 0.0,
          nb::arg("resume") = false, nb::arg("workers").none() = nb::none(),
          nb::arg("whole_updates") = true, nb::arg("check_weights") = true)
      .def(
          "evaluate",
          [](Trainer& trainer, BatchSource& data, const std::vector<train::CallbackPtr>& callbacks,
             train::DataParallel* workers) {
            train::Logs logs;
            unlocked(workers, [&] {
              for (const train::CallbackPtr& c : callbacks) c->set_trainer(&trainer);
              logs = trainer.evaluate(data, callbacks, signal_check(), workers);
            });
            return as_dict(logs);
          },
          nb::arg("data"), nb::arg("callbacks"), nb::arg("workers").none() = nb::none())
      .def_prop_ro("history", [](const Trainer& t) { return as_python(t.history()); })
      .def_prop_rw("stop_training", &Trainer::stopping, &Trainer::set_stop_training);
  m.def("sample_weight_of_classes",
        [](nb::handle labels, const std::map<int64_t, double>& weights) {
          return nn::sample_weight_of_classes(tensor_from(labels), weights);
        });
  m.def("class_counts", [](BatchSource& source) {
    nb::gil_scoped_release unlocked;
    return train::class_counts(source, signal_check());
  });
  m.def("class_counts", [](nb::handle labels) {
    std::map<int64_t, int64_t> counts;
    for (int64_t id : nn::class_ids(tensor_from(labels))) ++counts[id];
    return counts;
  });
}

}  // namespace andiron::bindings
