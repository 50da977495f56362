#include "andiron/train/training_state.hpp"

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "andiron/base/error.hpp"
#include "andiron/nn/optimizers/optimizer.hpp"
#include "andiron/train/checkpoint_model.hpp"
#include "andiron/train/data_parallel.hpp"

namespace andiron::train {

using nlohmann::json;

namespace {

// Doubles travel as a tensor, because JSON knows neither NaN nor infinity.
Tensor doubles(const std::vector<double>& values) {
  return Tensor::from(values, {static_cast<int64_t>(values.size())});
}

const Tensor& need(const Checkpoint& checkpoint, const std::string& name) {
  const auto found = checkpoint.tensors.find(name);
  if (found == checkpoint.tensors.end())
    fail("[resume] '{}' has no '{}': it belongs to another model or to other settings",
         checkpoint.path, name);
  return found->second;
}

// Plain values as what workers send each other.
template <class T>
std::string bytes_of(const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

template <class T>
T from_bytes(const std::string& bytes) {
  if (bytes.size() != sizeof(T))
    fail("[fit] a worker sent {} bytes, not {}", bytes.size(), sizeof(T));
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

std::string optimizer_of(const nn::CompiledModel& compiled) {
  if (compiled.options().own_steps != nullptr) return "own steps";
  return compiled.options().optimizer->class_name();
}

// What worker i had seen of the epoch.
std::string part_key(size_t i) { return fmt::format("part/{:06d}", i); }

// A plain value of each worker.
template <class T>
std::vector<T> everyones(DataParallel* workers, const T& mine) {
  if (workers == nullptr) return {mine};
  std::vector<T> all;
  for (const std::string& bytes : workers->gather(bytes_of(mine)))
    all.push_back(from_bytes<T>(bytes));
  return all;
}

}  // namespace

TrainingState::TrainingState(Trainer& trainer, BatchSource& data, const FitOptions& options)
    : trainer_(trainer),
      data_(data),
      options_(options),
      schedule_(options.checkpoint.every_steps, options.checkpoint.every_seconds) {}

void TrainingState::open() {
  const CheckpointOptions& wanted = options_.checkpoint;
  if (wanted.every_steps < 0)
    fail("[fit] checkpoint_every must not be negative; got {}", wanted.every_steps);
  if (!(wanted.every_seconds >= 0) || std::isinf(wanted.every_seconds))
    fail("[fit] checkpoint_minutes must be finite and not negative; got {}",
         wanted.every_seconds / 60);
  if (options_.workers != nullptr) {
    const std::string mine =
        fmt::format("checkpoint_dir: {}, checkpoint_every={}, checkpoint_minutes={:g}, resume={}",
                    wanted.store != nullptr ? "yes" : "no", wanted.every_steps,
                    wanted.every_seconds / 60, wanted.resume);
    const std::vector<std::string> all = options_.workers->gather(mine);
    for (size_t w = 0; w < all.size(); ++w)
      if (all[w] != all[0])
        fail("[fit] all workers need the same settings; worker 0 has {}, worker {} {}", all[0], w,
             all[w]);
  }
  if (wanted.store == nullptr) return;
  const RunId run = this->run();
  if (writes()) writer_.emplace(CheckpointFiles::open(wanted.store, run).value_or_throw());
  schedule_.taken();
}

// The run is told apart by its data: others give other bits.
RunId TrainingState::run() const {
  return RunId::of(everyones(options_.workers, data_.digest()),
                   everyones(options_.workers, data_.parts()));
}

bool TrainingState::writes() const {
  return options_.workers == nullptr || options_.workers->worker() == 0;
}

// The first worker's answer, on all.
bool TrainingState::agreed(CheckpointSchedule::Answer answer) {
  if (options_.workers != nullptr)
    answer = from_bytes<CheckpointSchedule::Answer>(options_.workers->from_first(bytes_of(answer)));
  schedule_.take(answer);
  return answer.save != 0;
}

void TrainingState::after_step(const Trainer::Progress& progress) {
  const int64_t step = trainer_.compiled().step();
  // The end of the epoch has a checkpoint of its own.
  const int64_t batches = data_.batches();
  const bool ends = batches != BatchSource::kUnknown && progress.batch >= batches;
  if (options_.checkpoint.store == nullptr || ends || !schedule_.asks(step)) return;
  CheckpointSchedule::Answer mine;
  if (writer_) mine = schedule_.answer(step, writer_->busy(), options_.checkpoint.store->strict());
  if (agreed(mine)) save(progress);
}

void TrainingState::after_epoch(const Trainer::Progress& progress, bool last) {
  if (options_.checkpoint.store == nullptr) return;
  CheckpointSchedule::Answer mine;
  if (writer_) {
    mine = schedule_.answer(trainer_.compiled().step(), writer_->busy(), true);
    mine.save = last || !writer_->busy() || options_.checkpoint.store->strict() ? 1 : 0;
  }
  if (!agreed(mine)) return;
  schedule_.taken();
  save(progress);
}

void TrainingState::save(const Trainer::Progress& progress) {
  std::vector<std::string> parts;
  if (options_.workers != nullptr)
    parts = options_.workers->gather(trainer_.part(progress));
  else
    parts.push_back(trainer_.part(progress));
  if (!writer_) return;
  writer_->wait(options_.between_steps);  // first, so that there are no two snapshots
  writer_->write(snapshot(progress, parts));
}

void TrainingState::finish() {
  if (writer_) writer_->wait(options_.between_steps);
}

void TrainingState::settle() noexcept {
  if (!writer_) return;
  try {
    writer_->wait(options_.between_steps);
  } catch (...) {  // the error that was there first counts
    writer_->abandon();
  }
}

Snapshot TrainingState::snapshot(const Trainer::Progress& progress,
                                 const std::vector<std::string>& parts) {
  nn::CompiledModel& compiled = trainer_.compiled();
  io::NamedTensors memory = writer_->take_memory();
  Snapshot out;
  out.step = compiled.step();
  const std::vector<VariablePtr> variables = compiled.state();
  for (size_t i = 0; i < variables.size(); ++i)
    out.add(variable_key(i, *variables[i]), variables[i]->value(), memory);
  for (size_t i = 0; i < parts.size(); ++i)
    out.tensors[part_key(i)] = Tensor::from(std::vector<uint8_t>(parts[i].begin(), parts[i].end()),
                                            {static_cast<int64_t>(parts[i].size())});
  json callbacks = json::array();
  for (size_t i = 0; i < options_.callbacks.size(); ++i) {
    callbacks.push_back(options_.callbacks[i]->state());
    for (const auto& [name, tensor] : options_.callbacks[i]->tensors())
      out.add(fmt::format("callback/{}/{}", i, name), tensor, memory);
  }

  json names = json::array();
  for (size_t e = 0; e < trainer_.history_.logs.size(); ++e) {
    json keys = json::array();
    std::vector<double> values;
    for (const auto& [name, value] : trainer_.history_.logs[e]) {
      keys.push_back(name);
      values.push_back(value);
    }
    names.push_back(keys);
    out.tensors[fmt::format("history/{:06d}", e)] = doubles(values);
  }
  out.document = json{
      {"version", 2},
      {"step", compiled.step()},
      {"epoch", progress.epoch},
      {"batch", progress.batch},
      {"epochs", trainer_.history_.epoch},
      {"history", names},
      {"stopped", trainer_.stop_training_},
      {"optimizer", optimizer_of(compiled)},
      {"callbacks",
       callbacks}}.dump();
  return out;
}

// The newest checkpoint, on all workers as the first one finds it.
std::optional<Checkpoint> TrainingState::newest() {
  std::optional<Checkpoint> found;
  if (writes()) found = writer_->files().latest().value_or_throw();
  if (options_.workers == nullptr) return found;
  std::string bytes;
  if (found)
    bytes = io::safetensors_bytes(found->tensors,
                                  {{"document", found->document}, {"path", found->path}});
  bytes = options_.workers->from_first(bytes);
  if (writes() || bytes.empty()) return found;
  io::TensorFile file =
      io::parse_safetensors(std::string_view(bytes), "the first worker's checkpoint")
          .value_or_throw();
  return Checkpoint{std::move(file.tensors), file.metadata.at("document"),
                    file.metadata.at("path")};
}

// What this worker had seen; all of it for the first one when there are other workers than before.
void TrainingState::take_parts(const Checkpoint& checkpoint, Trainer::Progress& progress) {
  std::vector<std::string> parts;
  for (const auto& [name, tensor] : io::tensors_below(checkpoint.tensors, "part/")) {
    const Tensor bytes = tensor.contiguous();
    parts.emplace_back(static_cast<const char*>(bytes.raw()), bytes.n_bytes());
  }
  const int workers = options_.workers == nullptr ? 1 : options_.workers->workers();
  const int worker = options_.workers == nullptr ? 0 : options_.workers->worker();
  if (parts.size() == static_cast<size_t>(workers)) {
    trainer_.take_parts({parts[static_cast<size_t>(worker)]}, progress);
  } else if (worker == 0) {
    trainer_.take_parts(parts, progress);
  }
}

void TrainingState::load(Trainer::Progress& progress) try {
  if (options_.checkpoint.store == nullptr) fail("[fit] resume needs checkpoint_dir");
  const std::optional<Checkpoint> found = newest();
  if (!found) return;
  const json about = json::parse(found->document, nullptr, false);
  if (about.is_discarded() || about.value("version", 0) != 2)
    fail("[resume] '{}' is of a version that this Andiron does not know", found->path);
  nn::CompiledModel& compiled = trainer_.compiled();
  const std::vector<VariablePtr> variables = compiled.state();
  const std::vector<Tensor> values =
      values_of_same_model(*found, about.value("optimizer", ""), optimizer_of(compiled), variables);
  // Nothing is changed before everything fits.
  // Other workers than the first may go without callbacks that only show something.
  const bool same_callbacks = about.at("callbacks").size() == options_.callbacks.size();
  if (!same_callbacks && writes())
    fail("[resume] the checkpoint was made with {} callbacks; got {}", about.at("callbacks").size(),
         options_.callbacks.size());
  for (size_t i = 0; i < variables.size(); ++i) variables[i]->assign(values[i]);
  compiled.set_step(about.at("step"));
  for (size_t i = 0; same_callbacks && i < options_.callbacks.size(); ++i)
    options_.callbacks[i]->restore(
        about.at("callbacks")[i],
        io::tensors_below(found->tensors, fmt::format("callback/{}/", i)));
  progress.epoch = about.at("epoch");
  progress.batch = about.at("batch");
  take_parts(*found, progress);
  trainer_.stop_training_ = about.at("stopped");
  trainer_.history_.epoch = about.at("epochs").get<std::vector<int64_t>>();
  trainer_.history_.logs.clear();
  for (size_t e = 0; e < about.at("history").size(); ++e) {
    const Tensor& values = need(*found, fmt::format("history/{:06d}", e));
    Logs logs;
    for (size_t i = 0; i < about["history"][e].size(); ++i)
      logs.emplace_back(about["history"][e][i], values.item(static_cast<int64_t>(i)));
    trainer_.history_.logs.push_back(std::move(logs));
  }
} catch (const json::exception& e) {
  fail("[resume] the newest checkpoint is damaged: {}", e.what());
}

}  // namespace andiron::train
