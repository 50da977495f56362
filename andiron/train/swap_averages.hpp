#pragma once

#include "andiron/train/callback.hpp"

namespace andiron::train {

/// Puts the optimizer's moving averages (use_ema) in the variables' place while the model is
/// tested; with `swap_on_epoch` from the end of an epoch to the beginning of the next one, so that
/// callbacks behind it see them. Keras's SwapEMAWeights.
class SwapAverages : public Callback {
 public:
  explicit SwapAverages(bool swap_on_epoch) : swap_on_epoch_(swap_on_epoch) {}

  void on_train_begin() override;
  void on_epoch_begin(int64_t epoch) override;
  void on_epoch_end(int64_t epoch, const Logs& logs) override;
  void on_test_begin() override;
  void on_test_end(const Logs& logs) override;
  nlohmann::json state() const override;
  void restore(const nlohmann::json& state, const std::map<std::string, Tensor>& tensors) override;

 private:
  void set_swapped(bool swapped);

  bool swap_on_epoch_;
};

}  // namespace andiron::train
