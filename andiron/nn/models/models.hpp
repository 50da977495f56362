#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "andiron/nn/model.hpp"

/// Known networks of images. Layers have the names of the weights that are published for them
/// ("layer1.0.conv1"), so that files fit by name: see state_dict.hpp.
namespace andiron::nn::models {

/// Arguments as in Keras's applications.
struct ImageModelOptions {
  /// A file of weights: torch.save's or safetensors, with torchvision's names. Empty: random.
  std::string weights = {};
  bool include_top = true;  ///< the classifier
  int64_t classes = 0;      ///< 0: the network's own number (1000, or 10)
  /// [channels, height, width], or [height, width, channels] with "channels_last"; empty: the
  /// network's own.
  std::vector<int64_t> input_shape = {};
  std::string data_format = "channels_first";  ///< of inputs and of feature maps that come out
  std::string pooling = {};  ///< without the top: "" (feature maps), "avg" or "max"
  std::string classifier_activation = "softmax";  ///< empty: logits
  /// Networks of ImageNet take pixels of 0 to 255 and normalise them as their weights want it;
  /// false: inputs are normalised already.
  bool include_preprocessing = true;
  std::optional<double> dropout = {};  ///< before the classifier; default: the network's own
  std::string name = {};               ///< empty: the network's
};

/// LeCun et al. 1998, with C3 fully connected, tanh and mean pooling; 1x32x32 (28x28 is padded by
/// 2, as MNIST is there), 10 classes. No preprocessing.
ModelPtr LeNet5(const ImageModelOptions& options = {});
/// Krizhevsky 2014 ("One weird trick"), as torchvision has it.
ModelPtr AlexNet(const ImageModelOptions& options = {});
/// Simonyan and Zisserman 2015, configurations D and E.
ModelPtr VGG16(const ImageModelOptions& options = {});
ModelPtr VGG19(const ImageModelOptions& options = {});
/// Szegedy et al. 2015 (Inception v1). With `aux_heads` it has three outputs: the classifier and
/// the two auxiliary ones. With `batch_norm` it is torchvision's network (batch normalization in
/// place of biases and LRN, 3x3 in place of 5x5), whose weights fit it.
ModelPtr GoogLeNet(const ImageModelOptions& options = {}, bool aux_heads = false,
                   bool batch_norm = false);
/// He et al. 2016; ResNet-50 with the stride in the 3x3 convolution, as torchvision has it.
ModelPtr ResNet18(const ImageModelOptions& options = {});
ModelPtr ResNet50(const ImageModelOptions& options = {});
/// He et al. 2016, section 4.2: three stages of 16, 32 and 64 channels on 3x32x32, with 1x1
/// projections where the size changes; 10 classes. No preprocessing.
ModelPtr ResNet20(const ImageModelOptions& options = {});
/// Iandola et al. 2016, version 1.1.
ModelPtr SqueezeNet1_1(const ImageModelOptions& options = {});
/// Sandler et al. 2018, width 1.
ModelPtr MobileNetV2(const ImageModelOptions& options = {});
/// Tan and Le 2019 in the Lite form (no squeeze and excitation, ReLU6, stem and head not scaled);
/// inputs of 224, 240 and 260 pixels.
ModelPtr EfficientNetLite0(const ImageModelOptions& options = {});
ModelPtr EfficientNetLite1(const ImageModelOptions& options = {});
ModelPtr EfficientNetLite2(const ImageModelOptions& options = {});

struct UNetOptions {
  int64_t classes = 2;
  std::vector<int64_t> input_shape = {3, 128, 128};  ///< sizes that 2^depth divides
  int64_t filters = 16;  ///< of the first level; each level has twice as many (the paper: 64)
  int64_t depth = 4;
  bool batch_norm = true;  ///< behind each 3x3 convolution (the paper has none)
  std::string data_format = "channels_first";
  /// By class at each pixel; empty: logits. "softmax" over one class is "sigmoid".
  std::string classifier_activation = "softmax";
  std::string weights = {}, name = {};
};
/// Ronneberger et al. 2015, with padded convolutions: masks of the input's size.
ModelPtr UNet(const UNetOptions& options = {});

/// The network of that name ("ResNet50") with options by the names above. Throws Error naming
/// unknown networks and options.
ModelPtr make(const std::string& network, const nlohmann::json& options);
std::vector<std::string> networks();

}  // namespace andiron::nn::models
