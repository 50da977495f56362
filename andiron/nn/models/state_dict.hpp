#pragma once

#include <string>
#include <vector>

#include "andiron/io/safetensors.hpp"
#include "andiron/nn/model.hpp"

namespace andiron::nn::models {

struct WeightOptions {
  /// Leaves variables as they are whose tensors are missing or have another shape, and tensors
  /// that the model does not have (a new classifier on a trained network).
  bool skip_mismatch = false;
  /// Tensors whose names begin so may be in the file although the model does not have them.
  std::vector<std::string> unused = {};
};

/// The tensors of a file of torch.save or safetensors, told apart by its first bytes.
Result<io::NamedTensors> read_weights(const std::string& path);

/// Gives a model's variables the values of a state dict, by name. Three ways of naming are known
/// (kNamings in the source), and wrappers around the names ("state_dict.", "module."); that which
/// fits most variables is taken. Kernels of dense layers are transposed where PyTorch has them so.
/// Throws Error naming what is missing, unexpected or of another shape; the model is unchanged
/// then.
void assign_weights(const FunctionalModel& model, const io::NamedTensors& tensors,
                    const std::string& file, const WeightOptions& options = {});

/// Both; a model file of our own gives its weights by order. Throws IoError when the file cannot
/// be read.
void load_weights(FunctionalModel& model, const std::string& path,
                  const WeightOptions& options = {});

}  // namespace andiron::nn::models
