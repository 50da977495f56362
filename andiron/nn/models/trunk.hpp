#pragma once

#include <memory>
#include <string>
#include <vector>

#include "andiron/nn/initial_values.hpp"
#include "andiron/nn/models/models.hpp"

/// What the networks are made of. Each function adds layers to `x` and returns what comes out.
namespace andiron::nn::models {

struct BatchNorm {
  double epsilon = 1e-5;
  double momentum = 0.9;  ///< what stays of the running statistics; PyTorch's 0.1
};

struct ConvBlock {
  int64_t stride = 1;
  int64_t pad = 0;    ///< on all sides
  bool same = false;  ///< TensorFlow's padding in place of `pad`
  int64_t groups = 1;
  bool bias = false;
};
/// A square convolution.
SymbolicTensor conv(const SymbolicTensor& x, const std::string& name, int64_t filters,
                    int64_t kernel, const ConvBlock& block = {});
/// One filter for each channel.
SymbolicTensor depthwise(const SymbolicTensor& x, const std::string& name, int64_t kernel,
                         const ConvBlock& block = {});
SymbolicTensor norm(const SymbolicTensor& x, const std::string& name, const BatchNorm& n = {});
SymbolicTensor activate(const SymbolicTensor& x, const std::string& activation = "relu");
SymbolicTensor max_pool(const SymbolicTensor& x, int64_t size, int64_t stride, int64_t pad = 0,
                        bool ceil = false);
/// The mean over `size` x `size` windows that cover the map; nothing where it has that size.
SymbolicTensor adapt(const SymbolicTensor& x, int64_t size);
int64_t channels(const SymbolicTensor& x);

/// How pixels of 0 to 255 become what the weights want: (x - mean) / deviation for each channel.
struct Pixels {
  std::vector<double> mean, deviation;
};
/// ImageNet's moments, as torchvision has them.
Pixels imagenet_pixels();
/// x / 127.5 - 1.
Pixels symmetric_pixels();

/// What a network is by default.
struct Defaults {
  const char* name;
  std::vector<int64_t> input_shape;  ///< [channels, height, width]
  int64_t classes = 1000;
  Pixels pixels = {};  ///< empty: none
  /// Names of a file of weights that belong to the classifier begin so.
  std::vector<std::string> top = {};
};

/// A network from its input to its output.
class Trunk {
 public:
  /// Checks the options; `x` is channels-first and normalised then.
  Trunk(const ImageModelOptions& options, Defaults defaults);

  const ImageModelOptions& options() const { return options_; }
  int64_t classes() const { return options_.classes; }
  const SymbolicTensor& input() const { return input_; }
  double dropout(double own) const { return options_.dropout.value_or(own); }
  /// Mean over the map, dropout, a dense layer.
  SymbolicTensor classify(const SymbolicTensor& x, const std::string& name, double dropout) const;
  SymbolicTensor dense_top(const SymbolicTensor& x, const std::string& name) const;
  /// The model that gives feature maps, pooled as the options say.
  ModelPtr features(const SymbolicTensor& x) const;
  /// The model that gives classes; takes the weights.
  ModelPtr finish(std::vector<SymbolicTensor> outputs, std::vector<std::string> unused = {}) const;
  ModelPtr finish(const SymbolicTensor& output) const { return finish(std::vector{output}); }

  SymbolicTensor x;

 private:
  // Variables that a file gives are not drawn.
  std::unique_ptr<NoInitialValues> no_initial_values_;
  ImageModelOptions options_;
  Defaults defaults_;
  SymbolicTensor input_;
};

}  // namespace andiron::nn::models
