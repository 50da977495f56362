#include "andiron/train/training_state.hpp"

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"

namespace andiron::train {

using nlohmann::json;

namespace {

// Doubles travel as a tensor, because JSON knows neither NaN nor infinity.
Tensor doubles(const std::vector<double>& values) {
  return Tensor::from(values, {static_cast<int64_t>(values.size())});
}

std::map<std::string, Tensor> below(const std::map<std::string, Tensor>& all,
                                    const std::string& prefix) {
  std::map<std::string, Tensor> out;
  for (const auto& [name, tensor] : all)
    if (name.starts_with(prefix)) out[name.substr(prefix.size())] = tensor;
  return out;
}

const Tensor& need(const Checkpoint& checkpoint, const std::string& name) {
  const auto found = checkpoint.tensors.find(name);
  if (found == checkpoint.tensors.end())
    fail("[resume] '{}' has no '{}': it belongs to another model or to other settings",
         checkpoint.path, name);
  return found->second;
}

std::string variable_key(size_t i, const VariablePtr& variable) {
  return fmt::format("variable/{:04d}/{}", i, variable->name());
}

}  // namespace

TrainingState::TrainingState(Trainer& trainer, BatchSource& data, const FitOptions& options)
    : trainer_(trainer), data_(data), options_(options) {
  if (options.checkpoint.folder.empty()) return;
  if (options.checkpoint.every_steps < 0)
    fail("[fit] checkpoint_every must not be negative; got {}", options.checkpoint.every_steps);
  // The run is told apart by its data: others give other bits.
  const std::string run = fmt::format("{:016x}", data.digest());
  folder_ = CheckpointFolder::open(options.checkpoint.folder, run).value_or_throw();
}

void TrainingState::save(const Trainer::Progress& progress) {
  if (!folder_) return;
  nn::CompiledModel& compiled = trainer_.compiled();
  io::NamedTensors tensors;
  const std::vector<VariablePtr> variables = compiled.state();
  for (size_t i = 0; i < variables.size(); ++i)
    tensors[variable_key(i, variables[i])] = variables[i]->value();
  for (size_t i = 0; i < trainer_.metrics_.size(); ++i)
    for (const auto& [name, tensor] : trainer_.metrics_[i].metric->state())
      tensors[fmt::format("metric/{}/{}", i, name)] = tensor;
  json callbacks = json::array();
  for (size_t i = 0; i < options_.callbacks.size(); ++i) {
    callbacks.push_back(options_.callbacks[i]->state());
    for (const auto& [name, tensor] : options_.callbacks[i]->tensors())
      tensors[fmt::format("callback/{}/{}", i, name)] = tensor;
  }
  std::vector<double> sums = progress.sums;
  sums.push_back(progress.rows);
  tensors["progress"] = doubles(sums);

  json names = json::array();
  for (size_t e = 0; e < trainer_.history_.logs.size(); ++e) {
    json keys = json::array();
    std::vector<double> values;
    for (const auto& [name, value] : trainer_.history_.logs[e]) {
      keys.push_back(name);
      values.push_back(value);
    }
    names.push_back(keys);
    tensors[fmt::format("history/{:06d}", e)] = doubles(values);
  }
  const std::string document = json{
      {"version", 1},
      {"step", compiled.step()},
      {"epoch", progress.epoch},
      {"batch", progress.batch},
      {"epochs", trainer_.history_.epoch},
      {"history", names},
      {"reported", trainer_.reported_},
      {"stopped", trainer_.stop_training_},
      {"callbacks", callbacks}}.dump();
  Result<std::string> saved = folder_->save(tensors, document);
  std::move(saved).value_or_throw();
}

void TrainingState::load(Trainer::Progress& progress) {
  if (!folder_) fail("[fit] resume needs checkpoint_dir");
  const std::optional<Checkpoint> found = folder_->latest().value_or_throw();
  if (!found) return;
  const json about = json::parse(found->document, nullptr, false);
  if (about.is_discarded() || about.value("version", 0) != 1)
    fail("[resume] '{}' is of a version that this Andiron does not know", found->path);
  nn::CompiledModel& compiled = trainer_.compiled();
  const std::vector<VariablePtr> variables = compiled.state();
  for (size_t i = 0; i < variables.size(); ++i) {
    const Tensor& value = need(*found, variable_key(i, variables[i]));
    if (value.sizes() != variables[i]->value().sizes() ||
        value.dtype() != variables[i]->value().dtype())
      fail("[resume] '{}' is {} in the checkpoint and {} in the model", variables[i]->name(),
           str(value.sizes()), str(variables[i]->value().sizes()));
  }
  // Nothing is changed before everything fits.
  if (about.at("callbacks").size() != options_.callbacks.size())
    fail("[resume] the checkpoint was made with {} callbacks; got {}", about.at("callbacks").size(),
         options_.callbacks.size());
  for (size_t i = 0; i < variables.size(); ++i)
    variables[i]->assign(need(*found, variable_key(i, variables[i])));
  compiled.set_step(about.at("step"));
  for (size_t i = 0; i < trainer_.metrics_.size(); ++i)
    trainer_.metrics_[i].metric->restore(below(found->tensors, fmt::format("metric/{}/", i)));
  for (size_t i = 0; i < options_.callbacks.size(); ++i)
    options_.callbacks[i]->restore(about.at("callbacks")[i],
                                   below(found->tensors, fmt::format("callback/{}/", i)));
  progress.epoch = about.at("epoch");
  progress.batch = about.at("batch");
  const Tensor& sums = need(*found, "progress");
  progress.sums.clear();
  for (int64_t i = 0; i + 1 < sums.count(); ++i) progress.sums.push_back(sums.item(i));
  progress.rows = sums.item(sums.count() - 1);
  trainer_.reported_ = about.at("reported").get<std::vector<std::string>>();
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
}

}  // namespace andiron::train
