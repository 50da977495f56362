#include "andiron/train/trainer.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/io/json_text.hpp"
#include "andiron/io/safetensors.hpp"
#include "andiron/nn/optimizers/optimizer.hpp"
#include "andiron/train/data_parallel.hpp"
#include "andiron/train/finite_weights.hpp"
#include "andiron/train/training_state.hpp"

namespace andiron::train {

namespace {

// Ends the source's threads on every way out.
struct StopSource {
  BatchSource& source;
  ~StopSource() { source.stop(); }
};

// Whoever stops while averages stand in the variables' place finds the variables there again.
void swap_back(nn::CompiledModel& compiled) {
  nn::Optimizer* optimizer = compiled.options().optimizer.get();
  if (optimizer != nullptr && optimizer->averages_swapped()) optimizer->swap_averages();
}

// What one worker throws ends the work of all, who would wait for it.
template <class F>
auto together(DataParallel* workers, F&& f) {
  try {
    return f();
  } catch (const std::exception& e) {
    if (workers != nullptr) workers->abort(e.what());
    throw;
  }
}

bool want_batch_metrics(const std::vector<CallbackPtr>& callbacks, bool training) {
  return std::any_of(callbacks.begin(), callbacks.end(),
                     [&](const CallbackPtr& c) { return c->wants_batch_metrics(training); });
}

}  // namespace

Trainer::Trainer(std::shared_ptr<nn::CompiledModel> compiled, std::vector<OutputMetric> metrics)
    : compiled_(std::move(compiled)), metrics_(std::move(metrics)) {
  const std::vector<nn::LossPtr>& losses = compiled_->options().losses;
  for (OutputMetric& m : metrics_) {
    if (m.output >= losses.size())
      fail("[compile] metric '{}' is of output {}, but the model has {}", m.name, m.output,
           losses.size());
    if (losses[m.output] == nullptr)
      fail("[compile] metric '{}' is of output {}, which has no loss and so no targets", m.name,
           m.output);
    m.target = 0;  // targets are given for outputs with a loss only
    for (size_t i = 0; i < m.output; ++i) m.target += losses[i] != nullptr ? 1 : 0;
  }
}

void Trainer::reset_metrics() {
  for (OutputMetric& m : metrics_) m.metric->reset();
}

void Trainer::report(const Reported& figure, std::vector<Reported>& reported) {
  const auto named = std::find_if(reported.begin(), reported.end(),
                                  [&](const Reported& r) { return r.name == figure.name; });
  if (named == reported.end()) {
    reported.push_back(figure);
    return;
  }
  named->sum += figure.sum;
  named->rows += figure.rows;
}

void Trainer::add(const nn::StepResult& result, const nn::Batch& batch, bool counts,
                  Progress& progress) {
  const auto rows = static_cast<double>(batch.x[0].size(0));
  progress.sums.resize(1 + result.output_losses.size());
  if (!counts) return;
  size_t at = 0;
  progress.sums[at++] += result.loss * rows;
  for (double loss : result.output_losses) progress.sums[at++] += loss * rows;
  for (const auto& [name, value] : result.reported)
    report({name, value * rows, rows}, progress.reported);
  progress.rows += rows;
  if (result.predictions.empty()) return;
  for (OutputMetric& m : metrics_) {
    Tensor weight;
    if (m.weighted && !batch.sample_weight.empty())
      weight = batch.sample_weight.size() == 1 ? batch.sample_weight[0]
                                               : batch.sample_weight.at(m.target);
    m.metric->update(batch.y.at(m.target), result.predictions[m.output], weight);
  }
}

Logs Trainer::logs_of(const Progress& progress) const {
  Logs logs;
  const auto mean = [&](size_t i) { return progress.sums[i] / progress.rows; };
  if (progress.sums.empty()) return logs;
  logs.emplace_back("loss", mean(0));
  const size_t n_losses = progress.sums.size() - 1;
  const std::vector<std::string> outputs = compiled_->model()->output_names();
  if (outputs.size() > 1) {
    size_t at = 1;
    for (size_t i = 0; i < outputs.size(); ++i)
      if (compiled_->options().losses[i] != nullptr && at <= n_losses)
        logs.emplace_back(outputs[i] + "_loss", mean(at++));
  }
  for (const OutputMetric& m : metrics_) logs.emplace_back(m.name, m.metric->result());
  for (const Reported& r : progress.reported) logs.emplace_back(r.name, r.sum / r.rows);
  return logs;
}

void Trainer::check_finite(const nn::StepResult& result, const FitOptions& options,
                           const Progress& progress) {
  if (std::isfinite(result.loss)) return;
  if (not_finite_since_ == 0) not_finite_since_ = compiled_->step();
  if (options.on_nan == OnNan::proceed) return;
  if (options.on_nan == OnNan::stop) {
    stop_training_ = true;
    return;
  }
  fail(
      "[fit] the loss became {} in epoch {}, batch {} (step {}). Usual causes: a learning rate "
      "that "
      "is too large, NaN or infinite values in the data, log or division in a loss of your own. "
      "check_numerics=True in compile names the first op that produced one; on_nan=\"stop\" or "
      "\"ignore\" in fit goes on without this error",
      result.loss, progress.epoch + 1, progress.batch + 1, compiled_->step());
}

// After a loss that was not finite the weights are neither, and the next fit would blame its data.
void Trainer::check_weights(const FitOptions& options) {
  if (options.on_nan != OnNan::error || !(options.check_weights || not_finite_since_ > 0)) return;
  const char* what = "weights hold";
  const char* remedy =
      "load good weights and compile again, or make the model anew, and take the cause away (often "
      "a learning rate that is too large)";
  VariablePtr found = first_not_finite(compiled_->model()->variables());
  if (found == nullptr && compiled_->options().optimizer != nullptr) {
    what = "optimizer's state holds";
    remedy = "compile again, which makes it anew";
    found = first_not_finite(compiled_->options().optimizer->variables());
  }
  if (found == nullptr) {
    not_finite_since_ = 0;
    return;
  }
  const std::string since = not_finite_since_ > 0
                                ? fmt::format("since step {} of an earlier fit", not_finite_since_)
                                : "already before this fit";
  fail(
      "[fit] the {} NaN or infinity {} ('{}'), the data are not to blame: {}; on_nan=\"ignore\" "
      "trains on",
      what, since, found->name(), remedy);
}

// What the last step did shows in no loss of this fit.
void Trainer::check_result(const FitOptions& options) {
  if (options.on_nan != OnNan::error || !options.check_weights) return;
  const VariablePtr found = first_not_finite(compiled_->model()->variables());
  if (found == nullptr) return;
  if (not_finite_since_ == 0) not_finite_since_ = compiled_->step();
  fail(
      "[fit] the weights hold NaN or infinity after the last step, {} ('{}'), though the loss "
      "before it was finite. Usual causes: a learning rate that is too large, inputs far from 1; "
      "on_nan=\"ignore\" in fit ends without this error",
      compiled_->step(), found->name());
}

void Trainer::train_epoch(BatchSource& data, const FitOptions& options, TrainingState& state,
                          Progress& progress) {
  StopSource stop{data};
  const bool with_metrics = want_batch_metrics(options.callbacks, true);
  data.start(progress.epoch, progress.batch);
  // Workers that train together end together: at the end of the epoch.
  while (options.workers != nullptr || !stop_training_) {
    const nn::Batch* batch = data.next();
    if (batch == nullptr) break;
    const double share = data.share();
    for (const CallbackPtr& c : options.callbacks) c->on_train_batch_begin(progress.batch);
    // A worker without samples adds zeros, unless it has some from other batches of the step.
    if (options.workers != nullptr)
      options.workers->set_step(compiled_->step() + 1, share > 0 || compiled_->accumulates());
    const nn::StepResult& result = compiled_->train_on_batch(*batch, share);
    if (share > 0) check_finite(result, options, progress);
    add(result, *batch, share > 0, progress);
    if (!options.callbacks.empty() && progress.rows > 0) {
      const Logs logs = batch_logs(progress, with_metrics);
      for (const CallbackPtr& c : options.callbacks) c->on_train_batch_end(progress.batch, logs);
    }
    ++progress.batch;
    // Not while batches wait for others of their step: a training resumes between steps.
    if (!compiled_->in_update()) state.after_step(progress);
    if (options.between_steps) options.between_steps();
  }
  if (options.whole_updates) compiled_->finish_update();
}

// The figures while an epoch runs. Metrics are left to its end where nobody looks at them: areas
// under curves would sort all scores after each batch.
Logs Trainer::batch_logs(const Progress& progress, bool with_metrics) const {
  if (with_metrics) return logs_of(progress);
  return {{"loss", progress.sums[0] / progress.rows}};
}

namespace {

constexpr const char *kSums = "sums", *kReported = "reported";

std::string metric_key(size_t i) { return fmt::format("metric/{}/", i); }

}  // namespace

std::string Trainer::part(const Progress& progress) const {
  std::vector<double> sums = progress.sums;
  sums.push_back(progress.rows);
  io::NamedTensors tensors = {{kSums, Tensor::from(sums, {static_cast<int64_t>(sums.size())})}};
  std::vector<std::string> names;
  std::vector<double> reported;
  for (const Reported& r : progress.reported) {
    names.push_back(r.name);
    reported.insert(reported.end(), {r.sum, r.rows});
  }
  if (!names.empty())
    tensors[kReported] = Tensor::from(reported, {static_cast<int64_t>(names.size()), 2});
  for (size_t i = 0; i < metrics_.size(); ++i)
    for (const auto& [name, tensor] : metrics_[i].metric->state())
      tensors[metric_key(i) + name] = tensor;
  const nlohmann::json about = {{"reported", names}, {"stopping", stop_training_}};
  return io::safetensors_bytes(tensors, {{"about", about.dump()}});
}

void Trainer::take_parts(const std::vector<std::string>& parts, Progress& progress) {
  reset_metrics();
  progress.sums.clear();
  progress.rows = 0;
  progress.reported.clear();
  bool first = true;
  for (const std::string& bytes : parts) {
    const io::TensorFile file =
        io::parse_safetensors(std::string_view(bytes), "a worker's figures").value_or_throw();
    const auto about = io::parse_json(file.metadata.at("about"));
    stop_training_ |= about.at("stopping").get<bool>();
    const Tensor& sums = file.tensors.at(kSums);
    const auto n = static_cast<size_t>(sums.count() - 1);
    progress.rows += sums.item(sums.count() - 1);
    // A worker without samples of its own may not know what there is to sum.
    if (n > progress.sums.size()) progress.sums.resize(n);
    for (size_t i = 0; i < n; ++i) progress.sums[i] += sums.item(static_cast<int64_t>(i));
    const auto names = about.at("reported").get<std::vector<std::string>>();
    for (size_t i = 0; i < names.size(); ++i) {
      const Tensor& reported = file.tensors.at(kReported);
      const auto at = static_cast<int64_t>(2 * i);
      report({names[i], reported.item(at), reported.item(at + 1)}, progress.reported);
    }
    for (size_t i = 0; i < metrics_.size(); ++i) {
      const io::NamedTensors state = io::tensors_below(file.tensors, metric_key(i));
      first ? metrics_[i].metric->restore(state) : metrics_[i].metric->merge_state(state);
    }
    first = false;
  }
}

// Callbacks may run on some workers only, and stop the training or set its rate.
void Trainer::agree(DataParallel& workers) {
  std::vector<double> said = compiled_->options().optimizer->scalars_at(compiled_->step() + 1);
  said.push_back(stop_training_ ? 1.0 : 0.0);
  const std::string own(reinterpret_cast<const char*>(said.data()), said.size() * sizeof(double));
  const std::vector<std::string> all = workers.gather(own);
  for (size_t w = 0; w < all.size(); ++w) {
    std::vector<double> other(all[w].size() / sizeof(double));
    std::memcpy(other.data(), all[w].data(), other.size() * sizeof(double));
    if (other.size() != said.size()) fail("[fit] worker {} has another optimizer", w);
    for (size_t i = 0; i + 1 < other.size(); ++i)
      if (other[i] != said[i])
        fail(
            "[fit] the learning rate of the next step is {} here and {} on worker {}: callbacks "
            "that set it belong on every worker",
            said[i], other[i], w);
    stop_training_ |= other.back() > 0;
  }
}

const History& Trainer::fit(BatchSource& data, const FitOptions& options) {
  TrainingState state(*this, data, options);
  try {
    together(options.workers, [&] { run(data, options, state); });
  } catch (...) {
    state.settle();
    swap_back(*compiled_);
    throw;
  }
  return history_;
}

void Trainer::run(BatchSource& data, const FitOptions& options, TrainingState& state) {
  if (options.epochs < 0) fail("[fit] epochs must not be negative; got {}", options.epochs);
  if (options.validation_freq < 1)
    fail("[fit] validation_freq must be positive; got {}", options.validation_freq);
  history_ = {};
  stop_training_ = false;
  epochs_ = options.epochs;
  batches_ = data.batches();
  reset_metrics();
  if (options.whole_updates) compiled_->drop_update();
  for (const CallbackPtr& c : options.callbacks)
    c->check(options.validation == nullptr ? 0 : options.validation_freq);
  Progress progress;
  progress.epoch = options.initial_epoch;
  for (const CallbackPtr& c : options.callbacks) c->set_trainer(this);
  for (const CallbackPtr& c : options.callbacks) c->on_train_begin();
  state.open();
  if (options.checkpoint.resume) state.load(progress);
  if (progress.epoch < options.epochs) check_weights(options);
  const int64_t before = compiled_->step();

  Logs last = history_.logs.empty() ? Logs{} : history_.logs.back();
  const auto over = [&] {
    return progress.epoch >= options.epochs || stop_training_ || data.ended();
  };
  bool end = over();
  while (!end) {
    if (progress.batch == 0) reset_metrics();
    for (const CallbackPtr& c : options.callbacks) c->on_epoch_begin(progress.epoch);
    train_epoch(data, options, state, progress);
    if (options.workers != nullptr) take_parts(options.workers->gather(part(progress)), progress);
    last = logs_of(progress);
    if (options.validation != nullptr && (progress.epoch + 1) % options.validation_freq == 0)
      for (const auto& [name, value] :
           measure(*options.validation, options.callbacks, options.between_steps, options.workers))
        last.emplace_back("val_" + name, value);
    history_.epoch.push_back(progress.epoch);
    history_.logs.push_back(last);
    for (const CallbackPtr& c : options.callbacks) c->on_epoch_end(progress.epoch, last);
    if (options.workers != nullptr) agree(*options.workers);
    progress = Progress{.epoch = progress.epoch + 1};
    end = over();
    state.after_epoch(progress, end);
  }
  state.finish();
  // As Keras does it; checkpoints keep both, so that training can go on.
  if (options.whole_updates && compiled_->step() > 0) compiled_->take_averages();
  for (const CallbackPtr& c : options.callbacks) c->on_train_end(last);
  compiled_->catch_up();
  // After the callbacks: one of them may have put the best weights back.
  if (compiled_->step() != before) check_result(options);
}

Logs Trainer::evaluate(BatchSource& data, const std::vector<CallbackPtr>& callbacks,
                       const std::function<void()>& between_steps, DataParallel* workers) {
  for (const CallbackPtr& c : callbacks) c->set_trainer(this);
  const nn::OptimizerPtr& optimizer = compiled_->options().optimizer;
  const bool in_place = optimizer != nullptr && optimizer->averages_swapped();
  try {
    return together(workers, [&] { return measure(data, callbacks, between_steps, workers); });
  } catch (...) {
    if (!in_place) swap_back(*compiled_);
    throw;
  }
}

Logs Trainer::measure(BatchSource& data, const std::vector<CallbackPtr>& callbacks,
                      const std::function<void()>& between_steps, DataParallel* workers) {
  StopSource stop{data};
  const bool with_metrics = want_batch_metrics(callbacks, false);
  reset_metrics();
  for (const CallbackPtr& c : callbacks) c->on_test_begin();
  Progress progress;
  data.start(0);
  while (const nn::Batch* batch = data.next()) {
    for (const CallbackPtr& c : callbacks) c->on_test_batch_begin(progress.batch);
    const nn::StepResult& result = compiled_->test_on_batch(*batch);
    add(result, *batch, data.share() > 0, progress);
    if (!callbacks.empty() && progress.rows > 0) {
      const Logs logs = batch_logs(progress, with_metrics);
      for (const CallbackPtr& c : callbacks) c->on_test_batch_end(progress.batch, logs);
    }
    ++progress.batch;
    if (between_steps) between_steps();
  }
  if (workers != nullptr) take_parts(workers->gather(part(progress)), progress);
  Logs logs = logs_of(progress);
  for (const CallbackPtr& c : callbacks) c->on_test_end(logs);
  return logs;
}

}  // namespace andiron::train
