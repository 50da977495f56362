#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers.hpp"
#include "andiron/nn/model.hpp"
#include "andiron/nn/model_config.hpp"

namespace andiron::nn {

namespace {

using Json = nlohmann::json;

struct LayerEntry {
  const char* class_name;
  LayerPtr (*from_config)(const Json& config);
};

// Every layer that files may name, one line each.
constexpr LayerEntry kLayers[] = {
    {"Activation", ActivationLayer::from_config},
    {"ActivityRegularization", ActivityRegularizationLayer::from_config},
    {"AdaptiveAveragePooling1D", WholePoolingLayer::from_config<PoolingLayer::Kind::average, 1>},
    {"AdaptiveAveragePooling2D", WholePoolingLayer::from_config<PoolingLayer::Kind::average, 2>},
    {"AdaptiveAveragePooling3D", WholePoolingLayer::from_config<PoolingLayer::Kind::average, 3>},
    {"AdaptiveMaxPooling1D", WholePoolingLayer::from_config<PoolingLayer::Kind::max, 1>},
    {"AdaptiveMaxPooling2D", WholePoolingLayer::from_config<PoolingLayer::Kind::max, 2>},
    {"AdaptiveMaxPooling3D", WholePoolingLayer::from_config<PoolingLayer::Kind::max, 3>},
    {"Add", MergeLayer::from_config<MergeLayer::Kind::add>},
    {"AlphaDropout", AlphaDropoutLayer::from_config},
    {"Average", MergeLayer::from_config<MergeLayer::Kind::average>},
    {"AveragePooling1D", PoolingLayer::from_config<PoolingLayer::Kind::average, 1>},
    {"AveragePooling2D", PoolingLayer::from_config<PoolingLayer::Kind::average, 2>},
    {"AveragePooling3D", PoolingLayer::from_config<PoolingLayer::Kind::average, 3>},
    {"BatchNormalization", BatchNormalizationLayer::from_config},
    {"Bilinear", BilinearLayer::from_config},
    {"CategoryEncoding", CategoryEncodingLayer::from_config},
    {"Concatenate", ConcatenateLayer::from_config},
    {"Conv1D", ConvLayer::from_config<ConvLayer::Kind::plain, 1>},
    {"Conv1DTranspose", ConvLayer::from_config<ConvLayer::Kind::transpose, 1>},
    {"Conv2D", ConvLayer::from_config<ConvLayer::Kind::plain, 2>},
    {"Conv2DTranspose", ConvLayer::from_config<ConvLayer::Kind::transpose, 2>},
    {"Conv3D", ConvLayer::from_config<ConvLayer::Kind::plain, 3>},
    {"Conv3DTranspose", ConvLayer::from_config<ConvLayer::Kind::transpose, 3>},
    {"Cropping1D", CroppingLayer::from_config<1>},
    {"Cropping2D", CroppingLayer::from_config<2>},
    {"Cropping3D", CroppingLayer::from_config<3>},
    {"Dense", DenseLayer::from_config},
    {"DepthwiseConv1D", ConvLayer::from_config<ConvLayer::Kind::depthwise, 1>},
    {"DepthwiseConv2D", ConvLayer::from_config<ConvLayer::Kind::depthwise, 2>},
    {"Discretization", DiscretizationLayer::from_config},
    {"Dot", DotLayer::from_config},
    {"Dropout", DropoutLayer::from_config},
    {"EinsumDense", EinsumDenseLayer::from_config},
    {"Embedding", EmbeddingLayer::from_config},
    {"EmbeddingBag", EmbeddingBagLayer::from_config},
    {"Flatten", FlattenLayer::from_config},
    {"Functional", functional_from_config},
    {"GaussianDropout", GaussianDropoutLayer::from_config},
    {"GaussianNoise", GaussianNoiseLayer::from_config},
    {"GlobalAveragePooling1D", WholePoolingLayer::from_config<PoolingLayer::Kind::average, 1>},
    {"GlobalAveragePooling2D", WholePoolingLayer::from_config<PoolingLayer::Kind::average, 2>},
    {"GlobalAveragePooling3D", WholePoolingLayer::from_config<PoolingLayer::Kind::average, 3>},
    {"GlobalMaxPooling1D", WholePoolingLayer::from_config<PoolingLayer::Kind::max, 1>},
    {"GlobalMaxPooling2D", WholePoolingLayer::from_config<PoolingLayer::Kind::max, 2>},
    {"GlobalMaxPooling3D", WholePoolingLayer::from_config<PoolingLayer::Kind::max, 3>},
    {"GroupNormalization",
     GroupNormalizationLayer::from_config<GroupNormalizationLayer::Kind::group>},
    {"HashedCross", HashedCrossLayer::from_config},
    {"HashedCrossing", HashedCrossingLayer::from_config},
    {"Hashing", HashingLayer::from_config},
    {"Highway", HighwayLayer::from_config},
    {"Identity", IdentityLayer::from_config},
    {"InputLayer", InputLayer::from_config},
    {"InstanceNormalization",
     GroupNormalizationLayer::from_config<GroupNormalizationLayer::Kind::instance>},
    {"IntegerLookup", IntegerLookupLayer::from_config},
    {"LayerNormalization", LayerNormalizationLayer::from_config},
    {"LocalResponseNormalization", LocalResponseNormalizationLayer::from_config},
    {"Masking", MaskingLayer::from_config},
    {"MaxPooling1D", PoolingLayer::from_config<PoolingLayer::Kind::max, 1>},
    {"MaxPooling2D", PoolingLayer::from_config<PoolingLayer::Kind::max, 2>},
    {"MaxPooling3D", PoolingLayer::from_config<PoolingLayer::Kind::max, 3>},
    {"Maximum", MergeLayer::from_config<MergeLayer::Kind::maximum>},
    {"MaxoutDense", MaxoutDenseLayer::from_config},
    {"Minimum", MergeLayer::from_config<MergeLayer::Kind::minimum>},
    {"Multiply", MergeLayer::from_config<MergeLayer::Kind::multiply>},
    {"Normalization", NormalizationLayer::from_config},
    {"PReLU", PReLULayer::from_config},
    {"Permute", PermuteLayer::from_config},
    {"RMSNormalization", RMSNormalizationLayer::from_config},
    {"RepeatVector", RepeatVectorLayer::from_config},
    {"Rescaling", RescalingLayer::from_config},
    {"Reshape", ReshapeLayer::from_config},
    {"Resizing", ResizingLayer::from_config},
    {"SeparableConv1D", ConvLayer::from_config<ConvLayer::Kind::separable, 1>},
    {"SeparableConv2D", ConvLayer::from_config<ConvLayer::Kind::separable, 2>},
    {"Sequential", sequential_from_config},
    {"SpatialDropout1D", SpatialDropoutLayer::from_config<1>},
    {"SpatialDropout2D", SpatialDropoutLayer::from_config<2>},
    {"SpatialDropout3D", SpatialDropoutLayer::from_config<3>},
    {"StringLookup", StringLookupLayer::from_config},
    {"Subtract", MergeLayer::from_config<MergeLayer::Kind::subtract>},
    {"TimeDistributed", TimeDistributedLayer::from_config},
    {"Traced", TracedLayer::from_config},
    {"UnitNormalization", UnitNormalizationLayer::from_config},
    {"UpSampling1D", UpSamplingLayer::from_config<1>},
    {"UpSampling2D", UpSamplingLayer::from_config<2>},
    {"UpSampling3D", UpSamplingLayer::from_config<3>},
    {"WideLinear", WideLinearLayer::from_config},
    {"ZeroPadding1D", ZeroPaddingLayer::from_config<1>},
    {"ZeroPadding2D", ZeroPaddingLayer::from_config<2>},
    {"ZeroPadding3D", ZeroPaddingLayer::from_config<3>},
};

const LayerEntry* find(const std::string& class_name) {
  for (const LayerEntry& entry : kLayers)
    if (class_name == entry.class_name) return &entry;
  return nullptr;
}

}  // namespace

LayerPtr layer_from_config(const Json& description) {
  const std::string class_name = description.at("class_name");
  const LayerEntry* entry = find(class_name);
  if (entry == nullptr) {
    std::string known;
    for (const LayerEntry& e : kLayers)
      known += (known.empty() ? "" : ", ") + std::string(e.class_name);
    fail("[layer] class '{}' is not known; there are {}", class_name, known);
  }
  try {
    LayerPtr layer = entry->from_config(description.at("config"));
    layer->adopt(description.at("config"));
    return layer;
  } catch (const Json::exception& e) {
    fail("[{}] its configuration is damaged: {}", class_name, e.what());
  }
}

Json layer_description(const Layer& layer) {
  if (find(layer.class_name()) != nullptr)
    return {{"class_name", layer.class_name()}, {"config", layer.config()}};
  if (!layer.built())
    fail("[{}] layer '{}' must be built before it is saved: it is stored as its graph",
         layer.class_name(), layer.name());
  // Tracing composes the layer's ops again and changes nothing that can be seen.
  const LayerTraces traces = trace_layer(const_cast<Layer&>(layer), layer.input_types());
  return {{"class_name", "Traced"}, {"config", traced_config(layer, traces)}};
}

}  // namespace andiron::nn
