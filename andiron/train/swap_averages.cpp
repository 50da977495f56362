#include "andiron/train/swap_averages.hpp"

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/optimizers/optimizer.hpp"
#include "andiron/train/trainer.hpp"

namespace andiron::train {

namespace {

nn::Optimizer* optimizer_of(Trainer& trainer) {
  return trainer.compiled().options().optimizer.get();
}

}  // namespace

void SwapAverages::set_swapped(bool swapped) {
  nn::Optimizer* optimizer = optimizer_of(*trainer_);
  if (optimizer == nullptr || !optimizer->keeps_averages())
    fail("[SwapEMAWeights] needs an optimizer with use_ema=True; got {}",
         optimizer == nullptr ? "none" : optimizer->class_name());
  if (trainer_->compiled().step() == 0) return;  // nothing was averaged yet
  if (optimizer->averages_swapped() != swapped) optimizer->swap_averages();
}

void SwapAverages::on_train_begin() { set_swapped(false); }
void SwapAverages::on_epoch_begin(int64_t) { set_swapped(false); }
void SwapAverages::on_epoch_end(int64_t, const Logs&) {
  if (swap_on_epoch_) set_swapped(true);
}
void SwapAverages::on_test_begin() { set_swapped(true); }
void SwapAverages::on_test_end(const Logs&) { set_swapped(false); }

nlohmann::json SwapAverages::state() const {
  return {{"swapped", optimizer_of(*trainer_)->averages_swapped()}};
}

void SwapAverages::restore(const nlohmann::json& state, const std::map<std::string, Tensor>&) {
  optimizer_of(*trainer_)->mark_averages_swapped(state.at("swapped").get<bool>());
}

}  // namespace andiron::train
