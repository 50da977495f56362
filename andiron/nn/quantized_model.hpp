#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "andiron/base/result.hpp"
#include "andiron/nn/histogram.hpp"
#include "andiron/nn/model.hpp"

namespace andiron::nn {

/// A network that computes with bytes: for predictions alone. `about` says how it was made, and
/// holds what the caller adds (accuracies).
struct QuantizedModel {
  std::shared_ptr<const Graph> graph;  ///< over "batch"
  std::vector<std::string> input_names, output_names;
  nlohmann::json about;
};

struct QuantizeSettings {
  RangeMethod method = {};
  /// Names of layers that stay in float32.
  std::vector<std::string> float_layers = {};
  int threads = 0;
};

/// Post-training quantization: shows batches to the frozen model, keeps the distribution of each
/// value, and then makes bytes of them. The model's weights are those of the moment when it is
/// made. Not thread-safe.
class Calibration {
 public:
  /// Throws Error when no layer can be quantized, or a float layer is not in the model.
  Calibration(ModelPtr model, QuantizeSettings settings = {});
  ~Calibration();

  /// Inputs in the order of the model's, of its dtypes, with equal numbers of rows. Throws Error
  /// for NaN or infinity in any value, naming the layer.
  void observe(const std::vector<Tensor>& inputs);
  int64_t rows() const { return rows_; }
  /// Throws Error when nothing was observed.
  QuantizedModel quantized() const;

 private:
  ModelPtr model_;
  QuantizeSettings settings_;
  Graph prepared_;
  std::vector<Value> values_;
  std::vector<Histogram> histograms_;
  std::shared_ptr<const Graph> watched_;  // the values as outputs
  std::unique_ptr<class PlanCache> plans_;
  int64_t rows_ = 0;
};

/// One safetensors file: the graph's constants as tensors, the graph in the metadata
/// "andiron.quantized". What is loaded gives the same bits.
Result<> save_quantized(const QuantizedModel& model, const std::string& path);
std::string quantized_bytes(const QuantizedModel& model);
/// Never throws for what stands in the file.
Result<QuantizedModel> load_quantized(const std::string& path);
Result<QuantizedModel> quantized_from_bytes(std::string bytes, const std::string& name = "model");
/// Whether the file has a quantized model's metadata; false for what cannot be read.
bool is_quantized_file(const std::string& path);

/// Layers in bytes and in float32, sizes, how it was calibrated: lines for people.
std::string summary(const QuantizedModel& model);

}  // namespace andiron::nn
