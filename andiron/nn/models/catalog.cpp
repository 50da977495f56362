#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/models/models.hpp"

namespace andiron::nn::models {

namespace {

using Json = nlohmann::json;

/// Takes settings out of an object; what is left at the end is unknown.
class Settings {
 public:
  Settings(const std::string& network, const Json& json) : network_(network), left_(json) {
    if (!left_.is_object()) left_ = Json::object();
  }

  template <class T>
  void take(const char* key, T& target) {
    const auto at = left_.find(key);
    if (at == left_.end()) return;
    try {
      if (!at->is_null()) target = at->template get<T>();
    } catch (const Json::exception&) {
      fail("[{}] {} is {}", network_, key, at->dump());
    }
    left_.erase(at);
  }
  void take(const char* key, std::optional<double>& target) {
    double value = target.value_or(-1.0);
    const bool there = left_.contains(key) && !left_[key].is_null();
    take(key, value);
    if (there) target = value;
  }
  // null: the empty text, where that is not the default.
  void take_text(const char* key, std::string& target) {
    if (left_.contains(key) && left_[key].is_null()) left_[key] = "";
    take(key, target);
  }
  void done() const {
    if (!left_.empty()) fail("[{}] there is no option '{}'", network_, left_.begin().key());
  }

 private:
  std::string network_;
  Json left_;
};

ImageModelOptions image_options(Settings& s) {
  ImageModelOptions o;
  s.take("weights", o.weights);
  s.take("include_top", o.include_top);
  s.take("classes", o.classes);
  s.take("input_shape", o.input_shape);
  s.take("data_format", o.data_format);
  s.take("pooling", o.pooling);
  s.take_text("classifier_activation", o.classifier_activation);
  s.take("include_preprocessing", o.include_preprocessing);
  s.take("dropout", o.dropout);
  s.take("name", o.name);
  return o;
}

template <ModelPtr (*build)(const ImageModelOptions&)>
ModelPtr plain(Settings& s) {
  const ImageModelOptions o = image_options(s);
  s.done();
  return build(o);
}

ModelPtr googlenet(Settings& s) {
  const ImageModelOptions o = image_options(s);
  bool aux_heads = false, batch_norm = false;
  s.take("aux_heads", aux_heads);
  s.take("batch_norm", batch_norm);
  s.done();
  return GoogLeNet(o, aux_heads, batch_norm);
}

ModelPtr unet(Settings& s) {
  UNetOptions o;
  s.take("classes", o.classes);
  s.take("input_shape", o.input_shape);
  s.take("filters", o.filters);
  s.take("depth", o.depth);
  s.take("batch_norm", o.batch_norm);
  s.take("data_format", o.data_format);
  s.take_text("classifier_activation", o.classifier_activation);
  s.take("weights", o.weights);
  s.take("name", o.name);
  s.done();
  return UNet(o);
}

struct Entry {
  const char* name;
  ModelPtr (*build)(Settings& settings);
};
constexpr Entry kNetworks[] = {{"LeNet5", plain<LeNet5>},
                               {"AlexNet", plain<AlexNet>},
                               {"VGG16", plain<VGG16>},
                               {"VGG19", plain<VGG19>},
                               {"GoogLeNet", googlenet},
                               {"ResNet18", plain<ResNet18>},
                               {"ResNet20", plain<ResNet20>},
                               {"ResNet50", plain<ResNet50>},
                               {"SqueezeNet1_1", plain<SqueezeNet1_1>},
                               {"MobileNetV2", plain<MobileNetV2>},
                               {"EfficientNetLite0", plain<EfficientNetLite0>},
                               {"EfficientNetLite1", plain<EfficientNetLite1>},
                               {"EfficientNetLite2", plain<EfficientNetLite2>},
                               {"UNet", unet}};

}  // namespace

std::vector<std::string> networks() {
  std::vector<std::string> names;
  for (const Entry& e : kNetworks) names.emplace_back(e.name);
  return names;
}

ModelPtr make(const std::string& network, const Json& options) {
  std::string known;
  for (const Entry& e : kNetworks) {
    if (network == e.name) {
      Settings settings(network, options);
      return e.build(settings);
    }
    known += (known.empty() ? "" : ", ") + std::string(e.name);
  }
  fail("[models] there is no network '{}'; there are {}", network, known);
}

}  // namespace andiron::nn::models
