#include "andiron/io/safetensors.hpp"
#include "andiron/nn/layers.hpp"
#include "andiron/nn/model_file.hpp"
#include "andiron/nn/quantized_model.hpp"
#include "tests/fuzz/seeds.hpp"

int main(int argc, char** argv) {
  using namespace andiron;
  if (argc != 2) return 1;
  auto seed = [&](const std::string& name, const nn::ModelPtr& model) {
    return write_seed(argv[1], name, nn::model_bytes(*model));
  };
  const auto x = nn::Input({3}, {.name = "x"});
  const auto ids = nn::Input({2}, {.name = "ids", .dtype = DType::i32});
  const auto deep = nn::Dense(2)(nn::Concatenate()({x, nn::Flatten()(nn::Embedding(4, 2)(ids))}));
  const auto photo = nn::Input({2, 5, 5}, {.name = "photo"});
  const auto conv = nn::Dense(2)(
      nn::Flatten()(nn::Activation("relu")(nn::BatchNormalization()(nn::Conv2D(2, {3})(photo)))));
  const auto seen = nn::Model(photo, conv);
  const auto stack = nn::Sequential(
      {nn::Input({3}), nn::Dense(2, {.activation = "relu"}), nn::Dropout(0.5), nn::Dense(1)});
  nn::Calibration calibration(seen);
  calibration.observe({Tensor::full(DType::f32, {2, 2, 5, 5}, 0.5)});
  const bool written = seed("functional", nn::Model({x, ids}, {deep})) && seed("photo", seen) &&
                       seed("stack", stack) &&
                       write_seed(argv[1], "bytes", nn::quantized_bytes(calibration.quantized()));
  return written ? 0 : 1;
}
