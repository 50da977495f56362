#include "andiron/nn/texts.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers/input.hpp"
#include "andiron/nn/model.hpp"

namespace andiron::nn {

namespace {

// Layers that move elements and compute nothing.
constexpr std::string_view kMovers[] = {"Concatenate", "Flatten",      "Identity",
                                        "Permute",     "RepeatVector", "Reshape"};

bool moves_only(const Layer& layer) {
  return std::find(std::begin(kMovers), std::end(kMovers), layer.class_name()) != std::end(kMovers);
}

}  // namespace

SymbolicTensor TextInput(Shape shape, std::string name) {
  shape.insert(shape.begin(), batch_dim());
  auto layer = std::make_shared<InputLayer>(TensorType{DType::i64, std::move(shape)},
                                            LayerOptions{.name = std::move(name)}, true);
  return layer->output();
}

bool is_text(const SymbolicTensor& x) {
  if (const auto* entry = dynamic_cast<const InputLayer*>(x.layer().get())) return entry->texts();
  return moves_only(*x.layer()) && is_text(x.call()->inputs[0]);
}

std::vector<bool> text_inputs(const FunctionalModel& model) {
  std::vector<bool> texts;
  for (const SymbolicTensor& t : model.inputs()) texts.push_back(is_text(t));
  return texts;
}

void check_texts(Layer& layer, const std::vector<bool>& texts) {
  if (auto* takes = dynamic_cast<TakesTexts*>(&layer)) return takes->take_texts(texts);
  const auto* model = dynamic_cast<const FunctionalModel*>(&layer);
  const auto refuse = [&](std::string_view rule) {
    const std::string& name = layer.name();
    fail("[{}] {}{}", layer.class_name(), name.empty() ? "" : "layer '" + name + "': ", rule);
  };
  if (model != nullptr && !model->inputs().empty()) {
    if (texts != text_inputs(*model))
      refuse("its inputs of texts get texts, and the others numbers");
    return;
  }
  if (std::find(texts.begin(), texts.end(), true) == texts.end()) return;
  if (!moves_only(layer))
    refuse("takes numbers; got texts. Put StringLookup, Hashing or HashedCrossing between");
  if (std::find(texts.begin(), texts.end(), false) != texts.end())
    refuse("takes texts beside texts only");
}

}  // namespace andiron::nn
